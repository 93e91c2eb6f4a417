import { writeBuildFiles } from '../build-files.ts'
import type { HostLogger } from '../host-logger.ts'
import { isSearched, type OutputFile } from '../leftovers.ts'
import type { BuildOptions } from '../options.ts'
import type { ProjectUpscaler } from '../project-upscaler.ts'
import { pathOf } from '../reference.ts'
import { createBuildSummary } from '../summary.ts'

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
  nameForCondition(): string | null | undefined
}

interface FamilyCompilation<Module extends FamilyModule> {
  getAssets(): readonly {
    readonly name: string
    readonly source: { source(): { toString(): string } }
  }[]
  readonly outputOptions: { readonly publicPath?: unknown }
  readonly modules: Iterable<Module>
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
export function* outputFiles<Module extends FamilyModule>(
  compilation: FamilyCompilation<Module>,
): Generator<OutputFile> {
  for (const { name, source } of compilation.getAssets()) {
    if (isSearched(name)) yield { name, text: () => source.source().toString() }
  }
}

/** The public path, under which an address with a scheme is the project's own. */
export function ownPrefixes({
  outputOptions,
}: Pick<FamilyCompilation<FamilyModule>, 'outputOptions'>): string[] {
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

/** Files of the project that may have written a reference. */
export function* sourceFiles<Module extends FamilyModule>({
  modules,
}: Pick<FamilyCompilation<Module>, 'modules'>): Generator<string> {
  for (const module of modules) {
    const file = module.nameForCondition()
    if (file && !file.includes('node_modules')) yield pathOf(file)
  }
}
