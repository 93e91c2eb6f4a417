import { basename, dirname, extname, relative, resolve } from 'node:path'
import type { Compiler, Configuration, ResolveData, RuleSetRule } from '@rspack/core'
import { RASTER_EXTENSIONS, TAGGED } from 'upscale-core/internal'
import type { HostLogger } from '../host-logger.ts'
import { resolveBuildOptions, type UpscaleOptions } from '../options.ts'
import type { ProjectUpscaler } from '../project-upscaler.ts'
import { isTaggedImage, pathOf } from '../reference.ts'
import { cleanName, nameOf } from './asset-names.ts'
import { ISSUER_OF, type IssuerOf, PICTURE_SOURCE } from './loader.ts'
import { WEBPACK_LOADER } from './loader-files.ts'
import { createPictureSource } from './pictures.ts'
import { nameWithoutTags } from './rspack-names.ts'
import { checkOutput } from './rspack-output.ts'
import { endBuilds, familyLogger, withOwnLoader } from './shared.ts'
import { revisionOf } from './webpack.ts'

/*
 * Rspack works as webpack does (webpack.ts has the why), with the same loader. Its hooks can't change a module after it
 * was resolved, so what webpack is told then, Rspack is told by the request: `./img/hero-2x.png?upscale=2!=!./img/hero.png?upscale=2`
 * is the same image under another name. The query stands on the left too, since that is what rules are matched with.
 */

type Rule = NonNullable<NonNullable<Configuration['module']>['rules']>[number]

/**
 * Sets the plugin up in a compiler of Rspack 2; called once, while it reads its config.
 * @param logger for a tool that builds on Rspack and has its own
 */
export function installInRspack(
  compiler: Compiler,
  userOptions: UpscaleOptions,
  logger: HostLogger = familyLogger(compiler),
): void {
  const options = resolveBuildOptions(userOptions)
  const pictureSource = createPictureSource(compiler, options, logger)
  const revision = revisionOf(pictureSource.projectUpscaler)
  forgetOtherOptions(compiler, revision)
  addRules(compiler, revision)
  nameWithoutTags(compiler, pictureSource)
  const issuers = createIssuers()
  compiler.hooks.compilation.tap('upscale', compilation => {
    compiler.rspack.NormalModule.getCompilationHooks(compilation).loader.tap('upscale', context => {
      Object.assign(context, { [PICTURE_SOURCE]: pictureSource, [ISSUER_OF]: issuers.of })
    })
  })
  compiler.hooks.normalModuleFactory.tap('upscale', factory => {
    factory.hooks.beforeResolve.tap('upscale', data => {
      issuers.note(data)
      const folder = (path: string): string => folderOf(path, data.context, compiler)
      const loader = `${WEBPACK_LOADER}?revision=${revision}`
      data.request = renamed(data, pictureSource.projectUpscaler, loader, folder)
    })
  })
  checkOutput(compiler, options, pictureSource)
  endBuilds(compiler, options, logger, pictureSource)
}

/**
 * Rspack's persistent cache keeps an unchanged module with all it leads to and doesn't look at loaders again, so it must
 * not be the same cache when an option or an engine has changed.
 */
function forgetOtherOptions({ options: { cache } }: Compiler, revision: string): void {
  if (typeof cache !== 'object' || cache.type !== 'persistent') return
  cache.version = [cache.version, `upscale-${revision}`].filter(Boolean).join('-')
}

/**
 * Adds what makes a tagged picture ours. Not to the project's own rules, whose loaders are named by their places, which
 * become names of modules.
 */
function addRules({ hooks, options }: Compiler, revision: string): void {
  hooks.afterEnvironment.tap('upscale', () => {
    const { rules, defaultRules = [] } = options.module
    const unruled = RASTER_EXTENSIONS.filter(
      extension => !rules.some(rule => matchesPath(rule, `/a.${extension}`)),
    )
    options.module.defaultRules = [
      // Only for what no rule has, since an old rule with a loader names no type. Before the others, so that what an
      // import says of its type wins: `with { type: 'bytes' }`.
      ...(unruled.length > 0 ? typeRules(unruled) : []),
      ...defaultRules,
      { resourceQuery: TAGGED, enforce: 'pre', use: [{ loader: WEBPACK_LOADER, options: { revision } }] },
    ]
  })
}

