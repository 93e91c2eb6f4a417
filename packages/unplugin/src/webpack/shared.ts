import { dirname, resolve } from 'node:path'
import type { UpscaleError } from 'upscale-core'
import { findUnreplaced, unreplaced } from '../accounts.ts'
import { writeBuildFiles } from '../build-files.ts'
import type { HostLogger } from '../host-logger.ts'
import { findLeftovers, isSearched, type Leftover, leftoverError, type OutputFile } from '../leftovers.ts'
import type { BuildOptions } from '../options.ts'
import { findPlaceIn } from '../place.ts'
import { declaredExternal, type ProjectUpscaler } from '../project-upscaler.ts'
import { isTaggedImage, pathOf, type ReferenceSite } from '../reference.ts'
import { createBuildSummary } from '../summary.ts'
import { WEBPACK_LOADER } from './loader-files.ts'

// What webpack and Rspack have in common, in the words of both. Each has types of its own for the same things, so
// only the parts that are used are named here.

interface FamilyCompiler {
  getInfrastructureLogger(name: string): { info(text: string): void; warn(text: string): void }
  readonly options: { readonly infrastructureLogging: { readonly level?: string | boolean } }
  readonly hooks: {
    readonly done: { tapPromise(name: string, end: () => Promise<void>): void }
    readonly failed: { tap(name: string, tell: () => void): void }
  }
}

interface FamilyModule {
  identifier(): string
  nameForCondition(): string | null | undefined
  /** Of a module that was made of a file: the path with the query, and what it went through. */
  readonly resource?: string
  /** As it was asked for; of a module that the config declares external, too. */
  readonly userRequest?: string
  readonly loaders?: readonly { readonly loader?: string | null }[]
}

interface FamilyCompilation<Module extends FamilyModule> {
  getAssets(): readonly {
    readonly name: string
    readonly source: { source(): string | Buffer }
  }[]
  readonly outputOptions: { readonly publicPath?: unknown; readonly path?: string | undefined }
  readonly modules: Iterable<Module>
  /** Of loaders and plugins that bundle something for themselves: a worker, a page. */
  readonly children: readonly FamilyCompilation<Module>[]
  readonly chunkGraph: { getModuleId(module: Module): string | number | null }
}

/** Where webpack and Rspack themselves tell what is not about a module. */
export function familyLogger(compiler: FamilyCompiler): HostLogger {
  const logger = compiler.getInfrastructureLogger('upscale')
  return {
    info: text => logger.info(text),
    warn: text => logger.warn(text),
    get isTalkative() {
      const { level = 'info' } = compiler.options.infrastructureLogging
      return !['none', 'error', 'warn', false].includes(level)
    },
  }
}

/** Tells the summary and the report after each build, and writes what was asked for beside the bundle. */
export function endBuilds(
  { hooks }: Pick<FamilyCompiler, 'hooks'>,
  options: BuildOptions,
  logger: HostLogger,
  pictureSource: { readonly projectUpscaler: ProjectUpscaler },
): void {
  const tell = createBuildSummary(options, logger)
  hooks.done.tapPromise('upscale', async () => {
    tell(pictureSource.projectUpscaler)
    await writeBuildFiles(options, pictureSource.projectUpscaler)
  })
  hooks.failed.tap('upscale', () => tell(pictureSource.projectUpscaler))
}

/** The files about to be written that can hold references. */
function* outputFiles<Module extends FamilyModule>(
  compilation: FamilyCompilation<Module>,
): Generator<OutputFile> {
  for (const { name, source } of compilation.getAssets()) {
    if (isSearched(name)) yield { name, text: () => source.source().toString() }
  }
}

/** The public path, under which an address with a scheme is the project's own. */
function ownPrefixes({ outputOptions }: Pick<FamilyCompilation<FamilyModule>, 'outputOptions'>): string[] {
  const { publicPath } = outputOptions
  return typeof publicPath === 'string' && publicPath !== 'auto' ? [publicPath] : []
}

/** With named ids, `"./src/hero.png?upscale=2"` in the output is the name of a module and no address. */
export function isModuleId<Module extends FamilyModule>(
  compilation: FamilyCompilation<Module>,
): (text: string) => boolean {
  let ids: Set<string> | undefined
  return text => {
    ids ??= new Set(
      [...compilation.modules].map(module => String(compilation.chunkGraph.getModuleId(module))),
    )
    return ids.has(text)
  }
}

