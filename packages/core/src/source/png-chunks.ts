import { UpscaleError } from '../errors.ts'

/** The most parts of a still picture that are looked through: a few are usual, and millions of empty ones fit in a file. */
export const MOST_PARTS = 10_000

/** The error of a file with more parts than {@link MOST_PARTS}. */
export function tooManyParts(): UpscaleError {
  return new UpscaleError('SOURCE_CORRUPT', `the file has more than ${MOST_PARTS} parts`, {
    hint: 'save the image again',
  })
}

/**
 * The chunks of a PNG in order, with those of their bytes that are there. Checksums are not looked at.
 * @throws UpscaleError SOURCE_CORRUPT for too many
 */
export function* pngChunks(
  bytes: Uint8Array,
): Generator<{ readonly type: string; readonly data: DataView<ArrayBufferLike> }> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let count = 0
  for (let at = 8; at + 12 <= bytes.length; at += view.getUint32(at) + 12) {
    if (++count > MOST_PARTS) throw tooManyParts()
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8))
    const length = Math.min(view.getUint32(at), bytes.length - at - 12)
    yield { type, data: new DataView(bytes.buffer, bytes.byteOffset + at + 8, length) }
  }
}