/**
 * For pictures, and for originals that our own modules list, whose name no rule of the project matches: it may have
 * none for images, or one for PNG alone while a reference asks for WebP.
 */
function typeRules(extensions: readonly string[]): RuleSetRule[] {
  const test = new RegExp(`\\.(?:${extensions.join('|')})$`, 'i')
  return [
    { resourceQuery: TAGGED, test, type: 'asset/resource' },
    { issuer: VARIANT, test, type: 'asset/resource' },
  ]
}

/** Names of the modules that `as=srcset` and `as=metadata` stand for. */
const VARIANT = /\.upscale-(?:srcset|metadata)\.js$/

function renamed(
  { request, context, contextInfo }: ResolveData,
  projectUpscaler: ProjectUpscaler,
  loader: string,
  folder: (path: string) => string,
): string {
  if (request.includes('!')) return withOwnLoader(request, contextInfo.issuer, loader, projectUpscaler)
  if (!isTaggedImage(request)) return request
  const site = { reference: request, importer: contextInfo.issuer || undefined }
  const directive = projectUpscaler.parse(site)
  if (directive.as === 'url') {
    const beside = folder(directive.path)
    const name = nameOf(request, resolve(context, beside), projectUpscaler)
    return name === undefined
      ? request
      : `${beside}/${withoutRest(name)}${request.slice(pathOf(request).length)}!=!${request}`
  }
  const stem = basename(directive.path, extname(directive.path))
  return `./${cleanName(stem)}.upscale-${directive.as}.js!=!${loader}!${request}`
}

/** A name, which is clean, without the query and the fragment that are left. */
function withoutRest(name: string): string {
  return name.replace(/[?#].*$/, '')
}

/**
 * The folder of a picture as Rspack takes it in a request, `../img`: seen from the module that asks.
 * @param path as it was written, without the query
 * @param context the module's folder
 */
function folderOf(path: string, context: string, { resolverFactory }: Compiler): string {
  if (/^\.\.?\//.test(path)) return fromHere(dirname(path))
  for (const options of [{}, { preferRelative: true }]) {
    const file = resolved(() => resolverFactory.get('normal', options).resolveSync({}, context, path))
    if (file !== undefined) return fromHere(relative(context, dirname(file)))
  }
  // Rspack itself will say that there is no such file.
  return '.'
}

function fromHere(folder: string): string {
  const path = folder.replaceAll('\\', '/')
  return /^\.\.?(?:\/|$)/.test(path) ? path : path === '' ? '.' : `./${path}`
}

function resolved(resolve: () => string | false): string | undefined {
  try {
    return resolve() || undefined
  } catch {
    // The resolver's way to say that there is none. The request is resolved again, by Rspack, which tells of it.
    return undefined
  }
}

/** Remembers who asked for which request, for messages: the loader runs while Rspack's graph can't be read. */
function createIssuers(): { note(data: ResolveData): void; of: IssuerOf } {
  const known = new Map<string, Set<string>>()
  return {
    note({ request, contextInfo: { issuer } }) {
      if (!isTaggedImage(request) || issuer === '') return
      known.set(request, (known.get(request) ?? new Set()).add(issuer))
    },
    of(request, resource) {
      const askers = [...(known.get(request) ?? [])]
      return askers.find(asker => resolve(dirname(asker), pathOf(request)) === resource) ?? askers[0]
    },
  }
}

/** True when a rule, or one inside it, applies to a path; the ways in which configs usually write that. */
function matchesPath(rule: Rule, path: string): boolean {
  if (typeof rule !== 'object' || rule === null) return false
  const { test, oneOf = [], rules = [] } = rule
  return meets(test, path) || [...oneOf, ...rules].some(inner => matchesPath(inner, path))
}

function meets(condition: RuleSetRule['test'], path: string): boolean {
  if (condition instanceof RegExp) return condition.test(path)
  if (typeof condition === 'function') return condition(path)
  return Array.isArray(condition) && condition.some(one => meets(one, path))
}
