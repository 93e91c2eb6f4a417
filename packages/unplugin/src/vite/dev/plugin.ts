import { readFile } from 'node:fs/promises'
import { type Directive, isUpscaleError, type UpscaleError } from 'upscale-core'
import { TAGGED } from 'upscale-core/internal'
import type { Plugin, ResolvedConfig, ViteDevServer } from 'vite'
import { requireHost } from '../../host-version.ts'
import { resolveBuildOptions, type UpscaleOptions } from '../../options.ts'
import { isTaggedImage, pathOf, type ReferenceSite } from '../../reference.ts'
import { SLIP_IN_TEXT } from '../../slips.ts'
import { astroContent } from '../astro-content.ts'
import { inlineCssResolver } from '../css.ts'
import { applyRules, withdrawHtmlHook } from '../html.ts'
import { announceInspector, createViteInspector, inspectorDock } from '../inspector/plugin.ts'
import { viteLogger } from '../logger.ts'
import { moduleId } from '../paths.ts'
import { findSource, variantFor } from '../session.ts'
import { expandSrcsets } from './html.ts'
import { serveTaggedImages } from './middleware.ts'
import { isOfProject } from './module-pictures.ts'
import { createDevSession, type DevSession } from './session.ts'

/*
 * The dev server never makes a page wait for an engine. Vite leaves tagged references as they are, the middleware
 * answers with the picture or quickly with a placeholder, and the page loads again when the pictures are there.
 */

/** Keys that Vite takes off an address itself; any other makes another plugin read the file. */
const KEYS_OF_ADDRESSES = new Set(['url', 'no-inline', 'import', 't', 'v'])

/** Plugins that make something of every picture with a query: Astro an object, vite-imagetools another picture. */
const TAKERS = new Set(['astro:assets', 'imagetools'])

/** The plugins of Vite's dev server. */
export function devPlugins(userOptions: UpscaleOptions): Plugin[] {
  const options = resolveBuildOptions(userOptions, { hasPages: true })
  // A server that restarts is created before the old one is closed, and both may use this plugin.
  const sessions = new Map<ResolvedConfig, DevSession>()
  const sessionOf: SessionOfHook = ({ environment }) => sessions.get(environment.getTopLevelConfig())
  const main: Plugin = {
    name: 'upscale:dev',
    enforce: 'pre',
    apply: 'serve',
    ...inspectorDock,
    configResolved(config) {
      requireHost('Vite', 6, 'environments' in config)
      withdrawHtmlHook(config, 'upscale:dev')
    },
    configureServer(server) {
      const session = createDevSession(options, server)
      const inspector = createViteInspector(options, session, server)
      sessions.set(server.config, {
        ...session,
        close: async () => void (await Promise.all([inspector.close(), session.close()])),
      })
      addCssResolver(session, server)
      warnOfBundle(server)
      server.middlewares.use(inspector.middleware)
      server.middlewares.use(serveTaggedImages(session))
      announceInspector(server)
      if (options.dts !== undefined) declareWhenListening(options.dts, session, server)
    },
    ...devImportHooks(sessionOf),
    transformIndexHtml: {
      order: 'pre',
      async handler(html, { filename, server }) {
        const session = server && sessions.get(server.config)
        if (session === undefined) return html
        // The file and not what is served of it, in which a server may have put what a request says.
        const written = await readFile(filename, 'utf8').catch(() => '')
        const { rules } = options
        session.projectUpscaler.noticeSlips(filename, written)
        session.modulePictures.noteCode(await applyRules(written, filename, rules, session), filename)
        const tagged = await applyRules(html, filename, rules, session)
        return expandSrcsets(tagged, filename, session.projectUpscaler)
      },
    },
    transform: {
      // Vue leaves the addresses of a template as they stand in dev, so no hook sees them later.
      filter: { id: /\.vue$/, code: /\bas=srcset\b/ },
      async handler(code, id) {
        const session = sessionOf(this)
        if (session === undefined) return null
        return { code: await expandSrcsets(code, id, session.projectUpscaler), map: null }
      },
    },
    hotUpdate({ file, modules }) {
      const session = sessionOf(this)
      if (!session?.sources.has(file)) return
      for (const module of modules) this.environment.moduleGraph.invalidateModule(module)
      if (this.environment.name === 'client') session.reload()
    },
    async closeBundle() {
      const session = sessionOf(this)
      sessions.delete(this.environment.getTopLevelConfig())
      await session?.close()
    },
  }
  return [
    main,
    noticeSlips(sessionOf),
    { ...astroContent(config => sessions.get(config)), apply: 'serve' },
    notePictures(sessionOf),
  ]
}

/** Tells of tags that are misspelled, in modules as they were written. */
function noticeSlips(sessionOf: SessionOfHook): Plugin {
  return {
    name: 'upscale:dev-slips',
    apply: 'serve',
    transform: {
      order: 'pre',
      filter: { id: /^[^\0]/, code: SLIP_IN_TEXT },
      handler(code, id) {
        const file = pathOf(id)
        if (!file.includes('/node_modules/')) sessionOf(this)?.projectUpscaler.noticeSlips(file, code)
        return null
      },
    },
  }
}

