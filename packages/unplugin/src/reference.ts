import type { ResolvedOptions, UpscaleRequest } from 'upscale-core'
import { TAGGED } from 'upscale-core/internal'
import { isElsewhere, isPicturePath } from 'upscale-toolkit/references'

/** A reference as it was written, and the module that has it. */
export interface ReferenceSite {
  readonly reference: string
  /** The bundler's id of the module; undefined for an entry. */
  readonly importer: string | undefined
}

/** True for a reference that we must handle: a picture of the project, with one of our keys in its query. */
export function isTaggedImage(reference: string): boolean {
  return TAGGED.test(reference) && isPicturePath(pathOf(reference)) && !isElsewhere(reference)
}

/** Matches a reference that asks for a text, which is a module of code and no picture. */
export const AS_TEXT: RegExp = /[?&]as=(?:srcset|metadata)(?:[&#]|$)/

/**
 * A reference, or a bundler's id of a module, without its query. Unlike in an address on the web, a `#` in a path is a
 * character of the file's name: bundlers hand out paths that are not encoded.
 */
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
  let query = `upscale=${factor}`
  const add = (name: string, value: string | number | undefined): void => {
    if (value !== undefined) query += `&${name}=${encodeURIComponent(value)}`
  }
  if (request.engine !== engine) add('engine', request.engine)
  add('format', format)
  add('quality', quality)
  for (const name of Object.keys(params).sort()) add(name, params[name])
  return query
}

/** Joins a query of ours with what was not ours in the reference (`?w=800#top`, or nothing). */
export function withRest(query: string, rest: string): string {
  return rest.startsWith('?') ? `?${query}&${rest.slice(1)}` : `?${query}${rest}`
}
