import { hash } from 'node:crypto'
import { join } from 'node:path'
import { type Format, isUpscaleError, UpscaleError, type UpscaleRequest } from 'upscale-core'
import type { ResolvedConfig, ViteDevServer } from 'vite'
import { createFinisher, type Finisher, type Mention } from '../finish.ts'
import type { BuildOptions } from '../options.ts'
import { queryOf } from '../reference.ts'
import { createSlots, type Slot, stampOf } from '../slots.ts'
import { createDevQueue } from './vite-dev-queue.ts'
import { viteLogger } from './vite-logger.ts'
import { createPlaceholders, type Placeholder, writePlaceholder } from './vite-placeholder.ts'

/** A picture as a page can have it now. */
export type DevPicture =
  | { readonly kind: 'finished'; readonly slot: Slot }
  | { readonly kind: 'placeholder'; readonly placeholder: Placeholder }

/** What the parts of one dev server share. */
export interface DevSession {
  readonly config: ResolvedConfig
  readonly finisher: Finisher
  /** Sources of which a picture was asked for, with forward slashes. */
  readonly sources: ReadonlySet<string>
  /** The finished picture, or a stand-in when that takes longer than a moment or may not be made here. */
  picture(source: string, request: UpscaleRequest, mention: Mention): Promise<DevPicture>
  /** The same as a file that Vite can read like any image. */
  file(source: string, request: UpscaleRequest, mention: Mention): Promise<string>
  /** What `as=metadata` says about a picture that may not be finished. */
  facts(
    source: string,
    request: UpscaleRequest,
    mention: Mention,
  ): Promise<{ width: number; height: number; format: Format; factor: number; engine: string }>
  /** Tells the user about a failure, each one once. */
  tell(error: unknown): void
  /** Makes every page load again, with what became of its pictures. */
  reload(): void
  close(): Promise<void>
}

/** @throws UpscaleError BAD_OPTION, UNKNOWN_ENGINE, KEY_EXPOSED */
export function createDevSession(options: BuildOptions, server: ViteDevServer): DevSession {
  const { config } = server
  const finisher = createDevFinisher(options, config)
  const { scratchDir, maxPixels } = finisher.options
  const slots = createSlots(finisher, true)
  const placeholders = createPlaceholders(maxPixels)
  const sources = new Set<string>()
  const { tell, notice } = createTeller(server)
  const queue = createDevQueue<Slot>({ onNews: reload, onLateFailure: tell })

  function reload(): void {
    forgetFiles(server, join(scratchDir, 'slots'))
    server.environments.client.hot.send({ type: 'full-reload' })
  }

  async function picture(source: string, request: UpscaleRequest, mention: Mention): Promise<DevPicture> {
    const stamp = stampOf(source)
    sources.add(source.replaceAll('\\', '/'))
    try {
      const key = `${source}?${queryOf(request, finisher.options)}`
      const slot = await queue.ask(key, stamp, () => slots.fill(source, request, mention))
      if (slot !== undefined) return { kind: 'finished', slot }
    } catch (error) {
      if (!isLeftOut(error)) throw error
      notice(error)
    }
    return { kind: 'placeholder', placeholder: await placeholders.make(source, stamp, request.factor) }
  }

  return {
    config,
    finisher,
    sources,
    picture,
    async file(source, request, mention) {
      const shown = await picture(source, request, mention)
      if (shown.kind === 'finished') return shown.slot.file
      const { placeholder } = shown
      const name = `${hash('sha256', placeholder.bytes, 'hex').slice(0, 16)}.${placeholder.type.slice('image/'.length)}`
      const file = join(scratchDir, 'slots', 'placeholders', name)
      await writePlaceholder(file, placeholder)
      return file.replaceAll('\\', '/')
    },
    async facts(source, request, mention) {
      const shown = await picture(source, request, mention)
      const { factor, engine } = request
      if (shown.kind === 'finished') return shown.slot.image
      const { width, height, sourceFormat } = shown.placeholder
      return { width, height, format: request.format ?? sourceFormat, factor, engine }
    },
    tell,
    reload,
    async close() {
      queue.close()
      await finisher.close()
    },
  }
}

/**
 * A finisher that doesn't run what a dev server should not: by freezing, so that the upscaler itself refuses every call
 * of a paid engine, and by looking first where no engine may run at all. Such a picture fails with FROZEN_MISS.
 */
function createDevFinisher({ upscaler, dev }: BuildOptions, config: ResolvedConfig): Finisher {
  const { root, envDir, mode } = config
  const finisher = createFinisher(dev === 'full' ? upscaler : { ...upscaler, frozen: true }, {
    root,
    envDir: typeof envDir === 'string' ? envDir : undefined,
    mode,
    logger: viteLogger(config),
  })
  if (dev === 'full') return finisher
  return {
    ...finisher,
    async finish(source, request, mention) {
      if (dev === 'off' && !(await finisher.isAnswered(source, request, mention))) throw notInDev()
      try {
        // A stand-in by `onError` is made in full and by this thread; the placeholder is quicker, and off it.
        return await finisher.finish(source, { ...request, onError: 'error' }, mention)
      } catch (error) {
        const policy = request.onError ?? finisher.options.onError
        if (policy === 'error' || isLeftOut(error)) throw error
        return finisher.finish(source, request, mention)
      }
    },
  }
}

function notInDev(): UpscaleError {
  return new UpscaleError('FROZEN_MISS', 'no engine runs here, because dev is "off"', {
    hint: 'build once to make the pictures, or remove the option dev',
  })
}

/** Tells the user what pages can't: failures by the terminal and over the page, each text once. */
function createTeller({ config, environments }: ViteDevServer): {
  tell(error: unknown): void
  notice(leftOut: UpscaleError): void
} {
  const told = new Set<string>()
  const isNew = (text: string): boolean => !told.has(text) && Boolean(told.add(text))

  // By its remedy, which is the same for every picture of an engine.
  function notice({ problem, details: { hint } }: UpscaleError): void {
    if (!isNew(hint)) return
    config.logger.warn(`[upscale] ${problem}; plainly resampled pictures are shown instead: ${hint}`)
  }

  function tell(error: unknown): void {
    if (isLeftOut(error)) {
      notice(error)
      return
    }
    const message = error instanceof Error ? error.message : String(error)
    if (!isNew(message)) return
    config.logger.error(`[upscale] ${message}`)
    environments.client.hot.send({ type: 'error', err: { message, stack: '', plugin: 'upscale' } })
  }

  return { tell, notice }
}

/** True for a picture that was not made because no engine was allowed to run. */
function isLeftOut(error: unknown): error is UpscaleError {
  return isUpscaleError(error) && error.code === 'FROZEN_MISS'
}

/** Lets go of what Vite keeps of files in a folder, and of modules that know their paths; in every environment. */
function forgetFiles({ environments }: ViteDevServer, folder: string): void {
  const prefix = `${folder.replaceAll('\\', '/')}/`
  for (const { moduleGraph } of Object.values(environments)) {
    for (const module of moduleGraph.idToModuleMap.values()) {
      if (!module.file?.startsWith(prefix)) continue
      moduleGraph.invalidateModule(module)
      for (const importer of module.importers) moduleGraph.invalidateModule(importer)
    }
  }
}
