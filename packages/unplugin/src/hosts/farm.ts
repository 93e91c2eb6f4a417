import { basename, dirname, extname, resolve } from 'node:path'
import type {
  CompilationContext,
  JsPlugin,
  PluginResolveHookParam,
  PluginResolveHookResult,
  ResolvedUserConfig,
} from '@farmfe/core'
import { TAGGED } from 'upscale-core/internal'
import { type Asked, findUnreplaced, together } from '../accounts.ts'
import { writeBuildFiles } from '../build-files.ts'
import type { HostLogger } from '../host-logger.ts'
import { isFile } from '../is-file.ts'
import { findLeftovers, isSearched, leftoverError, type OutputFile } from '../leftovers.ts'
import { type BuildOptions, resolveBuildOptions, type UpscaleOptions } from '../options.ts'
import { createProjectUpscaler, type ProjectUpscaler } from '../project-upscaler.ts'
import type { ReferenceSite } from '../reference.ts'
import { isTaggedImage, pathOf } from '../reference.ts'
import { createSlots, type Slots } from '../slots.ts'
import { createBuildSummary } from '../summary.ts'
import { variantCode } from '../variants.ts'

/*
 * Farm resolves references in style sheets like imports, so it is handed the finished file and treats it as any image.
 * This is Farm's own plugin interface: unplugin's has no way to ask Farm for a path, and makes importers absolute
 * against the working folder instead of the project's.
 */

/** What the hooks of one build share. */
interface FarmSession {
  readonly root: string
  /**
   * True where edited images can be told to Farm: `watch()` and the dev server, which have the mode of development,
   * without the persistent cache. That reads every watched file as text, and ends the process because a picture is none.
   */
  readonly mayWatch: boolean
  /** True where modules of an earlier process may stand in for a build's own. */
  readonly mayKeep: boolean
  /** One for each build: after {@link end} a rebuild gets another. */
  readonly projectUpscaler: ProjectUpscaler
  readonly slots: Slots
  /** Of this build and of those before it, whose modules Farm keeps. */
  readonly asked: Asked
  end(): Promise<void>
  tell(projectUpscaler: ProjectUpscaler): void
  /** Who asked for a text, by the path and query of its module. */
  readonly texts: Map<string, ReferenceSite>
}

/** The path of a slot, which Farm keeps from build to build. */
const SLOT = '[\\\\/]slots[\\\\/][0-9a-f]{16}[\\\\/]'

/** The plugin of Farm 1. */
export function farmPlugin(userOptions: UpscaleOptions): JsPlugin {
  const options = resolveBuildOptions(userOptions)
  let current: FarmSession | undefined
  const session = (): FarmSession => {
    if (current === undefined) throw new Error('a hook ran before configResolved')
    return current
  }
  return {
    name: 'upscale',
    // Farm's own plugins have 100 and less.
    priority: 1000,
    async configResolved(config) {
      current = startSession(options, config, await farmLogger())
    },
    resolve: {
      filters: { sources: [TAGGED.source], importers: ['.*'] },
      async executor(param, context) {
        return isTaggedImage(param.source) ? told(session(), () => answer(param, session(), context)) : null
      },
    },
    load: {
      // Matched with the query, which its name doesn't say.
      filters: { resolvedPaths: [TAGGED.source, SLOT] },
      async executor({ resolvedPath, query }, context) {
        await told(session(), () => refresh(resolvedPath, session(), context))
        const site = session().texts.get(keyOf(resolvedPath, query))
        if (site === undefined) return null
        const content = await told(session(), () => variantOf(resolvedPath, site, session()))
        return { content, moduleType: 'js' }
      },
    },
    finalizeResources: {
      async executor({ resourcesMap }, context) {
        const { root, asked, mayKeep } = session()
        const outputs = Object.values(resourcesMap).filter(({ name }) => isSearched(name))
        // In development the ids of modules stand in the output, those of texts with their query.
        const ids = new Set(Object.values(resourcesMap).flatMap(({ info }) => info?.moduleIds ?? []))
        const rules = { ownPrefixes: [], isKnown: (text: string) => ids.has(text) }
        const [first, ...others] = await findLeftovers(outputs.map(toOutputFile), rules)
        const files = [...inputsOf(resourcesMap, root)]
        const error =
          first === undefined
            ? await findUnreplaced({
                projectUpscaler: asked,
                root,
                files,
                ...(mayKeep ? { isKept: isKeptIn(ids) } : {}),
                contents: () => Object.values(resourcesMap).map(({ bytes }) => Buffer.from(bytes)),
              })
            : await leftoverError([first, ...others], { modules: files, root, outputs: [] })
        if (error === undefined) return resourcesMap
        if (options.leftovers === 'error') throw error
        context?.warn(error.message)
        return resourcesMap
      },
    },
    finish: {
      async executor() {
        const { projectUpscaler, tell, end } = session()
        tell(projectUpscaler)
        await writeBuildFiles(options, projectUpscaler)
        // Farm doesn't say whether it goes on: `watch()` and the dev server have a config like a build's.
        await end()
      },
    },
  }
}

/** Tells the summary when work fails: Farm has no hook for the end of a build that failed. */
async function told<T>({ projectUpscaler, tell }: FarmSession, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    tell(projectUpscaler)
    throw error
  }
}

