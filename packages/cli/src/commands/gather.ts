import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { UpscaleError, UpscaleRequest } from 'upscale-core'
import type { Place } from 'upscale-toolkit/references/sources'
import { folderOf, readOperands, shownPath } from '../files/operands.ts'
import { walk } from '../files/walk.ts'
import type { Session } from '../session.ts'

/** A picture that the sources ask for. */
export interface Wanted {
  readonly file: string
  readonly request: UpscaleRequest
  /** The first place that asks for it. */
  readonly place: Pick<Place, 'reference' | 'importer'>
}

export interface Gathered {
  readonly wanted: readonly Wanted[]
  /** References that are wrong, or whose picture was not found. */
  readonly errors: readonly UpscaleError[]
}

/** What the upscaler must be allowed to read for these paths. */
export function includeOf(paths: readonly string[]): string[] {
  return readOperands(paths, process.cwd()).map(folderOf)
}

/** Searches sources for tagged references. A picture that several places ask for alike is listed once. */
export async function gather(
  paths: readonly string[],
  { upscaler, config, stopping }: Session,
): Promise<Gathered> {
  // The parsers are loaded only by commands that search.
  const { gatherPictures, isSource } = await import('upscale-toolkit/references/sources')
  const cwd = process.cwd()
  const { root, cacheDir } = upscaler.options
  const rules = { skip: new Set([cacheDir, resolve(root, 'coverage')]), wants: isSource }

  async function* sources(): AsyncGenerator<string> {
    for await (const { file } of walk(readOperands(paths, cwd), rules)) {
      if (stopping.aborted) return
      yield file
    }
  }

  const nameOf = (source: string): string => shownPath(source, cwd)
  const folders = includeOf(paths)
  const { wanted, wrong } = await gatherPictures(sources(), {
    root,
    parse: upscaler.parse,
    nameOf,
    ruled: { rules: config.rules, factor: upscaler.options.factor },
    // A folder may be a site of its own, from which its absolute addresses start.
    resolve: async (path, source) => {
      if (!path.startsWith('/')) return undefined
      const site = folders.find(folder => source.startsWith(join(folder, '/')))
      const file = site === undefined ? undefined : join(site, path)
      return file !== undefined && existsSync(file) ? file : undefined
    },
  })
  return {
    wanted: wanted.map(({ file, request, places: [{ reference, importer }] }) => {
      return { file, request, place: { reference, importer } }
    }),
    errors: wrong.map(({ error }) => error),
  }
}
