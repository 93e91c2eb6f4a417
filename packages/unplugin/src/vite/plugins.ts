import { type Directive, UpscaleError } from 'upscale-core'
import { TAGGED } from 'upscale-core/internal'
import { PICTURE_EXTENSIONS, TAG_IN_TEXT } from 'upscale-toolkit/references'
import type { Alias, Plugin, ResolvedConfig, Rollup } from 'vite'
import { requireHost } from '../host-version.ts'
import type { UpscaleOptions } from '../options.ts'
import { lineOf } from '../place.ts'
import { withPlace } from '../project-upscaler.ts'
import type { ReferenceSite } from '../reference.ts'
import { isTaggedImage, pathOf } from '../reference.ts'
import type { Slot } from '../slots.ts'
import { astroContent } from './astro-content.ts'
import { type BuildSession, createBuildSession } from './build-session.ts'
import { cssResolver, rewritePublicImages } from './css.ts'
import { devPlugins } from './dev/plugin.ts'
import { emitPicture } from './emitted-picture.ts'
import { placeBeside } from './files.ts'
import { applyRules, rewriteHtml, withdrawHtmlHook } from './html.ts'
import { rewriteNewUrls, withoutTags } from './new-url.ts'
import { loadAs } from './other-loads.ts'
import { checkOutput } from './output.ts'
import { limitBySource, nameBySource } from './path-rules.ts'
import { moduleId } from './paths.ts'
import { findSource, variantFor } from './session.ts'
import { dependOnSources, watchSources } from './watch.ts'
import { workersToo } from './workers.ts'

/*
 * Vite is handed a real file: each hook below turns a tagged reference into the path of a slot (slots.ts), and from
 * there Vite treats it as any image: hashing, inlining, base, manifest, library mode and SSR stay Vite's.
 *
 * Vite shows only references in JavaScript to plugins, so each other form has its own way in, and its own file.
 */

/** The plugins of a Vite build and of the dev server, in the order in which Vite gets them. Works in Vite 6, 7 and 8. */
export function vitePlugins(options: UpscaleOptions): Plugin[] {
  const session = createBuildSession(options)
  const alias = cssResolver(session)
  return [
    { ...importPlugin(session, alias), ...workersToo(() => workerPlugins(session, alias)), enforce: 'pre' },
    newUrlPlugin(session),
    watchSources(session),
    { ...astroContent(() => session), apply: 'build' },
    { ...checkOutput(session), enforce: 'post' },
    ...devPlugins(options),
  ]
}

/** A worker is a bundle of its own within the build of the page, with plugins of its own. */
function workerPlugins(session: BuildSession, alias: Alias): Plugin[] {
  return [
    { ...modulePlugin(session, alias), enforce: 'pre' },
    newUrlPlugin(session),
    { ...checkOutput(session), enforce: 'post' },
  ]
}

/** What must come before Vite's own work: imports, and the ways into CSS and HTML. */
function importPlugin(session: BuildSession, alias: Alias): Plugin {
  return {
    ...modulePlugin(session, alias, environment => session.enter(environment)),
    configResolved(config) {
      requireHost('Vite', 6, 'environments' in config)
      session.configure(config)
      withdrawHtmlHook(config, 'upscale')
      limitBySource(config, session)
    },
    transformIndexHtml: {
      order: 'pre',
      async handler(html, { filename }) {
        const tagged = await applyRules(html, filename, session.options.rules, session)
        const rewritten = await rewriteHtml(tagged, filename, session)
        dependOnSources(this, session)
        return rewritten
      },
    },
    closeBundle() {
      return session.leave(this.environment.name)
    },
  }
}

