import { TAGGED } from 'upscale-core'

/** Ends of paths that name a picture, also those that the upscaler refuses with a reason. */
const PICTURE_PATH = /\.(?:png|jpe?g|jfif|webp|avif|gif|svg|tiff?|bmp|ico|hei[cf]|jxl)$/i

/** Ends of paths that name a picture an `<img>` can have a larger one of. */
const RASTER_PATH = /\.(?:png|jpe?g|jfif|webp|avif|gif)$/i

/** Quick test for a text that may hold a tagged reference; `&` may be written as `&amp;`. */
const TAG_IN_TEXT = /[?&;](?:upscale|detail|resemblance|expand_prompt)\b/

/** True for a text that can't be passed over without looking closer. */
export function mayHoldTags(text: string): boolean {
  return TAG_IN_TEXT.test(text)
}

/** True for an address of a picture with one of our keys in its query. */
export function isTaggedPicture(address: string): boolean {
  return TAGGED.test(address) && PICTURE_PATH.test(pathOf(address))
}

/** True for an address of a picture that has pixels. */
export function isRasterPicture(address: string): boolean {
  return RASTER_PATH.test(pathOf(address))
}

/** An address without query and hash. */
export function pathOf(address: string): string {
  const end = address.search(/[?#]/)
  return end === -1 ? address : address.slice(0, end)
}
