import { dirname, isAbsolute, join, resolve } from 'node:path'
import type { ResolvedOptions } from 'upscale-core'
import { isElsewhere } from 'upscale-toolkit/references'
import type { ResolvedConfig } from 'vite'
import { isFile } from '../is-file.ts'

/** Asks the bundler for the file that a path stands for; undefined when there is none. */
export type FindFile = (path: string) => Promise<string | undefined>

type Paths = Pick<ResolvedConfig, 'root' | 'publicDir' | 'resolve'>

/** What a session knows of the folders of its project. */
interface Owner {
  readonly config: Paths
  readonly projectUpscaler: { readonly options: Pick<ResolvedOptions, 'root'> }
}

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
  const file = placeBeside(path, importer, config)
  return file !== undefined && isFile(file) ? file : undefined
}

/** The same, whether or not a file is there. */
export function placeBeside(path: string, importer: string | undefined, config: Paths): string | undefined {
  if (importer === undefined || !/^\.\.?\//.test(path)) return undefined
  if (config.resolve.alias.some(({ find }) => isAliased(path, find))) return undefined
  return join(dirname(importer), path)
}

/**
 * The file of a reference. A path that leads nowhere is left to the upscaler, whose message names it.
 *
 * A framework that serves its public folder itself (Nuxt) gives Vite none, and answers with a module of its own where
 * the picture is; the folder is then where that framework and others have it.
 */
export async function sourceOf(
  path: string,
  importer: string | undefined,
  { config, projectUpscaler }: Owner,
  find: FindFile,
): Promise<string> {
  const found = publicFile(path, config) ?? (await find(path))
  const isVirtual = found !== undefined && !isAbsolute(found)
  if (found !== undefined && !isVirtual) return found
  const isOfSite = path.startsWith('/') || importer === undefined
  const file = isOfSite ? join(config.root, path) : resolve(dirname(importer), path)
  if (!isVirtual && (!isOfSite || config.publicDir !== '' || isFile(file))) return file
  const { resolveReference } = await import('upscale-toolkit/references/sources')
  return resolveReference(path, importer ?? '', projectUpscaler.options.root) ?? file
}

function isAliased(path: string, find: string | RegExp): boolean {
  return typeof find === 'string' ? path === find || path.startsWith(`${find}/`) : find.test(path)
}
