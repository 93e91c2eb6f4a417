import { createHash } from 'node:crypto'
import type { EntryFacts, Fields } from './reader.ts'

// The way from a finished file back to the answer it was made of. The cache only needs the other direction, so an
// output doesn't name its answer; but its key is a digest over the answer and the wanted file, and everything in it is
// known except the quality. Trying the 101 qualities on every answer takes milliseconds. The recipe is that of core's
// key.ts, `out/1`; after a change of it nothing is found, and nothing wrong is.

const ENCODING = 1

/** An answer that files were made of, and what is known of the source. */
export interface AnswerLink {
  readonly pay: string
  /** SHA-256 of the answer, hex. */
  readonly digest: string
  readonly lossless: boolean
}

/** What a record of the shelf `sources` says; undefined for a record that says something else. */
export function linkOf(record: Fields | undefined): Omit<AnswerLink, 'digest'> | undefined {
  if (record === undefined || typeof record.pay !== 'string' || typeof record.lossless !== 'boolean')
    return undefined
  return { pay: record.pay, lossless: record.lossless }
}

/** The quality that leads from an answer to an output: null for none given, undefined when it was made of another. */
export function qualityOf(
  output: EntryFacts,
  { pay, digest, lossless }: AnswerLink,
): number | null | undefined {
  const { width, height, format, fileName } = output
  const parts = { pay, answer: digest, encoding: ENCODING, width, height, format, lossless, fileName }
  const qualities = [undefined, ...Array.from({ length: 100 }, (_, index) => index + 1)]
  const found = qualities.findIndex(quality => digestParts({ ...parts, quality }) === output.key)
  return found === -1 ? undefined : (qualities[found] ?? null)
}

/** Each label and value is preceded by its length. */
function digestParts(parts: Readonly<Record<string, unknown>>): string {
  const hash = createHash('sha256')
  const frame = (text: string): void => {
    hash.update(`${Buffer.byteLength(text)}:`).update(text)
  }
  frame('out/1')
  for (const name of Object.keys(parts).sort()) {
    if (parts[name] === undefined) continue
    frame(name)
    frame(`${typeof parts[name]}:${String(parts[name])}`)
  }
  return hash.digest('hex')
}
