import { join, resolve } from 'node:path'
import type { UpscaleError } from 'upscale-core'
import type { BuildEnvironmentOptions, Plugin, Rollup } from 'vite'
import { isFile } from '../is-file.ts'
import { findLeftovers, isSearched, type Leftover, leftoverError, type OutputFile } from '../leftovers.ts'
import { pathOf, queryOf } from '../reference.ts'
import { findUnanswered } from './accounts.ts'
import { lookBeforeExit } from './before-exit.ts'
import type { BuildSession } from './build-session.ts'
import { createOutputFolder, noteBegin, type OutputFolder } from './output-folder.ts'
import { nameIn } from './path-rules.ts'

/** What the build of one environment wrote, and who may have written what is left in it. */
interface Written {
  readonly folder: OutputFolder
  /** Of its modules. */
  readonly ids: readonly string[]
}

/**
 * The last look at what Vite writes: nothing tagged may be left, and the manifest speaks of sources. The bundle is
 * searched before it is written, and the folder when the build is over and again before the process ends.
 */
export function checkOutput(session: BuildSession): Plugin {
  const written = new Map<string, Written>()
  const began = new Map<string, () => number>()
  // A framework's server may have the browsers' manifest in its code, where the names of sources are no addresses.
  const named = new Set<string>()

  async function errorOf(
    leftovers: readonly Leftover[],
    ids: readonly string[],
  ): Promise<UpscaleError | undefined> {
    const [first, ...others] = leftovers
    if (first === undefined) return undefined
    // A file of the public folder is copied under its own name.
    const copied = join(session.config.publicDir, first.output)
    const { projectUpscaler, config } = session
    return leftoverError([first, ...others], {
      modules: [copied, ...sourceFiles(ids)],
      root: projectUpscaler.options.root,
      outputs: [resolve(config.root, config.build.outDir)],
    })
  }

  async function tell(leftovers: readonly Leftover[], ids: readonly string[]): Promise<void> {
    const error = await errorOf(leftovers, ids)
    if (error === undefined) return
    if (session.options.leftovers === 'error') throw error
    session.config.logger.warn(`[upscale] ${error.message}`)
  }

  return {
    name: 'upscale:output',
    apply: 'build',
    buildStart() {
      began.set(this.environment.name, noteBegin())
    },
    generateBundle: {
      order: 'post',
      async handler({ dir }, bundle) {
        const { name, config } = this.environment
        for (const source of nameSourcesInManifests(bundle, config.build, session)) named.add(source)
        const isServer = config.consumer === 'server'
        const rules = {
          ownPrefixes: [session.config.base],
          isKnown: (text: string) => isServer && named.has(text),
        }
        const ids = [...this.getModuleIds()]
        const manifests = manifestsOf(config.build)
        const outputs = [...outputFiles(bundle, manifests)]
        const left = await findLeftovers(outputs, rules)
        if (left.length > 0) await tell(left, [...ids, ...originalsOf(bundle, config.root)])
        const unanswered = await findUnanswered(ids, bundle, session)
        if (unanswered !== undefined) throw unanswered
        // What a server keeps beside its code is no page, and names sources as manifests do.
        if (isServer) return
        const out = resolve(config.root, dir ?? config.build.outDir)
        const folder = createOutputFolder(out, began.get(name) ?? noteBegin(), rules)
        for (const output of outputs) folder.note(output.name)
        for (const manifest of manifests) folder.note(manifest)
        written.set(name, { folder, ids })
      },
    },
    closeBundle: {
      order: 'post',
      async handler() {
        const { name, config } = this.environment
        const { folder, ids } = written.get(name) ?? {}
        if (folder === undefined || ids === undefined || !config.build.write) return
        await tell(await folder.look(), ids)
        if (config.build.watch !== null) return
        lookBeforeExit(async () => {
          const error = await errorOf(await folder.look(), ids)
          return error && { text: error.message, isError: session.options.leftovers === 'error' }
        })
      },
    },
  }
}

