import { readFile } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import type { LoadResult, OutputBundle, Plugin, PluginContext } from 'rollup'
import type { UpscaledImage } from 'upscale-core'
import { mayHoldTags } from 'upscale-toolkit/references'
import { findUnreplaced, together } from '../accounts.ts'
import { writeBuildFiles } from '../build-files.ts'
import { readChecked } from '../checked-bytes.ts'
import { keepEscaped } from '../escaped-message.ts'
import { editedSince, fileState } from '../file-state.ts'
import type { HostLogger } from '../host-logger.ts'
import { isFile } from '../is-file.ts'
import { findLeftovers, isSearched, leftoverError, type OutputFile } from '../leftovers.ts'
import { createMissedEdits } from '../missed-edits.ts'
import { resolveBuildOptions, type UpscaleOptions } from '../options.ts'
import { createProjectUpscaler, type ProjectUpscaler } from '../project-upscaler.ts'
import type { ReferenceSite } from '../reference.ts'
import { isTaggedImage, pathOf } from '../reference.ts'
import { createBuildSummary } from '../summary.ts'
import { variantCode } from '../variants.ts'
import { emitNewUrls } from './rollup-new-url.ts'
import { asset, besideOf, sourceOf } from './rollup-source.ts'

/*
 * Rollup and Rolldown have no notion of an image, so a tagged import becomes a module that emits the picture and
 * exports its address. They keep resolved ids from build to build, so the module stays `hero.png?upscale=2` and only
 * what it emits changes.
 */

/** The query of an original that `as=srcset` lists; its file is emitted as it is. */
const ORIGINAL = /\?upscale-original$/

/** The plugin of Rollup 4; Rolldown has the same hooks. */
export function rollupPlugin(userOptions: UpscaleOptions): Plugin {
  const options = resolveBuildOptions(userOptions)
  let current: ProjectUpscaler | undefined
  // One plugin may serve builds that run at the same time.
  let running = 0
  // What a hook says goes through the build that runs; while files are watched, each has a context of its own.
  let context: Pick<PluginContext, 'info' | 'warn' | 'meta'> | undefined
  let isTalkative = true
  const logger: HostLogger = {
    info: text => context?.info(text),
    warn: text => context?.warn(text),
    get isTalkative() {
      return isTalkative
    },
  }
  const tell = createBuildSummary(options, logger)
  /** What the sources of a watch were when they were asked for last. */
  const states = new Map<string, string>()
  const missedEdits = createMissedEdits(() => editedSince(states))
  const finish: ProjectUpscaler['finish'] = (source, request, site) => {
    if (context?.meta.watchMode) states.set(source, fileState(source))
    return projectUpscaler().finish(source, request, site)
  }
  const projectUpscaler = (): ProjectUpscaler => {
    if (current === undefined) throw new Error('a hook ran before buildStart')
    return current
  }
  // They still know what was asked for when an output is written, after the end of its build and maybe of others.
  const asked = new Set<ProjectUpscaler>()
  const end = async (): Promise<void> => {
    const ended = current
    current = undefined
    await missedEdits.close()
    await ended?.close()
  }
  return {
    name: 'upscale',
    options({ logLevel = 'info' }) {
      isTalkative = logLevel === 'info' || logLevel === 'debug'
    },
    buildStart() {
      context = this
      running++
      // Here, so that a wrong option stops the build; while files are watched it is kept.
      current ??= createProjectUpscaler(options.upscaler, {
        root: process.cwd(),
        envDir: process.cwd(),
        mode: process.env.NODE_ENV ?? 'production',
        logger,
      })
      asked.add(current)
      if (running === 1) states.clear()
      if (this.meta.watchMode) missedEdits.begin(this)
    },
    ...importHooks(projectUpscaler, finish),
    transform(code, id) {
      return mayHoldTags(code) ? emitNewUrls(code, id, { ...projectUpscaler(), finish }, this) : null
    },
    async buildEnd(error) {
      if (current !== undefined) {
        if (error !== undefined && running === 1 && !this.meta.watchMode) await current.drain()
        // One whose tag is misspelled leads nowhere, which is all that Rollup says of it.
        if (error !== undefined) {
          for (const file of sourceFiles(this)) current.noticeSlips(file, await readFile(file, 'utf8'))
        }
        tell(current)
        await writeBuildFiles(options, current)
      }
      running--
      if (running === 0 && this.meta.watchMode) missedEdits.end()
      // No later hook makes a picture.
      if (running === 0 && !this.meta.watchMode) await end()
    },
    generateBundle: {
      order: 'post',
      async handler({ dir }, bundle) {
        const rules = { ownPrefixes: [], isKnown: () => false }
        const [first, ...others] = await findLeftovers(outputFiles(bundle), rules)
        const error =
          first === undefined
            ? await findUnreplaced({
                projectUpscaler: together(asked),
                root: process.cwd(),
                files: sourceFiles(this),
                contents: () =>
                  Object.values(bundle).map(output =>
                    output.type === 'chunk' ? output.code : output.source,
                  ),
              })
            : await leftoverError([first, ...others], {
                modules: sourceFiles(this),
                root: process.cwd(),
                outputs: [resolve(dir ?? '.')],
              })
        if (error === undefined) return
        if (options.leftovers === 'error') throw error
        this.warn(error.message)
      },
    },
    closeWatcher: end,
  }
}

