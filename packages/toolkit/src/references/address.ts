import { isRasterName, RASTER_EXTENSIONS, TAGGED } from 'upscale-core/internal'

/** Extensions that name a picture, as an alternative of a regular expression; those that the upscaler refuses too. */
export const PICTURE_EXTENSIONS: string = `${RASTER_EXTENSIONS.join('|')}|svg|tiff?|bmp|ico|cur|hei[cf]|jxl`

const PICTURE_PATH = new RegExp(`\\.(?:${PICTURE_EXTENSIONS})$`, 'i')

/**
 * Quick test for a text that may hold a tagged reference; `&` may be written as `&amp;`. The end of a key is that of a
 * word: in a text a quote, a space or a bracket follows `?upscale`.
 */
export const TAG_IN_TEXT: RegExp = /[?&;](?:upscale|detail|resemblance|expand_prompt)\b/

/** A scheme of two letters or more (one letter is a Windows drive), or a protocol-relative address. */
const ELSEWHERE = /^(?:[a-z][a-z\d+.-]+:|\/\/)/i

/** True for a text that can't be passed over without looking closer. */
export function mayHoldTags(text: string): boolean {
  return TAG_IN_TEXT.test(text)
}

/** True for a path that ends like a picture's. */
export function isPicturePath(path: string): boolean {
  return PICTURE_PATH.test(path)
}

/** True for an address of a picture with one of our keys in its query. */
export function isTaggedPicture(address: string): boolean {
  return TAGGED.test(address) && isPicturePath(pathOf(address))
}

/** True for an address of a picture that has pixels. */
export function isRasterPicture(address: string): boolean {
  return isRasterName(pathOf(address))
}

/** True for an address that names a server, so that it leads to no file of the project. */
export function isElsewhere(address: string): boolean {
  return ELSEWHERE.test(address)
}

/** An address without query and hash. */
export function pathOf(address: string): string {
  const end = address.search(/[?#]/)
  return end === -1 ? address : address.slice(0, end)
}

/** What a path is called on the disk: `my%20photo.png` is `my photo.png`. What is no code, or one of another character set, stays. */
export function decodedPath(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
