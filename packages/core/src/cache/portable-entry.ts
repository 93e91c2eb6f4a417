import { digestOf, joinPieces } from '../source/pieces.ts'
import { type EntryFacts, parseEntry, printEntry } from './entry.ts'
import { MAX_ENVELOPE_BYTES } from './envelope.ts'

// An entry and its image as one value, for stores that know values only:
//
//   upscale-parcel 1 <bytes of entry.json>\n
//   <entry.json, as it is on disk><image>
//
// One value, so that whoever reads it has both or neither. It names its key and its digest, as the folder does.

const VERSION = 1

/** What may stand around an image in a portable entry, in bytes. */
export const PORTABLE_OVERHEAD = MAX_ENVELOPE_BYTES + 64

/** What a portable entry holds, or, in words, why it can't be used. */
export type DecodedEntry =
  | { readonly facts: EntryFacts; readonly bytes: Uint8Array }
  | { readonly flaw: string }

/** @param facts - of exactly these bytes */
export function encodePortable({ fetched, ...facts }: EntryFacts, bytes: Uint8Array): Promise<Uint8Array> {
  const entry = printEntry(facts)
  return joinPieces([Buffer.from(`upscale-parcel ${VERSION} ${Buffer.byteLength(entry)}\n${entry}`), bytes])
}

/** Takes a portable entry apart. Total: whatever is not a whole entry of exactly this key has a flaw. */
export async function decodePortable(portable: Uint8Array, expectedKey: string): Promise<DecodedEntry> {
  const buffer = Buffer.from(portable.buffer, portable.byteOffset, portable.byteLength)
  const head = /^upscale-parcel (\d{1,4}) (\d{1,6})\n/.exec(buffer.subarray(0, 64).toString('latin1'))
  if (head === null) return { flaw: 'it is not an entry of this cache' }
  const [line, version, length] = head
  if (Number(version) !== VERSION) return { flaw: 'it was stored by another version of this package' }
  const start = line.length + Number(length)
  const facts = parseEntry(buffer.subarray(line.length, start), expectedKey)
  if (facts === 'newer') return { flaw: 'it was stored by another version of this package' }
  if (facts === undefined) return { flaw: 'its record is damaged, or that of another picture' }
  const bytes = portable.subarray(start)
  if (bytes.length !== facts.size) return { flaw: `it has ${bytes.length} bytes instead of ${facts.size}` }
  if ((await digestOf(bytes)) !== facts.sha256)
    return { flaw: 'it has another SHA-256 than when it was stored' }
  return { facts, bytes }
}
