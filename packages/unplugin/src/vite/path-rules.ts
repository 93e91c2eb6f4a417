import { relative, resolve } from 'node:path'
import type { Plugin, ResolvedConfig, Rollup } from 'vite'
import type { BuildSession } from './build-session.ts'

type AssetFileNames = Extract<
  NonNullable<Rollup.OutputOptions['assetFileNames']>,
  (...args: never[]) => string
>
type AssetInfo = Parameters<AssetFileNames>[0]
type InlineLimit = Extract<ResolvedConfig['build']['assetsInlineLimit'], (...args: never[]) => unknown>

/*
 * What a project says about paths of assets it says by functions, which Vite calls with the path of a slot where a style
 * sheet or a page has the reference. They are told of the source's folder instead.
 */

/** Lets `build.assetsInlineLimit` of all environments judge by the source's path. To be called when the config is resolved. */
export function limitBySource({ build, environments }: ResolvedConfig, session: BuildSession): void {
  for (const one of new Set([build, ...Object.values(environments).map(environment => environment.build)])) {
    const limit = one.assetsInlineLimit
    if (typeof limit === 'function' && !bySource.has(limit)) one.assetsInlineLimit = wrapped(limit, session)
  }
}

/** Limits that are ours already: environments, and the bundles of workers, may share one. */
const bySource = new WeakSet<InlineLimit>()

function wrapped(limit: InlineLimit, session: BuildSession): InlineLimit {
  const judged: InlineLimit = (file, content) => limit(session.slots.at(file)?.source ?? file, content)
  bySource.add(judged)
  return judged
}

/** Lets `assetFileNames` see the path beside the source as the asset's original name. */
export function nameBySource(session: BuildSession): NonNullable<Plugin['outputOptions']> {
  return options => {
    const { assetFileNames } = options
    if (typeof assetFileNames !== 'function') return null
    return { ...options, assetFileNames: info => assetFileNames(besideSource(info, session)) }
  }
}

function besideSource(info: AssetInfo, session: BuildSession): AssetInfo {
  const { root } = session.config
  const shown = (name: string): string => {
    const slot = session.slots.at(resolve(root, name).replaceAll('\\', '/'))
    return slot === undefined ? name : nameIn(root, slot.beside)
  }
  // Rolldown's has getters that must be asked of itself.
  return new Proxy(info, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target)
      if (key === 'originalFileName') return typeof value === 'string' ? shown(value) : value
      return key === 'originalFileNames' && Array.isArray(value) ? value.map(shown) : value
    },
  })
}

/** A path as Vite names a file in its records. */
export function nameIn(root: string, file: string): string {
  return relative(root, file).replaceAll('\\', '/')
}
