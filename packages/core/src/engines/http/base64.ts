import { nextRound } from '../../event-loop.ts'
import { PIECE_BYTES } from '../../source/pieces.ts'
import { parseJson } from './json.ts'
import type { JsonText } from './large-json.ts'

/** What may stand before base64. No longer than a piece. */
const DATA_URL = /^\s*data:[^,]{0,200};base64,/i

/** Escapes of JSON and of addresses, which may be cut in two at the end of a piece. */
const CUT_ESCAPE = /(?:\\(?:u[\da-f]{0,3})?|%[\da-f]?)$/i

/**
 * Decodes base64 in the forms in which services send it: with or without padding, in the alphabet of addresses, with line
 * breaks, escaped, behind `data:image/png;base64,`. Node's own decoder skips what it doesn't know and stops where it
 * likes; here every character and the length must be right. Whether it was cut short after a whole byte, only the picture
 * tells. Large ones are decoded piece by piece.
 *
 * @returns undefined for what is no base64
 */
export async function readBase64(text: JsonText): Promise<Buffer | undefined> {
  const bytes = Buffer.allocUnsafeSlow(Math.ceil((lengthOf(text) * 3) / 4))
  let length = 0
  /** Characters so far, padding included. */
  let count = 0
  let padding = ''
  /** What waits for more: the start of an escape, and of a group of four characters. */
  let cut = ''
  let group = ''
  let isFirst = true
  for (const piece of piecesOf(text)) {
    if (!isFirst) await nextRound()
    const whole = cut + piece
    cut = CUT_ESCAPE.exec(whole)?.[0] ?? ''
    const plain = unescaped(whole.slice(0, whole.length - cut.length), text)
    if (plain === undefined) return undefined
    const [, characters = '', equals] =
      /^([A-Za-z0-9+/_-]*)(={0,2})$/.exec(
        (isFirst ? plain.replace(DATA_URL, '') : plain).replace(/\s+/g, ''),
      ) ?? []
    isFirst = false
    if (equals === undefined || (padding !== '' && characters !== '')) return undefined
    padding += equals
    count += characters.length + equals.length
    const known = group + characters
    const end = known.length - (known.length % 4)
    length += bytes.write(known.slice(0, end), length, 'base64')
    group = known.slice(end)
  }
  length += bytes.write(group, length, 'base64')
  const isWhole = padding === '' ? count % 4 !== 1 : count % 4 === 0 && padding.length <= 2
  return isWhole && count > padding.length && cut === '' ? bytes.subarray(0, length) : undefined
}

function lengthOf(text: JsonText): number {
  return typeof text === 'string' ? text.length : text.parts.reduce((sum, { length }) => sum + length, 0)
}

function* piecesOf(text: JsonText): Generator<string> {
  if (typeof text === 'string') {
    for (let at = 0; at < text.length; at += PIECE_BYTES) yield text.slice(at, at + PIECE_BYTES)
    return
  }
  for (const part of text.parts) {
    for (let at = 0; at < part.length; at += PIECE_BYTES)
      yield Buffer.from(part.subarray(at, at + PIECE_BYTES)).toString('latin1')
  }
}

/** Undefined for a piece of JSON that is none. */
function unescaped(piece: string, text: JsonText): string | undefined {
  const isEscaped = typeof text !== 'string' && piece.includes('\\')
  const plain = isEscaped ? parseJson(`"${piece}"`) : piece
  if (typeof plain !== 'string' || !plain.includes('%')) return plain as string | undefined
  return plain.replaceAll(/%2B/gi, '+').replaceAll(/%2F/gi, '/').replaceAll(/%3D/gi, '=')
}
