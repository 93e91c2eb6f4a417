import { isUtf8 } from 'node:buffer'
import { isUpscaleError, UpscaleError } from '../errors.ts'
import { safeText } from '../safe-text.ts'
import type { Format } from './format.ts'

/*
 * Why a file can't be read: what the decoder says, or that something took the picture for text on its way. That can't be
 * undone, and what is to be done is elsewhere than in the picture, so it is named.
 */

/** U+FFFD in UTF-8, which stands for bytes that are none. */
const REPLACED = Buffer.from('\ufffd')

/** Line ends of which chance would not make one kind alone. */
const MANY = 2

/** What is looked at, in bytes: enough to tell, and soon done. */
const EVIDENCE = 1024 * 1024

/** The error of a file that can't be read since it was taken for text; undefined when it shows no sign of that. */
export function damageOf(bytes: Uint8Array): UpscaleError | undefined {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, wholeCharacters(bytes))
  // No text has a zero byte, and hardly an image has none.
  const isImage = file.includes(0)
  if (isImage && file.includes(REPLACED) && isUtf8(file)) {
    return new UpscaleError(
      'SOURCE_CORRUPT',
      'the image was read and written as text (UTF-8), which destroys it',
      {
        hint: 'get the original again, and copy it as bytes: without an encoding in Node.js, "encoding: false" in gulp 5',
      },
    )
  }
  const isPng = file.subarray(0, 4).equals(Buffer.from('89504e47', 'hex'))
  const hasOtherSignature = isPng && !file.subarray(4, 8).equals(Buffer.from('0d0a1a0a', 'hex'))
  if (!hasOtherSignature && !(isImage && hasOnlyPairs(file))) return undefined
  return new UpscaleError('SOURCE_CORRUPT', 'the image was changed by a transfer as text (line ends)', {
    hint: 'get the original again in binary mode, and mark images as binary in .gitattributes, like "*.png binary"',
  })
}

/**
 * Refuses a WebP that was changed by a transfer: a lossy one may be decoded nevertheless, into other colours. Only its
 * length tells, which is not the one that it states.
 * @throws UpscaleError SOURCE_CORRUPT
 */
export function refuseChangedWebp(bytes: Uint8Array): void {
  const stated = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(4, true) + 8
  const damage = stated === bytes.length ? undefined : damageOf(bytes)
  if (damage !== undefined) throw damage
}

/** The error of a source that the decoder refused for `cause`. One that is coded already stays as it is. */
export function undecodable(
  { bytes, format }: { readonly bytes: Uint8Array; readonly format: Format },
  cause: unknown,
): UpscaleError {
  if (isUpscaleError(cause)) return cause
  const damage = damageOf(bytes)
  if (damage !== undefined) return damage
  const why = decoderWords(cause)
  const problem = `the ${format.toUpperCase()} can't be decoded: ${why}`
  return why.includes('Unsupported JPEG')
    ? new UpscaleError('SOURCE_UNSUPPORTED', problem, {
        hint: 'save it as an 8-bit baseline JPEG or as PNG',
        cause,
      })
    : new UpscaleError('SOURCE_CORRUPT', problem, { hint: 'save or fetch the image again', cause })
}

/** What a decoder said, without repetitions and without the seek messages that libheif puts before it. */
export function decoderWords(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  const lines = text.replace(/^Input buffer has corrupt header:/, 'corrupt header\n').split('\n')
  const told = lines
    .map(line => safeText(line))
    .filter(line => line !== '' && !line.startsWith('source: bad seek'))
  return safeText([...new Set(told)].join(', '))
}

/** How many bytes to look at, so that the last character is not cut off where they are text in UTF-8. */
function wholeCharacters(bytes: Uint8Array): number {
  if (bytes.length <= EVIDENCE) return bytes.length
  let end = EVIDENCE
  while (end > EVIDENCE - 3 && ((bytes[end] as number) & 0xc0) === 0x80) end--
  return end
}

/** True for a file in which a carriage return stands before every line feed. */
function hasOnlyPairs(file: Buffer): boolean {
  let count = 0
  for (let at = file.indexOf(10); at !== -1; at = file.indexOf(10, at + 1)) {
    if (file[at - 1] !== 13) return false
    count++
  }
  return count >= MANY
}
