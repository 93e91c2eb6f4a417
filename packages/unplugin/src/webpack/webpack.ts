import { hash } from 'node:crypto'
import { basename, dirname, extname, join } from 'node:path'
import { TAGGED } from 'upscale-core/internal'
import { isPicturePath } from 'upscale-toolkit/references'
import type { Compiler, ResolveData } from 'webpack'
import { requireHost } from '../host-version.ts'
import { resolveBuildOptions, type UpscaleOptions } from '../options.ts'
import type { ProjectUpscaler } from '../project-upscaler.ts'
import { isTaggedImage, pathOf } from '../reference.ts'
import { cleanName, nameOf } from './asset-names.ts'
import { keepPlaceholders } from './kept-placeholders.ts'
import { OUTLIVES_ERRORS, PICTURE_SOURCE } from './loader.ts'
import { WEBPACK_LOADER } from './loader-files.ts'
import { createPictureSource } from './pictures.ts'
import { tellResolveErrors } from './resolve-errors.ts'
import { endBuilds, familyLogger, withOwnLoader } from './shared.ts'
import { checkOutput } from './webpack-output.ts'

/*
 * webpack keeps resolutions and modules from build to build, in memory and on disk, so the module must stay
 * `hero.png?upscale=2` and only its content may change: a raw `pre` loader swaps the bytes. It runs before whatever
 * the user has for images, and the module depends on the source by itself, so watching and the persistent cache work.
 */

type CreateData = ResolveData['createData']
type ModuleFactory = Parameters<Parameters<Compiler['hooks']['normalModuleFactory']['tap']>[1]>[0]

/** Names of the modules that `as=srcset` and `as=metadata` stand for. */
const VARIANT = /\.upscale-(?:srcset|metadata)\.js$/

/** Sets the plugin up in a compiler; called once, while webpack reads its config. */
export function installInWebpack(compiler: Compiler, userOptions: UpscaleOptions): void {
  requireHost('webpack', 5, 'webpack' in compiler)
  const options = resolveBuildOptions(userOptions)
  const logger = familyLogger(compiler)
  const pictureSource = createPictureSource(compiler, options, logger)
  const revision = revisionOf(pictureSource.projectUpscaler)
  // `ident` stands for the options in a module's identity; without it webpack would count rules, not look at values.
  const use = { loader: WEBPACK_LOADER, ident: `upscale-${revision}`, options: { revision } }
  // Not among the project's own rules: loaders of those are named by their places, which would become names of modules.
  compiler.hooks.afterEnvironment.tap('upscale', () => {
    compiler.options.module.defaultRules.push({ resourceQuery: TAGGED, enforce: 'pre', use: [use] })
  })
  compiler.hooks.compilation.tap('upscale', compilation => {
    tellResolveErrors(compiler, compilation)
    compiler.webpack.NormalModule.getCompilationHooks(compilation).loader.tap('upscale', context => {
      Object.assign(context, { [PICTURE_SOURCE]: pictureSource, [OUTLIVES_ERRORS]: true })
    })
  })
  compiler.hooks.normalModuleFactory.tap('upscale', factory => {
    factory.hooks.beforeResolve.tap('upscale', data =>
      redirectVariant(data, pictureSource.projectUpscaler, `${WEBPACK_LOADER}?revision=${revision}`),
    )
    factory.hooks.afterResolve.tapPromise('upscale', async data => {
      nameAsset(data.createData, pictureSource.projectUpscaler)
      if (needsType(data)) await makeAsset(data.createData, factory)
    })
  })
  keepPlaceholders(compiler)
  checkOutput(compiler, options, pictureSource)
  endBuilds(compiler, options, logger, pictureSource)
}

/**
 * Everything besides the source's bytes that decides what the loader returns. It is part of a module's identity, so
 * webpack's persistent cache forgets a picture when the engine or an option changes.
 */
export function revisionOf({ options }: ProjectUpscaler): string {
  const engines = [...options.engines].map(([name, { id, model, revision }]) => [name, id, model, revision])
  const parts = [
    engines,
    options.engine,
    options.factor,
    options.format,
    [...options.presets],
    options.maxPixels,
  ]
  return hash('sha256', JSON.stringify(parts), 'hex').slice(0, 16)
}

/**
 * `as=srcset` and `as=metadata` are JavaScript, so the module must not be an image: the reference becomes a module
 * named `.js`, made by the loader (which sees the query and knows what is asked for).
 */
function redirectVariant(data: ResolveData, projectUpscaler: ProjectUpscaler, loader: string): void {
  const { request } = data
  if (request.includes('!')) {
    data.request = withOwnLoader(request, data.contextInfo.issuer, loader, projectUpscaler)
    return
  }
  if (!isTaggedImage(request) || !request.includes('as=')) return
  const site = { reference: request, importer: data.contextInfo.issuer || undefined }
  const directive = projectUpscaler.parse(site)
  if (directive.as === 'url') return
  if (data.dependencyType === 'url')
    throw projectUpscaler.addressOnly(directive, site, 'a style sheet or new URL()')
  const stem = basename(directive.path, extname(directive.path))
  data.request = `./${cleanName(stem)}.upscale-${directive.as}.js!=!${loader}!${request}`
}

/**
 * Gives the asset its name, `hero-2x.png`, by way of `matchResource`: rules were matched on the real resource before, so
 * only names change, and `[query]` in a file name no longer has our keys in it.
 */
function nameAsset(createData: CreateData, projectUpscaler: ProjectUpscaler): void {
  const { resource, matchResource } = createData
  if (resource === undefined || matchResource !== undefined || !isTaggedImage(resource)) return
  const folder = dirname(pathOf(resource))
  const named = nameOf(resource, folder, projectUpscaler)
  // A directive that is wrong: the loader runs on the same text and reports it with its place.
  if (named !== undefined) createData.matchResource = join(folder, named)
}

/** True for a tagged image, and for an original that one of our modules imports, that no rule of the user matched. */
function needsType({ createData, contextInfo }: ResolveData): boolean {
  const { resource, matchResource, loaders = [], type } = createData
  if (resource === undefined || type !== 'javascript/auto' || !isPicturePath(pathOf(resource))) return false
  if (matchResource !== undefined && VARIANT.test(matchResource)) return false
  if (isTaggedImage(resource)) return loaders.length === 1 && loaders[0]?.loader === WEBPACK_LOADER
  return loaders.length === 0 && VARIANT.test(contextInfo.issuer)
}

async function makeAsset(createData: CreateData, factory: ModuleFactory): Promise<void> {
  const { settings } = createData
  createData.type = 'asset/resource'
  if (settings !== undefined) settings.type = 'asset/resource'
  // webpack loads the code of a module type when it first resolves one, which may not have happened yet. Older
  // versions load it at start and have no such hook.
  await factory.hooks.prepareModuleType?.get('asset/resource')?.promise()
  createData.parser = factory.getParser('asset/resource', settings?.parser)
  createData.generator = factory.getGenerator('asset/resource', settings?.generator)
}
