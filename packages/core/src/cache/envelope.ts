import { hash } from 'node:crypto'

// Every small file of the cache is one JSON object in a fixed frame:
//
//   {
//     "check": "<SHA-256 of the body's text, hex>",
//     "body": <any JSON>
//   }
//
// The frame is compared character by character and the body by its digest, so that no changed, missing or added
// byte is ever read as data. The frame doesn't depend on the body's format version: a reader can tell a sound file
// of a newer format, which it must leave alone, from a damaged one, which it must not keep.
//
// Line ends are the one thing forgiven. The durable folder is made to be committed, and git rewrites them on some
// machines; losing paid answers to that would be a poor joke. A body holds no raw carriage return of its own.

/** The most bytes a small file may have. Larger ones are not read. */
export const MAX_ENVELOPE_BYTES = 65_536

const BEFORE_CHECK = '{\n  "check": "'
const BEFORE_BODY = '",\n  "body": '
const AFTER_BODY = '\n}\n'
const BODY_START = BEFORE_CHECK.length + 64 + BEFORE_BODY.length

/** Frames a JSON value. The text ends in a line end. */
export function seal(body: unknown): string {
  const text = JSON.stringify(body, null, 2)
  return `${BEFORE_CHECK}${digest(text)}${BEFORE_BODY}${text}${AFTER_BODY}`
}

/** The body of a whole and unchanged frame, else undefined. Total. */
export function unseal(raw: Uint8Array | string): unknown {
  if (raw.length > MAX_ENVELOPE_BYTES) return undefined
  let text =
    typeof raw === 'string' ? raw : Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString()
  if (text.includes('\r')) text = text.replaceAll('\r\n', '\n')
  if (!text.startsWith(BEFORE_CHECK) || !text.endsWith(AFTER_BODY)) return undefined
  if (text.slice(BODY_START - BEFORE_BODY.length, BODY_START) !== BEFORE_BODY) return undefined
  const body = text.slice(BODY_START, -AFTER_BODY.length)
  if (text.slice(BEFORE_CHECK.length, BEFORE_CHECK.length + 64) !== digest(body)) return undefined
  try {
    return JSON.parse(body)
  } catch {
    return undefined // only reachable by a file that was framed by somebody else
  }
}

function digest(text: string): string {
  return hash('sha256', text, 'hex')
}
