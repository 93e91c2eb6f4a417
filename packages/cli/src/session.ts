import { isAbsolute, relative, resolve, sep } from 'node:path'
import {
  createUpscaler,
  type Engine,
  fal,
  ideogram,
  isUpscaleError,
  lumenfall,
  type PlannedImage,
  type UpscaleRequest,
  type Upscaler,
  type UpscalerOptions,
} from 'upscale-core'
import { priceText } from 'upscale-core/internal'
import { local } from 'upscale-local'
import { onStopSignals } from 'upscale-toolkit/terminal'
import { type Config, loadConfig } from './config.ts'
import { EXIT } from './exit-codes.ts'
import { forEach } from './files/each.ts'
import type { EngineFlags } from './flags.ts'
import { createPrinter, type Printer } from './print.ts'

/** What a command works with: the upscaler of the config and the flags, and the way to the terminal. */
export interface Session {
  readonly upscaler: Upscaler
  readonly config: Config
  readonly print: Printer
  /** Aborted by the first Ctrl-C: nothing more is begun. */
  readonly stopping: AbortSignal
  /** Says how to list what the command will ask for; it is planned and priced before the first paid call. */
  foresee(list: () => AsyncGenerator<Foreseen>): void
}

/** What the command line said. */
export interface SessionFlags extends EngineFlags {
  readonly queue?: string
  /** True for commands that work through a queue. */
  readonly isQueued?: boolean
}

/** A picture that will be asked for. */
export interface Foreseen {
  readonly file: string
  readonly request: Partial<UpscaleRequest>
}

/**
 * Opens a session, does the work, and closes it. The first Ctrl-C lets calls under way finish and be stored, the
 * second leaves at once.
 *
 * @param include what was named on the command line, which may be read wherever it lies
 * @returns the exit code
 * @throws UpscaleError for options that are wrong
 */
export async function inSession(
  flags: SessionFlags,
  include: readonly string[],
  work: (session: Session) => Promise<number>,
): Promise<number> {
  const print = createPrinter(flags)
  const config = await loadConfig(flags.config)
  const options = withQueueStore(mergeOptions(config, flags, include), flags, config.env)
  let foreseen: (() => AsyncGenerator<Foreseen>) | undefined
  let isMade = false
  const upscaler: Upscaler = createUpscaler(options, {
    root: config.root,
    env: config.env,
    engines: hostEngines(config.options),
    onNotice: text => print.note(`notice: ${text}`),
    onImage: ({ origin }) => {
      isMade ||= origin === 'engine'
    },
    beforePaying: async () => {
      if (foreseen === undefined) return
      const text = priceText(await planAll(foreseen(), upscaler), upscaler.options.budgetMicros)
      for (const line of text.split('\n')) print.note(line)
    },
  })
  const stop = new AbortController()
  const forgetSignals = onStopSignals(
    () => {
      print.note('stopping: what is under way is finished and kept; Ctrl-C again leaves at once')
      stop.abort()
      void upscaler.drain()
    },
    () => process.exit(EXIT.interrupted),
  )
  try {
    const foresee = (list: () => AsyncGenerator<Foreseen>): void => {
      foreseen = list
    }
    const code = await work({ upscaler, config, print, stopping: stop.signal, foresee })
    const { scratchAdvice } = upscaler.options
    if (isMade) for (const line of scratchAdvice?.split('\n') ?? []) print.note(line)
    return stop.signal.aborted ? EXIT.interrupted : code
  } finally {
    await upscaler.close()
    forgetSignals()
  }
}

/** What the Redis of a queue keeps of an answer that nobody fetched: a month. */
const ANSWER_SECONDS = 30 * 24 * 3600

/** Without a remote cache the Redis of the queue is one, so that one address is enough. */
function withQueueStore(
  options: UpscalerOptions,
  { isQueued = false, queue }: SessionFlags,
  env: Config['env'],
): UpscalerOptions {
  const url = queue ?? env.UPSCALE_QUEUE
  const isNamed = Boolean(options.remoteCache ?? env.UPSCALE_REMOTE_CACHE)
  return !isQueued || isNamed || !url ? options : { ...options, remoteCache: { url, ttl: ANSWER_SECONDS } }
}

async function planAll(list: AsyncGenerator<Foreseen>, upscaler: Upscaler): Promise<PlannedImage[]> {
  const planned: PlannedImage[] = []
  await forEach(
    list,
    upscaler.options.concurrency,
    new AbortController().signal,
    async ({ file, request }) => {
      try {
        planned.push(await upscaler.plan(file, request))
      } catch (error) {
        // A picture that can't be made is not paid for; the run itself says why.
        if (!isUpscaleError(error)) throw error
      }
    },
  )
  return planned
}

/**
 * Flags over the config file.
 * @param named paths of the command line, absolute; they may be read even where the options don't allow it
 */
export function mergeOptions(
  { root, options }: Config,
  flags: EngineFlags,
  named: readonly string[],
): UpscalerOptions {
  const { engine } = options
  const include = named.filter(path => isClosed(path, resolve(root, options.root ?? '.')))
  const given: UpscalerOptions = {
    ...(flags.engine === undefined ? {} : { engine: flags.engine }),
    ...(flags.factor === undefined ? {} : { factor: flags.factor }),
    ...(flags.jobs === undefined ? {} : { concurrency: flags.jobs }),
    ...(flags.budget === undefined ? {} : { budget: flags.budget }),
    ...(flags.frozen === undefined ? {} : { frozen: flags.frozen }),
    ...(flags.retry === undefined ? {} : { retry: flags.retry }),
    ...(flags.fallback === undefined ? {} : { onError: flags.fallback }),
    ...(flags.cacheDir === undefined ? {} : { cacheDir: flags.cacheDir }),
  }
  // An engine that the config made can still be asked for by its name.
  const own = typeof engine === 'object' && flags.engine !== undefined ? { [engine.id]: engine } : {}
  return {
    ...options,
    ...given,
    ...(Object.keys(own).length === 0 ? {} : { engines: { ...own, ...options.engines } }),
    include: [...(Array.isArray(options.include) ? options.include : []), ...include],
  }
}

/** True for a path that is not read unless it is listed: outside of the project, or in `node_modules`. */
function isClosed(path: string, root: string): boolean {
  const way = relative(root, path).split(sep)
  return way[0] === '..' || isAbsolute(way.join(sep)) || way.includes('node_modules')
}

/** Engines that need no config file. A paid one runs only where it is named, and costs nothing until then. */
export function hostEngines({ engine, engines }: UpscalerOptions): Record<string, Engine> {
  const taken = typeof engine === 'object' ? engine.id : undefined
  const made: Record<string, Engine> = {
    local: local(),
    lumenfall: lumenfall(),
    fal: fal(),
    ideogram: ideogram(),
  }
  // An engine that the config gives without a name has its id for a name, and two can't share one.
  return Object.fromEntries(
    Object.entries(made).filter(([name]) => name !== taken || engines?.[name] !== undefined),
  )
}