/** The modules of a compilation and of those within it. */
function* modulesOf<Module extends FamilyModule>({
  modules,
  children,
}: Pick<FamilyCompilation<Module>, 'modules' | 'children'>): Generator<Module> {
  yield* modules
  for (const child of children) yield* modulesOf(child)
}

/** Files of the project that may have written a reference. */
function* sourceFiles<Module extends FamilyModule>(
  compilation: Pick<FamilyCompilation<Module>, 'modules' | 'children'>,
): Generator<string> {
  for (const module of modulesOf(compilation)) {
    const file = module.nameForCondition()
    if (file && !file.includes('node_modules')) yield pathOf(file)
  }
}

/** The error about what is about to be written, the references left in it first; undefined when all is well. */
export async function errorOfOutput<Module extends FamilyModule>(
  compilation: FamilyCompilation<Module>,
  isKnown: (text: string) => boolean,
  root: string,
  projectUpscaler: ProjectUpscaler,
): Promise<UpscaleError | undefined> {
  const rules = { ownPrefixes: ownPrefixes(compilation), isKnown }
  const left = await findLeftovers(outputFiles(compilation), rules)
  const [first, ...others] = left.filter(leftover => !isCopyOfPage(leftover, compilation))
  return first === undefined
    ? findUnanswered(compilation, root, projectUpscaler)
    : leftoverError([first, ...others], {
        modules: sourceFiles(compilation),
        root,
        outputs: [compilation.outputOptions.path ?? ''],
      })
}

/**
 * True for Markdown that a host keeps as data beside the page that it became, as Docusaurus does in the archive of a blog:
 * the page's own module has the picture.
 */
function isCopyOfPage<Module extends FamilyModule>(
  { form, reference }: Leftover,
  compilation: FamilyCompilation<Module>,
): boolean {
  if (form !== 'markdown-string') return false
  const pictures = new Set([...modulesOf(compilation)].map(({ resource }) => resource))
  return [...sourceFiles(compilation)].some(
    file =>
      /\.mdx?$/.test(file) &&
      pictures.has(resolve(dirname(file), reference)) &&
      findPlaceIn(file, reference) !== undefined,
  )
}

/**
 * The error about what nothing was made for, although its picture ships: a module that our loader did not see, or a
 * reference that something else replaced.
 */
async function findUnanswered<Module extends FamilyModule>(
  compilation: FamilyCompilation<Module>,
  root: string,
  projectUpscaler: ProjectUpscaler,
): Promise<UpscaleError | undefined> {
  // A cache of the host keeps modules that nobody asks for again.
  const kept = new Set<string>()
  for (const module of modulesOf(compilation)) {
    const { resource, loaders = [], userRequest = '' } = module
    if (isTaggedImage(userRequest) && module.identifier().startsWith('external ')) {
      return declaredExternal(siteOf(userRequest, sourceFiles(compilation)))
    }
    if (resource === undefined || !isTaggedImage(resource)) continue
    if (!loaders.some(({ loader }) => loader?.startsWith(WEBPACK_LOADER))) {
      return unreplaced({ reference: resource, importer: undefined })
    }
    kept.add(pathOf(resource))
  }
  return findUnreplaced({
    projectUpscaler,
    root,
    files: sourceFiles(compilation),
    isKept: source => kept.has(source),
    contents: () => compilation.getAssets().map(({ source }) => source.source()),
  })
}

/** A reference with the first of some files that has it. */
function siteOf(reference: string, files: Iterable<string>): ReferenceSite {
  for (const importer of files) {
    if (findPlaceIn(importer, reference) !== undefined) return { reference, importer }
  }
  return { reference, importer: undefined }
}

/**
 * A request that names loaders, with ours in it where its prefix (`!!`, `-!`) turns off those of the config. The loader
 * that stands last runs first.
 * @param loader with its query
 * @throws UpscaleError when the reference asks for a text, which the other loaders would take for a picture
 */
export function withOwnLoader(
  request: string,
  issuer: string,
  loader: string,
  projectUpscaler: ProjectUpscaler,
): string {
  const at = request.lastIndexOf('!') + 1
  const reference = request.slice(at)
  if (!isTaggedImage(reference) || request.includes(WEBPACK_LOADER)) return request
  const site = { reference, importer: issuer || undefined }
  const directive = projectUpscaler.parse(site)
  if (directive.as !== 'url') {
    throw projectUpscaler.addressOnly(directive, site, 'a request that names loaders')
  }
  return /^(?:[^!]+!=!)?(?:!!|-!)/.test(request) ? `${request.slice(0, at)}${loader}!${reference}` : request
}
