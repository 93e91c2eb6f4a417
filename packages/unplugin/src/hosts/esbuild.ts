import { readFileSync } from 'node:fs'
import { basename, dirname, isAbsolute, normalize, resolve } from 'node:path'
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
import { isUpscaleError, type UpscaledImage, type UpscaleError } from 'upscale-core'
import { RASTER_EXTENSIONS, TAGGED } from 'upscale-core/internal'
import { PICTURE_EXTENSIONS } from 'upscale-toolkit/references'
import { findUnreplaced } from '../accounts.ts'
import { writeBuildFiles } from '../build-files.ts'
import { readChecked } from '../checked-bytes.ts'
import { fileState } from '../file-state.ts'
import type { HostLogger } from '../host-logger.ts'
import { isFile } from '../is-file.ts'
import { findLeftovers, isSearched, leftoverError, type OutputFile } from '../leftovers.ts'
import { resolveBuildOptions, type UpscaleOptions } from '../options.ts'
import { pathBeside } from '../path-beside.ts'
import { createProjectUpscaler, declaredExternal, type ProjectUpscaler } from '../project-upscaler.ts'
import type { ReferenceSite } from '../reference.ts'
import { isTaggedImage, pathOf, queryOf } from '../reference.ts'
import { createBuildSummary } from '../summary.ts'
import { variantCode } from '../variants.ts'

/*
 * esbuild resolves every reference, in style sheets too, through onResolve and on every rebuild. It is handed a path
 * beside the source, so that `[dir]` and the metafile name the source's folder, and the bytes of the finished file, which
 * its own loaders then copy, hash or inline.
 */

/** Namespace of the modules that `as=srcset` and `as=metadata` stand for. */
const VARIANT = 'upscale'

/** What the modules of pictures are told by, among the files that esbuild reads itself. */
const PICTURE = new RegExp(`\\.(?:${PICTURE_EXTENSIONS})$`, 'i')

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
        const left =
          (await leftoverOf(outputs, metafile, root)) ??
          (await findUnreplaced({
            projectUpscaler,
            root,
            files: inputsOf(metafile, root),
            contents: () =>
              outputFiles.length > 0 ? outputFiles.map(({ contents }) => contents) : bytesOf(metafile, root),
          }))
        const warnings = takeWarnings()
        if (left === undefined) return { warnings }
        const { message: text } = left
        return options.leftovers === 'error'
          ? { errors: [{ text }], warnings }
          : { warnings: [...warnings, { text }] }
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
    isTaggedImage(args.path) ? reported(watch => answer(args, watch)) : null,
  )
  build.onLoad({ filter: TAGGED, namespace: VARIANT }, ({ path }) =>
    reported(watch => loadVariant(path, watch)),
  )
  const pictures = new Map<string, () => Promise<OnLoadResult>>()
  build.onLoad({ filter: PICTURE, namespace: 'file' }, ({ path }) => {
    const load = pictures.get(path)
    return load && reported(load)
  })

  async function answer(args: OnResolveArgs, watch: Watch): Promise<OnResolveResult> {
    const { path, importer, kind } = args
    const site = { reference: path, importer: importer === '' ? undefined : importer }
    const directive = projectUpscaler.parse(site)
    const isText = directive.as !== 'url'
    if (isText && kind === 'url-token') throw projectUpscaler.addressOnly(directive, site, 'a style sheet')
    const source = await sourceOf(directive.path, args, site)
    watch(source)
    if (isText) {
      const module = source + path.slice(pathOf(path).length)
      sites.set(module, site)
      return { path: module, namespace: VARIANT }
    }
    const [request] = directive.requests
    const ask = (): Promise<UpscaledImage> => projectUpscaler.finish(source, request, site)
    const image = await asItIsNow(source, ask)
    const beside = normalize(
      pathBeside(source, basename(image.file), queryOf(request, projectUpscaler.options)),
    )
    pictures.set(beside, () => loadPicture(image, ask))
    return { path: beside, namespace: 'file', suffix: directive.rest }
  }

  /** Where a path leads, by the rules of esbuild. One that leads nowhere is left to the upscaler, whose message names it. */
  async function sourceOf(path: string, args: OnResolveArgs, site: ReferenceSite): Promise<string> {
    if (isAbsolute(path) && isFile(path)) return path
    const { importer, resolveDir, kind, pluginData, namespace } = args
    const found = await build.resolve(path, { importer, resolveDir, kind, pluginData, namespace })
    if (found.external) throw declaredExternal(site)
    return found.errors.length > 0 ? resolve(resolveDir, path) : found.path
  }

  async function loadVariant(path: string, watch: Watch): Promise<OnLoadResult> {
    const source = pathOf(path)
    watch(source)
    const site = sites.get(path) ?? { reference: path, importer: undefined }
    const directive = projectUpscaler.parse(site)
    const image = await asItIsNow(source, () => projectUpscaler.finish(source, directive.requests[0], site))
    const contents = variantCode(directive, { path: source, image }, projectUpscaler.options)
    return { contents, loader: 'js', resolveDir: dirname(source) }
  }
}