/** Imports and style sheets, which pages and workers have. */
function modulePlugin(
  session: BuildSession,
  alias: Alias,
  begin: (environment: string) => void = () => {},
): Plugin {
  return {
    name: 'upscale',
    apply: 'build',
    buildStart() {
      begin(this.environment.name)
      const aliases = this.environment.config.resolve.alias
      // Environments may share one list.
      if (!aliases.includes(alias)) aliases.unshift(alias)
    },
    outputOptions: nameBySource(session),
    ...importHooks(session),
    transform: {
      order: 'pre',
      filter: { id: /\.(?:css|scss|sass|less|styl|stylus|pcss|postcss|sss)(?:$|\?)/, code: TAG_IN_TEXT },
      handler: (code, id) => rewritePublicImages(code, id, session),
    },
  }
}

/** How references in JavaScript are resolved, and that they were; those that ask for a text get a module of ours. */
function importHooks(session: BuildSession): Pick<Plugin, 'resolveId' | 'load' | 'buildEnd'> {
  const variants = new Map<string, ReferenceSite>()
  const loaded = new Set<string>()

  async function make(
    context: Pick<Rollup.PluginContext, 'meta' | 'addWatchFile'>,
    site: ReferenceSite,
    ask: Resolve,
  ): Promise<string> {
    const directive = session.projectUpscaler.parse(site)
    const source = await findSource(directive, site, session, async path => {
      const resolved = await ask(path)
      return resolved ? pathOf(resolved.id) : undefined
    })
    if (directive.as !== 'url') {
      const variant = source + site.reference.slice(pathOf(site.reference).length)
      variants.set(variant, site)
      return variant
    }
    // Before it is made: one that fails has to be looked at again when it is repaired.
    if (context.meta.watchMode) context.addWatchFile(source)
    return idOf(await session.slots.fill(source, directive.requests[0], site), directive)
  }

  return {
    resolveId: {
      // Before plugins that read paths from a tsconfig: they resolve what stands before the query, and put it back behind.
      order: 'pre',
      filter: { id: TAGGED },
      handler(id, importer, options) {
        if (!isTaggedImage(id)) return null
        const site = { reference: id, importer: importer && pathOf(importer) }
        // All that a module imports is asked for at once, which may be thousands.
        const turn = session.projectUpscaler.turn()
        const answer = (): string | Promise<string> =>
          recallId(site, session) ??
          make(this, site, path => this.resolve(path, importer, { ...options, skipSelf: true }))
        // At once where it is known: Rolldown takes long to wait for a promise.
        return turn === undefined ? answer() : turn.then(answer)
      },
    },
    load: {
      // Before other image plugins, wherever the user put them: `as` is a key of theirs as well.
      order: 'pre',
      filter: { id: PICTURE },
      handler(id) {
        const slot = session.slots.beside(pathOf(id))
        if (slot !== undefined) return loadSlot(slot, id, session, this)
        if (!isTaggedImage(id)) return null
        loaded.add(id)
        return loadText(id, variants.get(id) ?? { reference: id, importer: undefined }, session, this)
      },
    },
    async buildEnd(error) {
      const taken = [...variants].find(([id]) => !loaded.has(id) && this.getModuleInfo(id) !== null)
      // A build that failed has no later hook, and Vite's command line ends the process at once.
      const isOver = error !== undefined && !this.meta.watchMode
      if (isOver) await session.drain()
      // What was spent is spent.
      if (error !== undefined || taken !== undefined) session.tell()
      if (isOver) await session.end()
      if (error === undefined && taken !== undefined) throw takenByOther(taken[1], session.config)
    },
  }
}

/** How Vite is asked for the file of a path. */
type Resolve = (path: string) => Promise<Pick<Rollup.ResolvedId, 'id'> | null>

/** The id of the module of a reference whose picture is known already; undefined where it has to be looked for. */
function recallId(site: ReferenceSite, session: BuildSession): string | undefined {
  const directive = session.projectUpscaler.parse(site)
  const place = directive.as === 'url' && placeBeside(directive.path, site.importer, session.config)
  const slot = place ? session.slots.recall(place, directive.requests[0], site) : undefined
  return slot && idOf(slot, directive)
}

