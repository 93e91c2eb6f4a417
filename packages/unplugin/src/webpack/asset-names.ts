import { basename, extname, join } from 'node:path'
import { isUpscaleError } from 'upscale-core'
import { extensionOf } from 'upscale-core/internal'
import { pathBeside } from '../path-beside.ts'
import type { ProjectUpscaler } from '../project-upscaler.ts'
import { queryOf } from '../reference.ts'

/**
 * The name of a picture's asset, with what is left of the query: `hero-2x.png`, or one of its own where a neighbour has that
 * name or another request would have it.
 * @param folder of the source, absolute
 * @returns undefined when the directive is wrong, which the loader tells
 */
export function nameOf(
  resource: string,
  folder: string,
  projectUpscaler: ProjectUpscaler,
): string | undefined {
  try {
    const { path, requests, rest } = projectUpscaler.parse({ reference: resource, importer: undefined })
    const [request] = requests
    const { factor, format } = request
    const file = basename(path)
    const extension = format === undefined ? extname(file) : `.${extensionOf(format)}`
    const name = `${cleanName(basename(file, extname(file)))}-${factor}x${extension}`
    const query = queryOf(request, projectUpscaler.options)
    return basename(pathBeside(join(folder, file), name, query)) + rest
  } catch (error) {
    if (!isUpscaleError(error)) throw error
    return undefined
  }
}

/** A stem that no file name template, address or request can misread: `100% (final)` is `100-final`. */
export function cleanName(stem: string): string {
  const plain = stem
    .normalize('NFKD')
    .replace(/\p{Mark}+/gu, '')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
  return plain.replace(/^[.-]+|[.-]+$/g, '') || 'image'
}