/**
 * The loader is the one that the project has for the extension. The source is watched already, in the state that it had
 * when the picture was made.
 */
async function loadPicture(image: UpscaledImage, again: () => Promise<UpscaledImage>): Promise<OnLoadResult> {
  return { contents: await readChecked(image, again), loader: 'default' }
}

/** How often a source may be edited while its picture is made. */
const MAX_EDITS = 10

/**
 * Does work on a source again when that was edited meanwhile: esbuild notes the state of what it watches after it was
 * answered, so an edit before that would never be seen.
 */
async function asItIsNow<T>(source: string, work: () => Promise<T>): Promise<T> {
  for (let edits = 0; ; edits++) {
    const before = fileState(source)
    const isCurrent = (): boolean => edits === MAX_EDITS || fileState(source) === before
    try {
      const result = await work()
      if (isCurrent()) return result
    } catch (error) {
      if (isCurrent()) throw error
    }
  }
}

/** Names a file whose change makes esbuild build again. */
type Watch = (file: string) => void

/**
 * esbuild prints the stack of what a plugin throws; our messages say all. What failed is watched as well, or a picture that
 * was half written when a build came to it would never be looked at again.
 */
async function reported<T extends OnResolveResult | OnLoadResult>(
  work: (watch: Watch) => Promise<T>,
): Promise<T | { errors: { text: string; detail: unknown }[]; watchFiles: string[] }> {
  const watchFiles: string[] = []
  try {
    return { ...(await work(file => watchFiles.push(file))), watchFiles }
  } catch (error) {
    if (!isUpscaleError(error)) throw error
    return { errors: [{ text: error.message, detail: error }], watchFiles }
  }
}

async function leftoverOf(
  outputs: Iterable<OutputFile>,
  metafile: Metafile | undefined,
  root: string,
): Promise<UpscaleError | undefined> {
  const [first, ...others] = await findLeftovers(outputs, { ownPrefixes: [], isKnown: () => false })
  if (first === undefined) return undefined
  const folders = Object.keys(metafile?.outputs ?? {}).map(name => dirname(resolve(root, name)))
  return leftoverError([first, ...others], { modules: inputsOf(metafile, root), root, outputs: folders })
}

/** The files of the project that the outputs were made of. */
function inputsOf(metafile: Metafile | undefined, root: string): string[] {
  const inputs = Object.keys(metafile?.inputs ?? {}).map(name => resolve(root, pathOf(name)))
  return inputs.filter(file => !file.includes('/node_modules/') && isFile(file))
}

function* bytesOf(metafile: Metafile | undefined, root: string): Generator<Buffer> {
  for (const name of Object.keys(metafile?.outputs ?? {})) {
    const file = resolve(root, name)
    if (isFile(file)) yield readFileSync(file)
  }
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
