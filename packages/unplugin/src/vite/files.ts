import { dirname, join, resolve } from 'node:path'
import { isElsewhere } from 'upscale-toolkit/references'
import type { ResolvedConfig } from 'vite'
import { isFile } from '../is-file.ts'

/** Asks the bundler for the file that a path stands for; undefined when there is none. */
export type FindFile = (path: string) => Promise<string | undefined>

type Paths = Pick<ResolvedConfig, 'root' | 'publicDir' | 'resolve'>

/** The file in the public folder that an absolute path of the site stands for. */
export function publicFile(path: string, { publicDir }: Paths): string | undefined {
  if (publicDir === '' || !path.startsWith('/') || isElsewhere(path)) return undefined
  const file = join(publicDir, path)
  const isInside = file.startsWith(join(publicDir, '/'))
  return isInside && isFile(file) ? file : undefined
}

/**
 * The file that a relative path names, without asking Vite, which costs more than everything else about a cached
 * image; undefined when there is none or an alias could change the path.
 */
export function fileBeside(path: string, importer: string | undefined, config: Paths): string | undefined {
  if (importer === undefined || !/^\.\.?\//.test(path)) return undefined
  if (config.resolve.alias.some(({ find }) => isAliased(path, find))) return undefined
  const file = join(dirname(importer), path)
  return isFile(file) ? file : undefined
}

/** The file of a reference. A path that leads nowhere is left to the upscaler, whose message names it. */
export async function sourceOf(
  path: string,
  importer: string | undefined,
  config: Paths,
  find: FindFile,
): Promise<string> {
  const found = publicFile(path, config) ?? (await find(path))
  if (found !== undefined) return found
  const isOfSite = path.startsWith('/') || importer === undefined
  return isOfSite ? join(config.root, path) : resolve(dirname(importer), path)
}

function isAliased(path: string, find: string | RegExp): boolean {
  return typeof find === 'string' ? path === find || path.startsWith(`${find}/`) : find.test(path)
}