/** Farm hands its logger to no plugin of a build, but its class to all. */
async function farmLogger(): Promise<HostLogger> {
  const { Logger } = await import('@farmfe/core')
  const logger = new Logger()
  return {
    info: text => logger.info(`[upscale] ${text}`),
    warn: text => logger.warn(`[upscale] ${text}`),
    isTalkative: true,
  }
}

function startSession(
  options: BuildOptions,
  { root = process.cwd(), envDir, envMode, compilation }: ResolvedUserConfig,
  logger: HostLogger,
): FarmSession {
  const make = (): ProjectUpscaler =>
    createProjectUpscaler(options.upscaler, {
      root,
      envDir: envDir ?? root,
      mode: envMode ?? 'production',
      logger,
    })
  // Now, so that a wrong option stops the build before anything is done.
  let current: ProjectUpscaler | undefined = make()
  const asked = new Set([current])
  const { options: resolved } = current
  const projectUpscaler = (): ProjectUpscaler => {
    current ??= make()
    asked.add(current)
    return current
  }
  const goesOn = compilation?.watch !== undefined || compilation?.mode !== 'production'
  const mayWatch = goesOn && compilation?.persistentCache === false
  return {
    root,
    mayWatch,
    mayKeep: compilation?.persistentCache !== false,
    // They outlive a build's upscaler.
    slots: createSlots(
      {
        options: resolved,
        finish: (...asked) => projectUpscaler().finish(...asked),
        recall: (...asked) => projectUpscaler().recall(...asked),
      },
      mayWatch,
    ),
    get projectUpscaler() {
      return projectUpscaler()
    },
    get asked() {
      return together(asked)
    },
    async end() {
      const ended = current
      current = undefined
      await ended?.close()
    },
    tell: createBuildSummary(options, logger),
    texts: new Map(),
  }
}

async function answer(
  { source: reference, importer: module, kind }: PluginResolveHookParam,
  { root, mayWatch, projectUpscaler, slots, texts }: FarmSession,
  context: CompilationContext | undefined,
): Promise<PluginResolveHookResult> {
  const importer = module === null ? undefined : resolve(root, pathOf(module))
  const site = { reference, importer }
  const directive = projectUpscaler.parse(site)
  if (directive.as !== 'url' && kind === 'cssUrl') {
    throw projectUpscaler.addressOnly(directive, site, 'a style sheet')
  }
  const found = await context
    ?.resolve({ source: directive.path, importer: module, kind }, { meta: {}, caller: 'upscale' })
    // Farm throws for a path that leads nowhere; the upscaler's message names it.
    .catch(() => undefined)
  const source =
    found?.resolvedPath ?? resolve(importer === undefined ? root : dirname(importer), directive.path)
  if (directive.as !== 'url') {
    const query = pairsOf(reference.slice(pathOf(reference).length))
    texts.set(keyOf(source, query), site)
    return { resolvedPath: source, query }
  }
  const [request] = directive.requests
  const { file } = await (mayWatch
    ? slots.fill(source, request, site)
    : projectUpscaler.finish(source, request, site))
  return { resolvedPath: file, query: pairsOf(directive.rest) }
}

/** Farm asks where a picture is only once, and loads again what it takes for changed: a slot, when its source is. */
async function refresh(
  file: string,
  { mayWatch, slots }: FarmSession,
  context: CompilationContext | undefined,
): Promise<void> {
  if (!mayWatch) return
  const slot = await slots.refresh(file)
  if (slot !== undefined) context?.addWatchFile(file, slot.source)
}

async function variantOf(
  source: string,
  site: ReferenceSite,
  { projectUpscaler }: FarmSession,
): Promise<string> {
  const directive = projectUpscaler.parse(site)
  const image = await projectUpscaler.finish(source, directive.requests[0], site)
  return variantCode(directive, { path: source, image }, projectUpscaler.options)
}

function pairsOf(query: string): [string, string][] {
  return [...new URLSearchParams(query.replace(/#.*$/, ''))]
}

function toOutputFile({ name, bytes }: { readonly name: string; readonly bytes: number[] }): OutputFile {
  return { name, text: () => Buffer.from(bytes).toString() }
}

function keyOf(path: string, query: readonly [string, string][]): string {
  return JSON.stringify([path, query])
}

/**
 * Tells the pictures that Farm's persistent cache answered, by the modules they are: a finished file, `hero-2x.png`, or a
 * text under the query that it was asked for with.
 */
function isKeptIn(ids: ReadonlySet<string>): (source: string) => boolean {
  const names = [...ids].map(id => basename(pathOf(id)))
  const texts = new Set([...ids].filter(isTaggedImage).map(id => basename(pathOf(id))))
  return source => {
    const name = basename(source)
    const stem = basename(source, extname(source))
    return texts.has(name) || names.some(other => other.startsWith(`${stem}-`) && /-\d[\d.]*x\./.test(other))
  }
}

/** The modules that the outputs were made of, and the page, which Farm doesn't count among them. */
function* inputsOf(
  resources: Readonly<Record<string, { readonly info?: { readonly moduleIds: string[] } }>>,
  root: string,
): Generator<string> {
  const ids = Object.values(resources).flatMap(({ info }) => info?.moduleIds ?? [])
  for (const id of new Set([...ids, 'index.html'])) {
    const file = resolve(root, pathOf(id))
    if (!file.includes('/node_modules/') && isFile(file)) yield file
  }
}
