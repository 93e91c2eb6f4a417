import { relative } from 'node:path'
import type { Plugin, Rollup } from 'vite'
import { isFile } from '../is-file.ts'
import { findLeftovers, isSearched, type Leftover, leftoverError, type OutputFile } from '../leftovers.ts'
import { pathOf, queryOf } from '../reference.ts'
import type { ViteSession } from './session.ts'

/** The last look at what Vite is about to write: nothing tagged may be left, and the manifest speaks of sources. */
export function checkOutput(session: ViteSession): Plugin {
  return {
    name: 'upscale:output',
    apply: 'build',
    generateBundle: {
      order: 'post',
      async handler(_, bundle) {
        nameSourcesInManifest(bundle, session)
        const [first, ...others] = await findLeftovers(outputFiles(bundle), {
          ownPrefixes: [session.config.base],
          isKnown: () => false,
        })
        if (first === undefined) return
        const error = leftoverError([first, ...others] satisfies [Leftover, ...Leftover[]], sourceFiles(this))
        if (session.options.leftovers === 'error') throw error
        session.config.logger.warn(`[upscale] ${error.message}`)
      },
    },
  }
}

function* outputFiles(bundle: Rollup.OutputBundle): Generator<OutputFile> {
  // By names first: Rolldown copies an output over from its side when it is touched, and most are images.
  for (const name of Object.keys(bundle)) {
    const output = isSearched(name) ? bundle[name] : undefined
    if (output === undefined) continue
    yield { name, text: () => (output.type === 'chunk' ? output.code : textOf(output.source)) }
  }
}

function* sourceFiles(context: Pick<Rollup.PluginContext, 'getModuleIds'>): Generator<string> {
  const seen = new Set<string>()
  for (const id of context.getModuleIds()) {
    const file = pathOf(id)
    if (seen.has(file) || file.startsWith('\0') || file.includes('/node_modules/')) continue
    seen.add(file)
    if (isFile(file)) yield file
  }
}

/**
 * Vite keys an image in the manifest by the path of its file, which is a slot. Readers of a manifest (server
 * frameworks) look for what they wrote: `src/hero.png?upscale=2`.
 */
function nameSourcesInManifest(
  bundle: Rollup.OutputBundle,
  { config, slots, projectUpscaler }: ViteSession,
): void {
  const { manifest } = config.build
  const output = bundle[typeof manifest === 'string' ? manifest : '.vite/manifest.json']
  if (!manifest || output?.type !== 'asset') return
  const names = new Map<string, string>()
  for (const { file, source, request } of slots.all()) {
    const name = `${relative(config.root, source).replaceAll('\\', '/')}?${queryOf(request, projectUpscaler.options)}`
    names.set(relative(config.root, file).replaceAll('\\', '/'), name)
  }
  const entries = Object.entries(JSON.parse(textOf(output.source)) as Record<string, { src?: string }>)
  const renamed = entries.map(([key, entry]) => {
    const src = entry.src === undefined ? undefined : (names.get(entry.src) ?? entry.src)
    return [names.get(key) ?? key, src === undefined ? entry : { ...entry, src }]
  })
  output.source = JSON.stringify(Object.fromEntries(renamed), undefined, 2)
}

function textOf(source: string | Uint8Array): string {
  return typeof source === 'string' ? source : new TextDecoder().decode(source)
}
