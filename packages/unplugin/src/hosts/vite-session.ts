import { statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Directive } from 'upscale-core'
import type { ResolvedConfig } from 'vite'
import { createFinisher, type Finisher, type Mention } from '../finish.ts'
import { type BuildOptions, resolveBuildOptions, type UpscaleOptions } from '../options.ts'
import { isElsewhere } from '../reference.ts'
import { createSlots, type Slot, type Slots } from '../slots.ts'
import { summaryOf } from '../summary.ts'

/** Finds the file that a path stands for; undefined when there is none. */
export type FindFile = (path: string) => Promise<string | undefined>

/**
 * What the Vite plugins of one config share: one upscaler and its slots, whatever the number of environments. They
 * live from the first environment that starts to the last that ends.
 */
export interface ViteSession {
  readonly options: BuildOptions
  readonly config: ResolvedConfig
  readonly finisher: Finisher
  readonly slots: Slots
  configure(config: ResolvedConfig): void
  /** An environment's build starts. */
  enter(): void
  /** An environment's build is over; the last one prints the summary and ends the upscaler. */
  leave(): Promise<void>
  /** The build of this environment is done but may be followed by another (watch mode). */
  report(): void
  /** The file in the public folder that an absolute path of the site stands for. */
  publicFile(path: string): string | undefined
  /**
   * The file that a relative path names, without asking Vite, which costs more than everything else about a cached
   * image; undefined when there is none or an alias could change the path.
   */
  fileBeside(path: string, importer: string | undefined): string | undefined
  /**
   * The slot of a reference that takes one address.
   * @param form where it stands, for the message when it asks for a text
   * @throws UpscaleError
   */
  slotFor(mention: Mention, form: string, find: FindFile): Promise<{ slot: Slot; rest: string }>
  /** The file of a directive. A path that leads nowhere is left to the upscaler, whose message names it. */
  sourceOf(directive: Directive, mention: Mention, find: FindFile): Promise<string>
}

export function createViteSession(userOptions: UpscaleOptions): ViteSession {
  const options = resolveBuildOptions(userOptions)
  let config: ResolvedConfig | undefined
  let running: { finisher: Finisher; slots: Slots } | undefined
  let environments = 0
  let told = ''

  function configured(): ResolvedConfig {
    if (config !== undefined) return config
    throw new Error('a hook ran before configResolved')
  }

  function run(): { finisher: Finisher; slots: Slots } {
    if (running !== undefined) return running
    const { root, envDir, mode, logger, build } = configured()
    const finisher = createFinisher(options.upscaler, {
      root,
      envDir: typeof envDir === 'string' ? envDir : undefined,
      mode,
      onNotice: text => logger.warn(`[upscale] ${text}`),
    })
    running = { finisher, slots: createSlots(finisher, build.watch !== null) }
    return running
  }

  function report(): void {
    const state = running?.finisher.report()
    const summary = state && summaryOf(state)
    if (state === undefined || summary === undefined) return
    // A rebuild that touched no picture has nothing new to say.
    if (summary !== told) configured().logger.info(`[upscale] ${summary}`)
    told = summary
    options.onReport(state)
  }

  const session: ViteSession = {
    options,
    get config() {
      return configured()
    },
    get finisher() {
      return run().finisher
    },
    get slots() {
      return run().slots
    },
    configure(resolved) {
      config = resolved
    },
    enter() {
      environments += 1
      run()
    },
    async leave() {
      environments = Math.max(0, environments - 1)
      if (environments > 0) return
      const ended = running
      report()
      told = ''
      running = undefined
      await ended?.finisher.close()
    },
    report,
    publicFile: path => findPublicFile(path, configured().publicDir),
    fileBeside(path, importer) {
      if (importer === undefined || !/^\.\.?\//.test(path)) return undefined
      if (configured().resolve.alias.some(({ find }) => isAliased(path, find))) return undefined
      const file = join(dirname(importer), path)
      return isFile(file) ? file : undefined
    },
    async slotFor(mention, form, find) {
      const { finisher, slots } = run()
      const directive = finisher.parse(mention)
      if (directive.as !== 'url') throw finisher.addressOnly(directive, mention, form)
      const source = await session.sourceOf(directive, mention, find)
      const slot = await slots.fill(source, directive.requests[0], mention)
      return { slot, rest: directive.rest }
    },
    async sourceOf({ path }, { importer }, find) {
      const found = session.publicFile(path) ?? (await find(path))
      if (found !== undefined) return found
      return path.startsWith('/') || importer === undefined
        ? join(configured().root, path)
        : resolve(dirname(importer), path)
    },
  }
  return session
}

function findPublicFile(path: string, publicDir: string): string | undefined {
  if (publicDir === '' || !path.startsWith('/') || isElsewhere(path)) return undefined
  const file = join(publicDir, path)
  const isInside = file.startsWith(join(publicDir, '/'))
  return isInside && isFile(file) ? file : undefined
}

function isAliased(path: string, find: string | RegExp): boolean {
  return typeof find === 'string' ? path === find || path.startsWith(`${find}/`) : find.test(path)
}

/** True for a file that exists. */
export function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
}
