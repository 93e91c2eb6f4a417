import { type ResolvedOptions, TAGGED, type UpscaleRequest } from 'upscale-core'

/** Ends of paths that name a picture, also those that the upscaler refuses with a reason. */
const IMAGE_PATH = /\.(?:png|jpe?g|jfif|webp|avif|gif|svg|tiff?|bmp|ico|hei[cf]|jxl)$/i

/** A scheme of two letters or more (one letter is a Windows drive), or a protocol-relative address. */
const ELSEWHERE = /^(?:[a-z][a-z\d+.-]+:|\/\/)/i

/** True for a reference that we must handle: a picture of the project, with one of our keys in its query. */
export function isTaggedImage(reference: string): boolean {
  return TAGGED.test(reference) && isImagePath(pathOf(reference)) && !isElsewhere(reference)
}

/** True for a path that ends like a picture's. */
export function isImagePath(path: string): boolean {
  return IMAGE_PATH.test(path)
}

/** True for an address that no bundler looks up among the project's files. */
export function isElsewhere(reference: string): boolean {
  return ELSEWHERE.test(reference)
}

/** A reference, or a bundler's id of a module, without its query. */
export function pathOf(reference: string): string {
  const question = reference.indexOf('?')
  return question === -1 ? reference : reference.slice(0, question)
}

/**
 * The query of a request with only what differs from the defaults: `upscale=2&engine=hero`. Two references that
 * mean the same have the same one.
 */
export function queryOf(request: UpscaleRequest, { engine }: Pick<ResolvedOptions, 'engine'>): string {
  const { factor, format, quality, params } = request
  const parts: [string, string | number | undefined][] = [
    ['upscale', factor],
    ['engine', request.engine === engine ? undefined : request.engine],
    ['format', format],
    ['quality', quality],
    ...Object.entries(params).sort(([a], [b]) => (a < b ? -1 : 1)),
  ]
  return parts
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${encodeURIComponent(value ?? '')}`)
    .join('&')
}

/** Joins a query of ours with what was not ours in the reference (`?w=800#top`, or nothing). */
export function withRest(query: string, rest: string): string {
  return rest.startsWith('?') ? `?${query}&${rest.slice(1)}` : `?${query}${rest}`
}
