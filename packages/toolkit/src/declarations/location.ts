import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createFilesMatcher, parseTsconfig, type TsConfigResult } from 'get-tsconfig'

const NAME = 'upscale-env.d.ts'

/**
 * Where declarations go when no path is given: `upscale-env.d.ts` in the project's folder where TypeScript reads that, else
 * in the first folder that a `tsconfig.json`, or one that it refers to, includes: the templates of Vite include `src` only.
 *
 * @param root the project's folder, absolute
 * @returns absolute
 */
export function declarationFile(root: string): string {
  const configs = configsIn(root)
  const folders = configs.flatMap(({ config }) => config.include ?? []).map(folderOf)
  const places = ['', ...folders].map(folder => join(root, folder, NAME))
  const isRead = (place: string): boolean =>
    configs.some(config => createFilesMatcher(config)(place) !== undefined)
  return places.find(isRead) ?? join(root, NAME)
}

/** The project's own config, and those that it is made of. One that can't be read is TypeScript's to complain about. */
function configsIn(root: string): TsConfigResult[] {
  const own = read(join(root, 'tsconfig.json'))
  if (own === undefined) return []
  const others = (own.config.references ?? []).flatMap(({ path }) => {
    const file = resolve(root, path)
    return read(/\.json$/.test(file) ? file : join(file, 'tsconfig.json')) ?? []
  })
  return [own, ...others]
}

function read(path: string): TsConfigResult | undefined {
  if (!existsSync(path)) return undefined
  try {
    return { path, config: parseTsconfig(path) }
  } catch {
    return undefined
  }
}

/** What stands before the first wildcard: `src` of `src/**\/*.ts`. A file's own folder. */
function folderOf(pattern: string): string {
  const [plain = ''] = pattern.split(/[*?]/, 1)
  return plain === pattern && !/\.\w+$/.test(plain) ? plain : plain.replace(/[^/]*$/, '')
}
