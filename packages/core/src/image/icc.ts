/*
 * The sRGB profile of a JPEG, as the bytes that hold it: SOI, **APP2 "ICC_PROFILE"**, … (ICC.1, annex B.4). A JPEG that was
 * tagged by the encoder and one that was tagged here are the same, byte for byte.
 */

/** Behind the JPEG's first marker. */
const PLACE = 2

/** Takes the tag out of a file that our encoder tagged. @throws TypeError when it isn't where it should be */
export function srgbTagOf(sample: Uint8Array): Uint8Array {
  const view = Buffer.from(sample.buffer, sample.byteOffset, sample.byteLength)
  if (view.toString('latin1', PLACE + 4, PLACE + 15) !== 'ICC_PROFILE')
    throw new TypeError('no profile in the sample')
  return view.subarray(PLACE, PLACE + view.readUInt16BE(PLACE + 2) + 2)
}

/** A JPEG without a profile, tagged. */
export function withSrgbTag(bytes: Uint8Array, tag: Uint8Array): Uint8Array {
  return Buffer.concat([bytes.subarray(0, PLACE), tag, bytes.subarray(PLACE)])
}