/** Sees what modules ask for once they are compiled: style sheets with what a preprocessor added, templates, scripts. */
function notePictures(sessionOf: SessionOfHook): Plugin {
  return {
    name: 'upscale:dev-modules',
    apply: 'serve',
    enforce: 'post',
    transform: {
      filter: { code: /[?&;](?:upscale|detail|resemblance|expand_prompt)\b/ },
      handler(code, id) {
        sessionOf(this)?.modulePictures.noteCode(code, id)
        return null
      },
    },
  }
}

/** A bundle has no addresses that the middleware could answer: Vite reads the originals into it. */
function warnOfBundle({ environments, config }: ViteDevServer): void {
  if (!environments.client.config.isBundled) return
  viteLogger(config).warn(
    'experimental.bundledDev bundles images as they are, so most pictures are small here; a build is right',
  )
}

/** Now that Vite's own use of the aliases is settled; its resolver for style sheets is made when the first one comes. */
function addCssResolver(session: DevSession, { environments }: ViteDevServer): void {
  const alias = inlineCssResolver(session)
  for (const { config } of Object.values(environments)) {
    const aliases = config.resolve.alias
    // Environments may share one list.
    if (!aliases.includes(alias)) aliases.unshift(alias)
  }
}

/** Not before the server listens, which a person waits for. */
function declareWhenListening(
  path: string | true,
  { projectUpscaler, tell }: DevSession,
  server: ViteDevServer,
): void {
  const begin = (): void => {
    import('../declarations.ts')
      .then(({ keepDeclarations }) => keepDeclarations(path, projectUpscaler, server))
      .catch(tell)
  }
  if (server.httpServer === null) begin()
  else server.httpServer.once('listening', begin)
}

/** Finds the session of the server that a hook runs for; undefined before it is configured. */
type SessionOfHook = (context: {
  readonly environment: { getTopLevelConfig(): ResolvedConfig }
}) => DevSession | undefined

/** Begins the id of a module that stands for a reference which is wrong. */
const WRONG = '\0upscale-wrong:'

/** @param note told of an error in the place of a result */
function parseOr(
  site: ReferenceSite,
  { projectUpscaler }: DevSession,
  note: (error: UpscaleError) => void,
): Directive | undefined {
  try {
    return projectUpscaler.parse(site)
  } catch (error) {
    if (!isUpscaleError(error)) throw error
    note(error)
    return undefined
  }
}

/** Imports that an address can't serve: texts, and files that Vite or another plugin reads. */
function devImportHooks(sessionOf: SessionOfHook): Pick<Plugin, 'resolveId' | 'load'> {
  const wrong = new Map<string, UpscaleError>()
  return {
    resolveId: {
      // Before others, as in a build.
      order: 'pre',
      filter: { id: TAGGED },
      async handler(id, importer, options) {
        const session = sessionOf(this)
        // A scan for dependencies, which Vite's types don't tell of, only wants to know that it is no code.
        const isScan = 'scan' in options && options.scan === true
        if (session === undefined || isScan || !isTaggedImage(id)) return null
        const site = { reference: id, importer: importer && pathOf(importer) }
        const directive = parseOr(site, session, error => wrong.set(`${WRONG}${id}`, error))
        // Vite prints an error of this hook for every module on the way to it, and one of loading once.
        if (directive === undefined) return `${WRONG}${id}`
        const isServed = directive.as === 'url' && !needsFile(directive, session.config)
        if (isServed && (importer === undefined || !isOfProject(importer, session.config))) return null
        const source = await findSource(directive, site, session, async path => {
          const resolved = await this.resolve(path, importer, { ...options, skipSelf: true })
          return resolved ? pathOf(resolved.id) : undefined
        })
        if (importer !== undefined && isOfProject(importer, session.config)) {
          for (const request of directive.requests) session.modulePictures.note(source, request)
        }
        if (isServed) return null
        if (directive.as !== 'url') return source + id.slice(pathOf(id).length)
        return moduleId(await session.file(source, directive.requests[0], site), directive.rest)
      },
    },
    load: {
      // Before other image plugins, wherever the user put them: `as` is a key of theirs as well.
      order: 'pre',
      filter: { id: TAGGED },
      async handler(id) {
        const error = wrong.get(id)
        if (error !== undefined) throw error
        const session = sessionOf(this)
        if (session === undefined || !isTaggedImage(id)) return null
        const site = { reference: id, importer: undefined }
        const directive = session.projectUpscaler.parse(site)
        return directive.as === 'url' ? null : variantFor(pathOf(id), directive, site, session)
      },
    },
  }
}

/**
 * True where Vite or another plugin reads the file itself, and would read the original: `inline`, keys of others, and
 * plugins that take every picture. A `%` or `#` in a name is beyond what Vite's dev server can address.
 */
function needsFile({ path, rest }: Directive, { plugins }: ResolvedConfig): boolean {
  const keys = [...new URLSearchParams(rest.replace(/#.*$/, '')).keys()]
  return (
    keys.some(key => !KEYS_OF_ADDRESSES.has(key)) ||
    /[%#]/.test(path) ||
    plugins.some(({ name }) => TAKERS.has(name))
  )
}
