import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { Plugin, Rollup } from 'vite'
import type { Slot } from '../slots.ts'
import { ASSETS, isLoadedByVite } from './other-loads.ts'
import { nameIn } from './path-rules.ts'

type Context = ThisParameterType<Extract<Plugin['load'], (...args: never[]) => unknown>>
type Environment = Context['environment']

/** What has more bytes is left to Vite: reading it would hold the event loop. */
const MOST_BYTES = 1024 * 1024

/**
 * The module of a picture that becomes a file of the output, made at once: Vite's own reading goes through another thread four
 * times, which costs more than all else about a picture that is known. Since Vite 8.4 an address that a plugin has by Rollup's
 * `import.meta.ROLLUP_FILE_URL_…` heeds `base` and its relatives; older ones are left to Vite.
 *
 * @returns undefined for what Vite has to decide about, or to inline
 */
export function emitPicture(
  { file, image: { size }, site: { importer } }: Slot,
  context: Context,
): Rollup.LoadResult | undefined {
  const { environment } = context
  const limit = inlineLimitOf(environment)
  // What nobody imports is an entry, which Vite removes when it is nothing but a picture.
  if (limit === undefined || size < limit || size > MOST_BYTES || importer === undefined) return undefined
  if (!isLoadedByVite(file, context)) return undefined
  const source = bytesOf(file)
  if (source === undefined) return undefined
  const name = basename(file)
  const reference = context.emitFile({
    type: 'asset',
    name,
    originalFileName: nameIn(environment.config.root, file),
    source,
  })
  return {
    code: `export default import.meta.ROLLUP_FILE_URL_${reference}`,
    moduleSideEffects: false,
    moduleType: 'js',
  }
}

function bytesOf(file: string): Buffer | undefined {
  try {
    return readFileSync(file)
  } catch (error) {
    // Vite reads it then, and says why it can't be read.
    if (error instanceof Error && 'code' in error) return undefined
    throw error
  }
}

/** What Vite inlines below so many bytes; undefined for an environment in which it decides by more than that. */
function inlineLimitOf(environment: Environment): number | undefined {
  if (limits.has(environment)) return limits.get(environment)
  const { consumer, build } = environment.config
  const { assetsInlineLimit, lib } = build
  const asset = environment.plugins.find(({ name }) => name === ASSETS)
  const isPlain = consumer === 'client' && !lib && asset !== undefined && 'resolveFileUrl' in asset
  const limit = isPlain && typeof assetsInlineLimit === 'number' ? assetsInlineLimit : undefined
  limits.set(environment, limit)
  return limit
}

/** Of environments, whose configs stay as they are during a build. */
const limits = new WeakMap<Environment, number | undefined>()
