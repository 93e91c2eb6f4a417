/*
 * The sRGB profile of a PNG or JPEG, as the bytes that hold it. A JPEG that was tagged by the encoder and one that was
 * tagged here are the same, byte for byte; our own PNGs are written with theirs.
 *
 *   PNG    signature, IHDR, **iCCP**, …             (PNG specification, 5.6: before the first IDAT)
 *   JPEG   SOI, **APP2 "ICC_PROFILE"**, …           (ICC.1, annex B.4)
 */

/** Formats whose tag is a piece of the file that depends on nothing else in it. */
export type TaggedFormat = 'png' | 'jpeg'

/** Where the tag stands: after the PNG's signature and IHDR, after the JPEG's first marker. */
const PLACE: Readonly<Record<TaggedFormat, number>> = { png: 33, jpeg: 2 }

/** Takes the tag out of a file that our encoder tagged. @throws TypeError when it isn't where it should be */
export function srgbTagOf(sample: Uint8Array, format: TaggedFormat): Uint8Array {
  const place = PLACE[format]
  const view = Buffer.from(sample.buffer, sample.byteOffset, sample.byteLength)
  const [name, length] =
    format === 'png'
      ? [view.toString('latin1', place + 4, place + 8), view.readUInt32BE(place) + 12]
      : [view.toString('latin1', place + 4, place + 15), view.readUInt16BE(place + 2) + 2]
  if (name !== (format === 'png' ? 'iCCP' : 'ICC_PROFILE'))
    throw new TypeError(`no profile in the ${format} sample`)
  return view.subarray(place, place + length)
}

/** A JPEG without a profile, tagged. */
export function withSrgbTag(bytes: Uint8Array, tag: Uint8Array): Uint8Array {
  const place = PLACE.jpeg
  return Buffer.concat([bytes.subarray(0, place), tag, bytes.subarray(place)])
}
