import { hash } from 'node:crypto'
import { join } from 'node:path'
import { isUpscaleError, type UpscaleError, type UpscaleRequest } from 'upscale-core'
import { escapeLines, escapeText } from 'upscale-core/internal'
import type { ViteDevServer } from 'vite'
import { createDevPictures, type DevPicture, factsOf } from '../../dev/pictures.ts'
import { writePlaceholder } from '../../dev/placeholder.ts'
import { createDevUpscaler, createLeftOutNotifier, isLeftOut } from '../../dev/upscaler.ts'
import type { BuildOptions } from '../../options.ts'
import { withPlace } from '../../project-upscaler.ts'
import type { ReferenceSite } from '../../reference.ts'
import { createSlots, type Slot, slotsFolder } from '../../slots.ts'
import { projectOf, viteLogger } from '../logger.ts'
import type { ViteSession } from '../session.ts'
import { createModulePictures, isOfProject, type ModulePictures } from './module-pictures.ts'
import { isServed, notServed } from './served-files.ts'

/** What the parts of one dev server share. Its {@link file} and {@link facts} are of a placeholder until the picture is there. */
export interface DevSession extends ViteSession {
  /** Sources of which a picture was asked for, with forward slashes. */
  readonly sources: ReadonlySet<string>
  /** What the project's own files ask for. */
  readonly modulePictures: ModulePictures
  /**
   * The finished picture, or a placeholder when that takes longer than a moment or may not be made here. What no module of
   * the project contains is made by nobody.
   * @throws UpscaleError SOURCE_OUTSIDE_ROOT for a file that Vite does not serve, and no module of the project imports
   */
  picture(source: string, request: UpscaleRequest, site: ReferenceSite): Promise<DevPicture<Slot>>
  /** Tells the user about a failure, each one once. */
  tell(error: unknown): void
  /** Makes every page load again, with what became of its pictures. */
  reload(): void
  close(): Promise<void>
}

/** Under Vitest nobody looks at a picture, so no engine runs, and nobody is told so; `dev: 'full'` still means it. */
function forTests(options: BuildOptions): BuildOptions {
  return options.dev === 'auto' ? { ...options, dev: 'off' } : options
}

/** @throws UpscaleError BAD_OPTION, UNKNOWN_ENGINE, KEY_EXPOSED */
export function createDevSession(options: BuildOptions, server: ViteDevServer): DevSession {
  const { config } = server
  const isTest = config.plugins.some(({ name }) => name === 'vitest')
  const projectUpscaler = createDevUpscaler(isTest ? forTests(options) : options, projectOf(config))
  const slots = createSlots(projectUpscaler, true)
  const sources = new Set<string>()
  const readers = new Set<string>()
  const modulePictures = createModulePictures(projectUpscaler, config)
  const { tell, notice } = createBuildSummary(server)
  const pictures = createDevPictures<Slot>(projectUpscaler, slots.fill, {
    onNews: reload,
    onLateFailure: tell,
    onLeftOut: isTest ? () => {} : notice,
  })

  function reload(): void {
    projectUpscaler.settle()
    forgetFiles(server, slotsFolder(projectUpscaler.options.root), readers)
    server.environments.client.hot.send({ type: 'full-reload' })
  }

  async function picture(
    source: string,
    request: UpscaleRequest,
    site: ReferenceSite,
  ): Promise<DevPicture<Slot>> {
    sources.add(source.replaceAll('\\', '/'))
    if (site.importer !== undefined && isOfProject(site.importer, config)) {
      modulePictures.note(source, request)
      // A module that an address asks for may name any file, and is answered by hooks that come before Vite's own look.
    } else if (!(await isServed(source, config))) throw withPlace(notServed(), site)
    if (await modulePictures.has(source, request)) return pictures.ask(source, request, site)
    if (await isFinished(source, request, site)) return pictures.ask(source, request, site)
    config.logger.warnOnce(
      `[upscale] ${escapeText(site.reference)} is in no module of the project, so nothing is made of it; write the reference there as a whole`,
    )
    return pictures.placeholder(source, request, site)
  }

  async function isFinished(source: string, request: UpscaleRequest, site: ReferenceSite): Promise<boolean> {
    try {
      return (await projectUpscaler.view.examine(source, request)).state === 'finished'
    } catch (error) {
      throw isUpscaleError(error) ? withPlace(error, site) : error
    }
  }

  server.watcher.on('all', () => modulePictures.forgetSources())

  return {
    config,
    projectUpscaler,
    sources,
    modulePictures,
    picture,
    async file(source, request, site) {
      if (site.importer !== undefined) readers.add(site.importer.replaceAll('\\', '/'))
      const shown = await picture(source, request, site)
      if (shown.kind === 'finished') return shown.finished.file
      const { placeholder } = shown
      const name = `${hash('sha256', placeholder.bytes, 'hex').slice(0, 16)}.${placeholder.type.slice('image/'.length)}`
      const file = join(slotsFolder(projectUpscaler.options.root), 'placeholders', name)
      await writePlaceholder(file, placeholder)
      return file.replaceAll('\\', '/')
    },
    async facts(source, request, site) {
      const shown = await picture(source, request, site)
      return shown.kind === 'finished' ? shown.finished.image : factsOf(shown.placeholder, request)
    },
    tell,
    reload,
    async close() {
      pictures.close()
      await projectUpscaler.close()
    },
  }
}

/** Tells the user what pages can't: failures by the terminal and over the page, each text once. */
function createBuildSummary({ config, environments }: ViteDevServer): {
  tell(error: unknown): void
  notice(leftOut: UpscaleError): void
} {
  const told = new Set<string>()
  const isNew = (text: string): boolean => !told.has(text) && Boolean(told.add(text))

  const notice = createLeftOutNotifier(viteLogger(config).warn)

  function tell(error: unknown): void {
    if (isLeftOut(error)) {
      notice(error)
      return
    }
    const message = escapeLines(error instanceof Error ? error.message : String(error))
    if (!isNew(message)) return
    config.logger.error(`[upscale] ${message}`)
    environments.client.hot.send({ type: 'error', err: { message, stack: '', plugin: 'upscale' } })
  }

  return { tell, notice }
}

/**
 * Lets go of what Vite keeps of files in a folder, and of modules that know their paths or hold their bytes; in every
 * environment.
 * @param readers files that named one, since Vite learns what a module depends on only when the module is done
 */
function forgetFiles({ environments }: ViteDevServer, folder: string, readers: ReadonlySet<string>): void {
  const prefix = `${folder.replaceAll('\\', '/')}/`
  for (const { moduleGraph } of Object.values(environments)) {
    // By file and not by id: an image that a style sheet inlined is known to Vite by its file alone.
    for (const [file, modules] of moduleGraph.fileToModulesMap) {
      if (!file.startsWith(prefix) && !readers.has(file)) continue
      for (const module of modules) {
        moduleGraph.invalidateModule(module)
        for (const importer of module.importers) moduleGraph.invalidateModule(importer)
      }
    }
  }
}