function importHooks(
  projectUpscaler: () => ProjectUpscaler,
  finish: ProjectUpscaler['finish'],
): Pick<Plugin, 'resolveId' | 'load'> {
  const sites = new Map<string, ReferenceSite>()
  return {
    resolveId: {
      // Before resolvers that don't look past the query.
      order: 'pre',
      async handler(id, importer) {
        if (ORIGINAL.test(id)) return id
        if (!isTaggedImage(id)) return null
        const site = { reference: id, importer: importer && pathOf(importer) }
        const { path } = projectUpscaler().parse(site)
        const module = (await sourceOf(path, importer, this)) + id.slice(pathOf(id).length)
        sites.set(module, site)
        return module
      },
    },
    load: {
      order: 'pre',
      async handler(id) {
        const source = pathOf(id)
        if (ORIGINAL.test(id)) return emit(source, basename(source), await readFile(source), this)
        if (!isTaggedImage(id)) return null
        this.addWatchFile(source)
        const site = sites.get(id) ?? { reference: id, importer: undefined }
        const directive = projectUpscaler().parse(site)
        const ask = (): Promise<UpscaledImage> => finish(source, directive.requests[0], site)
        const image = await ask().catch(error => {
          throw keepEscaped(error)
        })
        if (directive.as === 'url') {
          const beside = besideOf(source, image, directive.requests[0], projectUpscaler())
          return emit(beside, basename(image.file), await readChecked(image, ask), this)
        }
        const parts = { path: source, original: `${source}?upscale-original`, image }
        return asModule(variantCode(directive, parts, projectUpscaler().options))
      },
    },
  }
}

/**
 * The module of one picture: its file in the output, and its address as the default export.
 * @param original what the name of the output may follow; absolute
 */
function emit(
  original: string,
  name: string,
  bytes: Uint8Array,
  context: Pick<PluginContext, 'emitFile'>,
): LoadResult {
  const file = context.emitFile(asset(original, name, bytes))
  return asModule(`export default import.meta.ROLLUP_FILE_URL_${file}`)
}

/** Rolldown takes the type of a module from the extension unless it's told; Rollup doesn't know the key. */
function asModule(code: string): LoadResult {
  const module = { code, map: { mappings: '' as const }, moduleSideEffects: false, moduleType: 'js' }
  return module
}

function* outputFiles(bundle: OutputBundle): Generator<OutputFile> {
  for (const [name, output] of Object.entries(bundle)) {
    if (!isSearched(name)) continue
    const text = (): string => (output.type === 'chunk' ? output.code : textOf(output.source))
    yield { name, text }
  }
}

function textOf(source: string | Uint8Array): string {
  return typeof source === 'string' ? source : new TextDecoder().decode(source)
}

function* sourceFiles(context: Pick<PluginContext, 'getModuleIds'>): Generator<string> {
  for (const id of context.getModuleIds()) {
    const file = pathOf(id)
    if (!id.startsWith('\0') && !file.includes('/node_modules/') && isFile(file)) yield file
  }
}
