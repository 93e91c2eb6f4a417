import type { Plugin, Rollup } from 'vite'
import { isList, isObject } from './shapes.ts'

type Load = NonNullable<Extract<Plugin['load'], (...args: never[]) => unknown>>
type Context = ThisParameterType<Load>

/**
 * Loads a module under another id than its own, as Vite would: by the first plugin that takes it, and by Vite's own for
 * files at last. What is loaded is then the content of a module whose id is no file.
 *
 * @param id what the plugins are asked for
 */
export async function loadAs(id: string, context: Context): Promise<Rollup.LoadResult> {
  for (const { load, isWanted } of loadsOf(context.environment.plugins)) {
    if (!isWanted(id)) continue
    const loaded = await load.call(context, id)
    if (loaded !== null && loaded !== undefined) return loaded
  }
  return null
}

/** True for what no plugin loads before Vite's own for files is asked. */
export function isLoadedByVite(id: string, { environment }: Pick<Context, 'environment'>): boolean {
  return loadsOf(environment.plugins).find(({ isWanted }) => isWanted(id))?.plugin === ASSETS
}

/** Vite's plugin that loads files which are no code. */
export const ASSETS = 'vite:asset'

interface RankedLoad {
  readonly plugin: string
  readonly rank: number
  readonly load: Load
  readonly isWanted: (id: string) => boolean
}

/** By the list of an environment's plugins, which stays as it is during a build. */
const ranked = new WeakMap<readonly Plugin[], readonly RankedLoad[]>()

/** The load hooks in their order, of all plugins but ours. */
function loadsOf(plugins: readonly Plugin[]): readonly RankedLoad[] {
  const known = ranked.get(plugins)
  if (known !== undefined) return known
  const all = rank(plugins)
  ranked.set(plugins, all)
  return all
}

function rank(plugins: readonly Plugin[]): readonly RankedLoad[] {
  const loads = plugins.flatMap(({ name, load }) => {
    if (load === undefined || name === 'upscale' || name.startsWith('upscale:')) return []
    // What is built into Rolldown loads no pictures, and each call of it from here costs as much as reading one.
    if (name.startsWith('builtin:'))
      return [
        {
          plugin: name,
          rank: 2,
          load: typeof load === 'function' ? load : load.handler,
          isWanted: () => true,
        },
      ]
    if (typeof load === 'function') return [{ plugin: name, rank: 0, load, isWanted: () => true }]
    const rank = load.order === 'pre' ? -1 : load.order === 'post' ? 1 : 0
    return [{ plugin: name, rank, load: load.handler, isWanted: testOf(load.filter) }]
  })
  return loads.sort((a, b) => a.rank - b.rank)
}

/** Whether a hook's filter lets an id through. Only expressions are looked at; no plugin names pictures otherwise. */
function testOf(filter: unknown): (id: string) => boolean {
  if (!isObject(filter) || filter.id === undefined) return () => true
  const { include, exclude } =
    isObject(filter.id) && !isList(filter.id) && !(filter.id instanceof RegExp)
      ? filter.id
      : { include: filter.id, exclude: undefined }
  const included = include === undefined ? undefined : patternsOf(include)
  const excluded = patternsOf(exclude)
  return id =>
    (included?.some(pattern => pattern.test(id)) ?? true) && !excluded.some(pattern => pattern.test(id))
}

function patternsOf(patterns: unknown): RegExp[] {
  return (isList(patterns) ? patterns : [patterns]).filter(pattern => pattern instanceof RegExp)
}