/** SvelteKit's `<enhanced:img>` asks where a picture is and reads it at once, so it must be told a file. */
const READ_BY_ASKER = /[?&]enhanced\b/

/** The id of the module of a picture that a reference is answered by. */
function idOf({ beside, file }: Slot, { rest }: Pick<Directive, 'rest'>): string {
  return moduleId(READ_BY_ASKER.test(rest) ? file : beside, rest)
}

/** The ids of pictures, whose modules may be ours. */
const PICTURE = new RegExp(`\\.(?:${PICTURE_EXTENSIONS})(?:\\?|$)`, 'i')

type LoadContext = ThisParameterType<Extract<Plugin['load'], (...args: never[]) => unknown>>

/** The module of a reference that asks for a text. */
async function loadText(
  id: string,
  site: ReferenceSite,
  session: BuildSession,
  context: LoadContext,
): Promise<Rollup.LoadResult> {
  if (context.meta.watchMode) context.addWatchFile(pathOf(id))
  const code = await variantFor(pathOf(id), session.projectUpscaler.parse(site), site, session)
  // Rolldown would take the type from the extension; older bundlers don't know the key and ignore it.
  return { code, moduleType: 'js', map: { mappings: '' } }
}

/** The module of a picture, whose id is a path beside the source: what Vite, or who else reads pictures, makes of the slot. */
function loadSlot(
  slot: Slot,
  id: string,
  session: BuildSession,
  context: LoadContext,
): Rollup.LoadResult | Promise<Rollup.LoadResult> {
  const query = id.slice(pathOf(id).length)
  if (context.meta.watchMode) return reloadSlot(slot, query, session, context)
  if (query !== '') return loadAs(slot.file + query, context)
  const emit = () => emitPicture(slot, context) ?? loadAs(slot.file, context)
  // What waits is still read in less time than Vite's own way takes, whose each file is a few turns of other threads.
  const turn = session.projectUpscaler.turn()
  return turn === undefined ? emit() : turn.then(emit)
}

async function reloadSlot(
  { file, source }: Slot,
  query: string,
  session: BuildSession,
  context: LoadContext,
): Promise<Rollup.LoadResult> {
  context.addWatchFile(source)
  await session.slots.refresh(file)
  return loadAs(file + query, context)
}

/** The error of a reference that another plugin made a module of, from the small image. */
function takenByOther(site: ReferenceSite, { configFile }: ResolvedConfig): UpscaleError {
  const file = configFile ?? 'the config of Vite'
  const line = configFile === undefined ? undefined : lineOf(configFile, 'upscale(')
  return withPlace(
    new UpscaleError('LEFTOVER_REFERENCE', 'another plugin took this reference first, so it would be small', {
      hint: `put upscale() first in plugins, in ${file}${line === undefined ? '' : `:${line}`}`,
    }),
    site,
  )
}

/** Literal `new URL('./x.png?upscale=2', import.meta.url)`: after TypeScript and Vue are compiled, before Vite's pass. */
function newUrlPlugin(session: BuildSession): Plugin {
  return {
    name: 'upscale:new-url',
    apply: 'build',
    transform: {
      // A page is no script: what looks like code in it is text. Its inline scripts have ids of their own.
      filter: { code: { include: [/new\s+URL/] }, id: { exclude: [/^\0/, /\.html?$/] } },
      async handler(code, id) {
        if (!TAG_IN_TEXT.test(code)) return null
        // On the server Vite leaves this form alone, and a slot would not be in the output.
        if (this.environment.config.consumer === 'server') return withoutTags(code, session)
        const rewritten = await rewriteNewUrls(code, id, session, async path => {
          const resolved = await this.resolve(path, id, { skipSelf: true })
          return resolved ? pathOf(resolved.id) : undefined
        })
        if (rewritten !== null) dependOnSources(this, session)
        return rewritten
      },
    },
  }
}
