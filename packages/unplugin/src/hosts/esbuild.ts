import { readFileSync } from 'node:fs'
import { dirname, isAbsolute, resolve } from 'node:path'
import type {
  BuildOptions,
  Loader,
  Metafile,
  OnLoadResult,
  OnResolveArgs,
  OnResolveResult,
  Plugin,
  PluginBuild,
} from 'esbuild'
import { isUpscaleError } from 'upscale-core'
import { RASTER_EXTENSIONS, TAGGED } from 'upscale-core/internal'
import { writeBuildFiles } from '../build-files.ts'
import type { HostLogger } from '../host-logger.ts'
import { isFile } from '../is-file.ts'
import { findLeftovers, isSearched, leftoverError, type OutputFile } from '../leftovers.ts'
import { resolveBuildOptions, type UpscaleOptions } from '../options.ts'
import { createProjectUpscaler, type ProjectUpscaler } from '../project-upscaler.ts'
import type { ReferenceSite } from '../reference.ts'
import { isTaggedImage, pathOf, queryOf, withRest } from '../reference.ts'
import { createBuildSummary } from '../summary.ts'
import { variantCode } from '../variants.ts'

/*
 * esbuild resolves every reference, in style sheets too, through onResolve and on every rebuild, so it is handed the
 * finished file, which its own loaders then copy, hash or inline.
 */

/** Namespace of the modules that `as=srcset` and `as=metadata` stand for. */
const VARIANT = 'upscale'

/** The plugin of esbuild. */
export function esbuildPlugin(userOptions: UpscaleOptions): Plugin {
  const options = resolveBuildOptions(userOptions)
  return {
    name: 'upscale',
    setup(build) {
      const { initialOptions } = build
      const root = initialOptions.absWorkingDir ?? process.cwd()
      const { logger, takeWarnings } = createLogger(initialOptions.logLevel)
      const tell = createBuildSummary(options, logger)
      const projectUpscaler = createProjectUpscaler(options.upscaler, {
        root,
        envDir: root,
        mode: process.env.NODE_ENV ?? 'production',
        logger,
      })
      const files: [string, Loader][] = RASTER_EXTENSIONS.map(extension => [`.${extension}`, 'file'])
      initialOptions.loader = { ...Object.fromEntries(files), ...initialOptions.loader }
      // The list of outputs, to search them; what was written is not in memory.
      initialOptions.metafile = true
      answerReferences(build, projectUpscaler)
      build.onEnd(async ({ metafile, outputFiles = [] }) => {
        tell(projectUpscaler)
        await writeBuildFiles(options, projectUpscaler)
        const outputs = outputFiles.length > 0 ? fromMemory(outputFiles) : fromDisk(metafile, root)
        const left = await leftoverOf(outputs, metafile, root)
        const warnings = takeWarnings()
        if (left === undefined) return { warnings }
        return options.leftovers === 'error'
          ? { errors: [{ text: left }], warnings }
          : { warnings: [...warnings, { text: left }] }
      })
      // esbuild doesn't wait, but a process whose workers are told to end ends.
      build.onDispose(() => void projectUpscaler.close())
    },
  }
}

/**
 * esbuild takes only warnings and errors of a plugin, and prints them when the build is over. What can't wait and what is
 * no problem is written as esbuild writes its own summary, to stderr; with a level that lets no warning through, warnings
 * are left to whoever reads esbuild's result.
 */
function createLogger(level: BuildOptions['logLevel']): {
  logger: HostLogger
  takeWarnings(): { text: string }[]
} {
  const kept: string[] = []
  // Without a level a build by the API prints warnings; a summary of ours is wanted too.
  const isTalkative = level === undefined || ['info', 'debug', 'verbose'].includes(level)
  const isQuiet = level === 'silent' || level === 'error'
  const say = (text: string): void => void process.stderr.write(`[upscale] ${text}\n`)
  return {
    logger: {
      info: text => (isTalkative ? say(text) : undefined),
      warn: text => void (isQuiet ? kept.push(text) : say(text)),
      isTalkative,
    },
    takeWarnings: () => kept.splice(0).map(text => ({ text })),
  }
}

function answerReferences(build: PluginBuild, projectUpscaler: ProjectUpscaler): void {
  const sites = new Map<string, ReferenceSite>()
  build.onResolve({ filter: TAGGED }, args =>
    isTaggedImage(args.path) ? reported(() => answer(args)) : null,
  )
  build.onLoad({ filter: TAGGED, namespace: VARIANT }, ({ path }) => reported(() => loadVariant(path)))

  async function answer(args: OnResolveArgs): Promise<OnResolveResult> {
    const { path, importer, resolveDir, kind, pluginData, namespace } = args
    const site = { reference: path, importer: importer === '' ? undefined : importer }
    const directive = projectUpscaler.parse(site)
    const isText = directive.as !== 'url'
    if (isText && kind === 'url-token') throw projectUpscaler.addressOnly(directive, site, 'a style sheet')
    const source = isAbsolute(directive.path)
      ? directive.path
      : await build
          .resolve(directive.path, { importer, resolveDir, kind, pluginData, namespace })
          .then(found => (found.errors.length > 0 ? resolve(resolveDir, directive.path) : found.path))
    if (isText) {
      const module = source + path.slice(pathOf(path).length)
      sites.set(module, site)
      return { path: module, namespace: VARIANT, watchFiles: [source] }
    }
    const { file } = await projectUpscaler.finish(source, directive.requests[0], site)
    return { path: file, namespace: 'file', suffix: directive.rest, watchFiles: [source] }
  }

  async function loadVariant(path: string): Promise<OnLoadResult> {
    const source = pathOf(path)
    const site = sites.get(path) ?? { reference: path, importer: undefined }
    const directive = projectUpscaler.parse(site)
    const contents = variantCode(directive, {
      original: source + directive.rest,
      upscaled: directive.requests.map(
        request => source + withRest(queryOf(request, projectUpscaler.options), directive.rest),
      ),
      image: await projectUpscaler.finish(source, directive.requests[0], site),
    })
    return { contents, loader: 'js', resolveDir: dirname(source), watchFiles: [source] }
  }
}

/** esbuild prints the stack of what a plugin throws; our messages say all. */
async function reported<T extends OnResolveResult | OnLoadResult>(
  work: () => Promise<T>,
): Promise<T | { errors: { text: string; detail: unknown }[] }> {
  try {
    return await work()
  } catch (error) {
    if (!isUpscaleError(error)) throw error
    return { errors: [{ text: error.message, detail: error }] }
  }
}

async function leftoverOf(
  outputs: Iterable<OutputFile>,
  metafile: Metafile | undefined,
  root: string,
): Promise<string | undefined> {
  const [first, ...others] = await findLeftovers(outputs, { ownPrefixes: [], isKnown: () => false })
  if (first === undefined) return undefined
  const inputs = Object.keys(metafile?.inputs ?? {}).map(name => resolve(root, pathOf(name)))
  const own = inputs.filter(file => !file.includes('/node_modules/') && isFile(file))
  return leftoverError([first, ...others], own).message
}

function* fromMemory(
  outputs: readonly { readonly path: string; readonly text: string }[],
): Generator<OutputFile> {
  for (const output of outputs) {
    if (isSearched(output.path)) yield { name: output.path, text: () => output.text }
  }
}

function* fromDisk(metafile: Metafile | undefined, root: string): Generator<OutputFile> {
  for (const name of Object.keys(metafile?.outputs ?? {})) {
    const file = resolve(root, name)
    if (isSearched(name) && isFile(file)) yield { name, text: () => readFileSync(file, 'utf8') }
  }
}