/** The files that assets were made of, absolute: a web manifest is no module. */
function originalsOf(bundle: Rollup.OutputBundle, root: string): string[] {
  return Object.values(bundle).flatMap(output =>
    output.type === 'asset' ? output.originalFileNames.map(name => resolve(root, name)) : [],
  )
}

/** Vite's manifests, which name sources as they were written, where they have names of their own. */
function manifestsOf({ manifest, ssrManifest }: BuildEnvironmentOptions): string[] {
  return [manifest, ssrManifest].filter(name => typeof name === 'string')
}

/** Vite's manifests, where it names them. */
const MANIFEST = /(?:^|\/)\.vite\//

function* outputFiles(bundle: Rollup.OutputBundle, manifests: readonly string[]): Generator<OutputFile> {
  // By names first: Rolldown copies an output over from its side when it is touched, and most are images.
  for (const name of Object.keys(bundle)) {
    const isManifest = MANIFEST.test(name) || manifests.includes(name)
    const output = isSearched(name) && !isManifest ? bundle[name] : undefined
    if (output === undefined) continue
    const text = (): string => (output.type === 'chunk' ? output.code : textOf(output.source))
    yield { name, text, isCopy: output.type === 'asset' }
  }
}

function* sourceFiles(ids: readonly string[]): Generator<string> {
  for (const file of new Set(ids.map(pathOf))) {
    if (file.startsWith('\0') || file.includes('/node_modules/')) continue
    if (isFile(file)) yield file
  }
}

/**
 * Vite keys an image in its manifests by the path of its file, which is a slot, or by its module. Readers of a manifest
 * (server frameworks) look for what they wrote: `src/hero.png?upscale=2`.
 * @returns the names that were given
 */
function nameSourcesInManifests(
  bundle: Rollup.OutputBundle,
  { manifest, ssrManifest }: BuildEnvironmentOptions,
  { config, slots, projectUpscaler }: BuildSession,
): Iterable<string> {
  if (!manifest && !ssrManifest) return []
  const names = new Map<string, string>()
  for (const { file, beside, source, request } of slots.all()) {
    const name = `${nameIn(config.root, source)}?${queryOf(request, projectUpscaler.options)}`
    for (const path of [file, beside]) names.set(nameIn(config.root, path), name)
  }
  const rename = (text: string): string => names.get(text) ?? text
  rewriteJson(bundle, manifest, 'manifest.json', ([key, entry]) => [rename(key), renamedEntry(entry, rename)])
  rewriteJson(bundle, ssrManifest, 'ssr-manifest.json', ([key, files]) => [rename(key), files])
  return names.values()
}

/** An entry of Vite's manifest, with the keys of others that it lists. */
function renamedEntry(entry: unknown, rename: (text: string) => string): unknown {
  if (typeof entry !== 'object' || entry === null) return entry
  const renamed = Object.entries(entry).map(([key, value]) => {
    if (key === 'src') return [key, rename(String(value))]
    const isList = (key === 'imports' || key === 'dynamicImports') && Array.isArray(value)
    return [key, isList ? value.map(rename) : value]
  })
  return Object.fromEntries(renamed)
}

/** @param setting where the project wants the file: `true` is Vite's own place */
function rewriteJson(
  bundle: Rollup.OutputBundle,
  setting: boolean | string | undefined,
  name: string,
  rewrite: (entry: [string, unknown]) => [string, unknown],
): void {
  const output = bundle[typeof setting === 'string' ? setting : `.vite/${name}`]
  if (!setting || output?.type !== 'asset') return
  const entries = Object.entries(JSON.parse(textOf(output.source)) as Record<string, unknown>)
  output.source = JSON.stringify(Object.fromEntries(entries.map(rewrite)), undefined, 2)
}

function textOf(source: string | Uint8Array): string {
  return typeof source === 'string' ? source : new TextDecoder().decode(source)
}
