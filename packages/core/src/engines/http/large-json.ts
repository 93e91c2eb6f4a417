import { randomUUID } from 'node:crypto'
import { inPieces } from '../../source/pieces.ts'
import { parseJson } from './json.ts'

/*
 * JSON with pictures in it, as base64. Parsing, copying and decoding one of tens of megabytes holds the event loop for
 * seconds, so its long texts are set aside piece by piece, where they lie, and only what is left is parsed.
 */

/** A text of JSON that was set aside: what stood between its quotes, in order. Escapes are as they were. */
export class LongText {
  readonly parts: readonly Uint8Array[]

  constructor(parts: readonly Uint8Array[]) {
    this.parts = parts
  }
}

/** A text of JSON, set aside or not. */
export type JsonText = string | LongText

/** Shorter texts are parsed with the rest, in bytes. */
const LONG_BYTES = 16 * 1024

/** Enough for what stands before base64, in bytes. */
const HEAD_BYTES = 1024

/** The most bytes beside the long texts: what is larger says something else than where a picture is. */
const MOST_OTHER_BYTES = 1024 * 1024

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** What was read of JSON. */
export interface LargeJson {
  /** With marks in the place of long texts; undefined for what is no JSON, or has more than a MiB beside them. */
  readonly value: unknown
  /** The text that one in the value stands for: itself, or one that was set aside. */
  text(found: string): JsonText
}

/** Parses JSON without its long texts. */
export async function parseLargeJson(body: Uint8Array): Promise<LargeJson> {
  const reader = createJsonReader()
  await inPieces([body], piece => reader.add(piece))
  return reader.end()
}

/** True for JSON that says itself where it ends: an object or a list, to its last bracket. */
export async function isWholeJson(body: Uint8Array): Promise<boolean> {
  const { value } = await parseLargeJson(body)
  return typeof value === 'object' && value !== null
}

/** Takes JSON as it comes. */
export interface JsonReader {
  add(piece: Uint8Array): void
  end(): LargeJson
}

export function createJsonReader(): JsonReader {
  /** A text that begins like this stands for one that was set aside. */
  const mark = `${randomUUID()}-`
  const texts: LongText[] = []
  const others: Uint8Array[] = []
  let otherBytes = 0
  /** The text that has begun and not ended, from its first piece on. */
  let open: Uint8Array[] | undefined
  /** True behind a backslash that escapes what comes next. */
  let isEscaped = false

  function keep(part: Uint8Array): void {
    otherBytes += part.length
    if (otherBytes <= MOST_OTHER_BYTES) others.push(part)
  }

  function close(parts: readonly Uint8Array[]): void {
    if (lengthOf(parts) <= LONG_BYTES) {
      for (const part of parts) keep(part)
      return
    }
    keep(Buffer.from(`${mark}${texts.length}`))
    // What it is, its beginning says; that must not be cut in two.
    const [first = new Uint8Array(), second, ...more] = parts
    const isWhole = second === undefined || first.length >= HEAD_BYTES
    texts.push(new LongText(isWhole ? parts : [Buffer.concat([first, second]), ...more]))
  }

  /** The index of the quote that ends a text; the length of the piece when it goes on. */
  function endOfText(piece: Buffer, from: number): number {
    for (let at = from; ; ) {
      const quote = piece.indexOf(QUOTE, at)
      const end = quote === -1 ? piece.length : quote
      let backslashes = 0
      while (end - backslashes > at && piece[end - backslashes - 1] === BACKSLASH) backslashes++
      // Where they reach back to the start of what was looked at, so does what was before.
      if (end - backslashes === at && isEscaped) backslashes++
      isEscaped = backslashes % 2 === 1
      if (quote === -1) return end
      if (!isEscaped) return quote
      isEscaped = false
      at = quote + 1
    }
  }

  return {
    add(bytes) {
      const piece = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
      /** Where what is not kept yet begins. */
      let start = 0
      for (let at = 0; at < piece.length; ) {
        if (open === undefined) {
          const quote = piece.indexOf(QUOTE, at)
          if (quote === -1) break
          const end = endOfText(piece, quote + 1)
          const isWhole = end < piece.length
          at = end + 1
          if (isWhole && end - quote <= LONG_BYTES) continue
          keep(piece.subarray(start, quote + 1))
          const part = piece.subarray(quote + 1, end)
          if (isWhole) close([part])
          else open = [part]
          start = end
        } else {
          const end = endOfText(piece, at)
          open.push(piece.subarray(at, end))
          start = end
          at = end + 1
          if (end === piece.length) break
          close(open)
          open = undefined
        }
      }
      keep(piece.subarray(start))
    },
    end() {
      const isWhole = open === undefined && otherBytes <= MOST_OTHER_BYTES
      return {
        value: isWhole ? parseJson(Buffer.concat(others).toString('utf8')) : undefined,
        text: found =>
          (found.startsWith(mark) ? texts[Number(found.slice(mark.length))] : undefined) ?? found,
      }
    },
  }
}

function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0)
}

/** The first characters of a text; those of a long one as they are escaped. */
export function headOf(text: JsonText, length: number): string {
  if (typeof text === 'string') return text.slice(0, length)
  const [first = new Uint8Array()] = text.parts
  return Buffer.from(first.subarray(0, length)).toString('latin1')
}
