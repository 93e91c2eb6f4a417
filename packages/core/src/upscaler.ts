import { isAbsolute, resolve } from 'node:path'
import pLimit from 'p-limit'
import { createBudget } from './billing/budget.ts'
import { createLedger } from './billing/ledger.ts'
import { listUnshared } from './billing/list-unshared.ts'
import { createPrices } from './billing/quoted-prices.ts'
import type { SharedIntent } from './billing/shared-intent.ts'
import { createWord } from './billing/word.ts'
import { openHitJournal } from './cache/hit-journal.ts'
import { type KnownSource, openKnownHits } from './cache/known-hits.ts'
import { openStores } from './cache/stores.ts'
import { priceOf } from './engines/call-price.ts'
import { createBreaker, ENGINE_POLICY } from './engines/http/breaker.ts'
import { sleep } from './engines/http/deadline.ts'
import { type Importer, isUpscaleError, UpscaleError } from './errors.ts'
import { createRounds } from './event-loop.ts'
import { describe, findFinished, flightOf, readListOf, recallFinished } from './pipeline/cache-hit.ts'
import type { FinishedFile, PipelineContext } from './pipeline/context.ts'
import { isEngineSide } from './pipeline/fallback.ts'
import type { ExaminedImage, PlannedImage } from './pipeline/plan.ts'
import { createRecorder, type Origin, type Report, type ReportImage } from './pipeline/report.ts'
import { singleFlight } from './pipeline/single-flight.ts'
import { openRemoteCache } from './remote/remote-cache.ts'
import { type Directive, parseDirective, type UpscaleRequest } from './request/directive.ts'
import {
  completeFacts,
  type HostFacts,
  type ResolvedOptions,
  resolveOptions,
  type UpscalerOptions,
} from './request/options.ts'
import { type ResolvedRequest, resolveRequest } from './request/request.ts'
import { safeText } from './safe-text.ts'
import type { Format } from './source/format.ts'
import { nameOf, openSources, type SourceFile } from './source/source.ts'

/** A finished picture. */
export interface UpscaledImage {
  /** Absolute path of a real file with a readable name; its bytes were checked, and nobody has written to it since. */
  readonly file: string
  /** Measured from the encoded file, in pixels. */
  readonly width: number
  readonly height: number
  readonly format: Format
  /** SHA-256 of the file, hex. */
  readonly digest: string
  /** Size of the file, in bytes. */
  readonly size: number
  readonly origin: Origin
  readonly factor: number
  /** Name of the engine, as configured. */
  readonly engine: string
  /** The image it was made from; width and height in pixels, orientation applied. */
  readonly source: {
    readonly file: string
    readonly digest: string
    readonly width: number
    readonly height: number
  }
}

/** An engine's answer that is in the cache now, and was stored for other machines where that is possible. */
export interface KeptAnswer {
  /** Names the answer, the same on every machine. 64 hex characters. */
  readonly answerKey: string
  /** SHA-256 of the answer, hex. */
  readonly digest: string
  readonly origin: Origin
  /** Millionths of a US dollar charged for it just now. */
  readonly costMicros: number
  /** True when it is in the remote cache. */
  readonly isShared: boolean
}

/** How the work on an answer differs from that of a build. */
export interface AnswerContext extends UpscaleContext {
  /** As the option, for this picture. @default the option `retry` */
  readonly retry?: boolean
  readonly sharedIntent?: SharedIntent
  /**
   * True for who can't go on while the remote cache is away: it is asked although it failed a moment ago.
   * @default true with a shared intent
   */
  readonly isPatient?: boolean
}

/** Where a request comes from, for messages, and how to stop waiting for it. */
export interface UpscaleContext {
  /** Stops the wait; work that others share goes on. */
  readonly signal?: AbortSignal
  readonly reference?: string
  readonly importer?: Importer
}

export interface Upscaler {
  readonly options: ResolvedOptions
  /**
   * Takes a tagged reference apart; undefined for one that is not ours.
   * @throws UpscaleError BAD_DIRECTIVE, UNKNOWN_ENGINE
   */
  parse(reference: string): Directive | undefined
  /**
   * The upscaled picture of a file, from the cache or from the engine.
   * @param file - absolute, or relative to the project's folder
   * @throws UpscaleError with any of its codes; the message names the image
   */
  upscale(file: string, request?: Partial<UpscaleRequest>, context?: UpscaleContext): Promise<UpscaledImage>
  /**
   * What {@link upscale} gives, at once, where nobody has written to the file or to the finished one since both were read:
   * for who asks for thousands, and must not hold as many promises.
   * @param file - absolute, or relative to the project's folder
   * @param folder - where the finished file has a second name (a hard link), for who uses that one: it is looked at in
   * place of the cache's own. Absolute
   * @returns undefined for anything that takes longer than a look at both
   * @throws UpscaleError as {@link upscale} does
   */
  recall(file: string, request: UpscaleRequest, folder?: string): UpscaledImage | undefined
  /**
   * To be asked, by whoever has many, before a picture is asked for: {@link upscale} does it too, but the less waits the
   * better.
   * @returns what to wait for until the event loop has gone round; undefined while there is time
   */
  turn(): Promise<void> | undefined
  /**
   * Sees to it that the engine's answer to a request is in the cache and in the remote cache, and makes no file of it:
   * for machines that work for others.
   * @param file - absolute, or relative to the project's folder
   * @throws UpscaleError as {@link upscale} does, whatever `onError` says; BAD_OPTION for a quick engine, whose answers
   * are not kept
   */
  answer(file: string, request?: Partial<UpscaleRequest>, context?: AnswerContext): Promise<KeptAnswer>
  /**
   * What {@link upscale} would do and pay, without doing it. Nothing is written and no engine is called.
   * @throws UpscaleError SOURCE_*, BAD_DIRECTIVE, UNKNOWN_ENGINE, FACTOR_UNSUPPORTED
   */
  plan(file: string, request?: Partial<UpscaleRequest>): Promise<PlannedImage>
  /**
   * The same with all that is known of the picture, for whoever shows it.
   * @throws UpscaleError as {@link plan} does
   */
  examine(file: string, request?: Partial<UpscaleRequest>): Promise<ExaminedImage>
  /**
   * Offers the remote cache what was paid for on this machine by processes that ended before it was there. The first
   * picture that is asked for does so by itself, and waits for nothing; this is for who waits for work. Never throws.
   * @returns how many answers the remote cache has not taken
   */
  offerUnshared(): Promise<number>
  report(): Report
  /**
   * Begins no further engine call and waits until those under way are answered and stored. Pictures that were not
   * begun fail with ABORTED. For the first Ctrl-C. What goes to the remote cache has half a minute more.
   */
  drain(): Promise<void>
  /**
   * Aborts calls under way, waits until what is known of them is on the disk, and half a minute at most until it is in
   * the remote cache; ends workers and sockets.
   */
  close(): Promise<void>
}

/** What a host wants to be told. */
export interface HostEvents {
  /** Takes lines that a user should see; the build goes on. */
  readonly onNotice?: (text: string) => void
  /** Called, and awaited, once before the first call that costs money: the moment to show what will follow. */
  readonly beforePaying?: () => Promise<void>
  /**
   * Takes each picture that was delivered, one that is asked for twice also twice. The report then has none of them: for
   * who asks for so many that keeping them takes memory.
   */
  readonly onImage?: (image: ReportImage) => void
}

/** The largest source file that is read, in bytes. */
const MAX_SOURCE_BYTES = 256 * 1024 * 1024

/**
 * Decoded pictures alive at a time, and those whose results are large: each may hold one of `maxPixels`, so that bounds
 * memory.
 */
const PICTURES_AT_A_TIME = 4
const LARGE_AT_A_TIME = 2

/** Longest that a build which is done works on what a former one left, in milliseconds. */
const OFFER_MS = 30_000

const forUnfinished = () => import('./pipeline/unfinished.ts')

/** For messages. */
const STAND_IN = { original: 'as it is', resize: 'plainly resampled' } as const

/**
 * Makes an upscaler. Options are checked now; nothing is read or written until the first picture.
 *
 * @param options - what the user wrote
 * @param host - what the host knows: its project folder, environment and engines, and where notices go
 * @throws UpscaleError BAD_OPTION, UNKNOWN_ENGINE, KEY_EXPOSED
 * @example
 * const upscaler = createUpscaler({ engine: 'resize' })
 * const { file, width, height } = await upscaler.upscale('hero.png', { factor: 2 })
 */
export function createUpscaler(
  options: UpscalerOptions = {},
  host: Partial<HostFacts> & HostEvents = {},
): Upscaler {
  const facts = completeFacts(options, host)
  const recorder = createRecorder(host.onNotice ?? (() => {}), host.onImage)
  const resolved = resolveOptions(options, facts, recorder.notice)
  const drain = new AbortController()
  const stop = new AbortController()
  let announced: Promise<void> | undefined
  const engineContext = { signal: stop.signal, env: facts.env }
  const context: PipelineContext = {
    options: resolved,
    stores: openStores(resolved, recorder.notice),
    remote: resolved.remoteCache && openRemoteCache(resolved.remoteCache, recorder.notice),
    hits: openHitJournal(resolved.scratchDir),
    knownHits: openKnownHits(resolved.scratchDir),
    budget: createBudget(resolved.budgetMicros, resolved.cacheDir),
    prices: createPrices(engineContext),
    breaker: createBreaker(ENGINE_POLICY),
    word: createWord(resolved.retry),
    ledger: createLedger(resolved.cacheDir),
    isSharing: resolved.remoteCache?.readOnly === false,
    notice: recorder.notice,
    announce: () => {
      announced ??= host.beforePaying?.() ?? Promise.resolve()
      return announced
    },
    stopping: AbortSignal.any([drain.signal, stop.signal]),
    engineContext,
    calls: pLimit(resolved.concurrency),
    pictures: pLimit(PICTURES_AT_A_TIME),
    largePictures: pLimit(LARGE_AT_A_TIME),
  }
  const sources = openSources({ ...resolved, maxBytes: MAX_SOURCE_BYTES })
  // Bounds what waits between the steps: as many as are called, and as many prepared to be called, so that no call
  // waits for a picture to be finished. It is the outermost of the limits; calls and pictures are taken inside it,
  // one after the other, so they can't wait for each other.
  const misses = pLimit(2 * resolved.concurrency + PICTURES_AT_A_TIME)

  const rounds = createRounds()

  // A project's pictures have few requests between them.
  const requests = new WeakMap<Partial<UpscaleRequest>, ResolvedRequest>()

  function resolveOnce(request: Partial<UpscaleRequest>): ResolvedRequest {
    const known = requests.get(request)
    if (known !== undefined) return known
    const wanted = resolveRequest(request, resolved)
    if (Object.isFrozen(request) && Object.isFrozen(request.params)) requests.set(request, wanted)
    return wanted
  }

  /** A finished picture, and the source as it was when its turn came. */
  async function make(
    source: SourceFile,
    wanted: ResolvedRequest,
  ): Promise<readonly [SourceFile, FinishedFile]> {
    const flight = flightOf(source, wanted, context)
    const work = () =>
      misses(async () => {
        // The bytes are read again when it is their turn, so that a thousand waiting pictures hold no memory.
        const image = await sources.read(source.file)
        // Edited meanwhile: that is another picture. Whoever shares this flight may have a file that was not edited.
        if (image.digest !== source.digest) return undefined
        const { withAnswer, makeFinished } = await forUnfinished()
        return withAnswer(
          image,
          wanted,
          context,
          answer => makeFinished(image, wanted, answer, flight, context),
          facts => describe(image, wanted, facts),
        )
      })
    const finished =
      (await findFinished(source, wanted, flight, context)) ?? (await singleFlight(flight, work))
    return finished === undefined ? make(await sources.identify(source.file), wanted) : [source, finished]
  }

  async function upscale(path: string, request: Partial<UpscaleRequest>): Promise<UpscaledImage> {
    const wanted = resolveOnce(request)
    // A thousand hits would else be one piece of work.
    const turn = rounds.turn()
    if (turn !== undefined) await turn
    const file = resolve(resolved.root, path)
    const reading = readListOf(wanted, context)
    if (reading !== undefined) await reading
    const recalled = recallFinished(file, wanted, context)
    if (recalled !== undefined) return deliver(recalled.source, wanted, recalled.finished)
    const source = await sources.identify(file)
    try {
      const [made, finished] = await make(source, wanted)
      return deliver(made, wanted, finished)
    } catch (error) {
      const policy = request.onError ?? resolved.onError
      if (policy === 'error' || !isUpscaleError(error) || !isEngineSide(error)) throw error
      recorder.notice(`${source.name}: shipped ${STAND_IN[policy]}, because ${error.problem} [${error.code}]`)
      if (policy === 'original') {
        const image = await sources.read(source.file)
        const { originalAsFinished } = await forUnfinished()
        return deliver(image, wanted, await originalAsFinished(image, context))
      }
      const plain = resolveRequest({ ...request, engine: 'resize', params: {} }, resolved)
      const [made, finished] = await make(source, plain)
      return deliver(made, plain, { ...finished, origin: 'fallback' })
    }
  }

  async function answer(
    path: string,
    request: Partial<UpscaleRequest>,
    { retry, sharedIntent, isPatient = sharedIntent !== undefined }: AnswerContext,
  ): Promise<KeptAnswer> {
    const wanted = resolveRequest(request, resolved)
    if (wanted.engine.quick === true) throw notKept(wanted)
    const file = resolve(resolved.root, path)
    const own: PipelineContext = {
      ...context,
      ...(retry === undefined ? {} : { word: createWord(retry) }),
      ...(sharedIntent === undefined ? {} : { sharedIntent }),
    }
    // Whoever works for others has nobody to give the answer to while the store is away.
    if (isPatient) context.remote?.askAgain()
    const { share, withAnswer } = await forUnfinished()
    const facts = await misses(async () =>
      withAnswer(
        await sources.read(file),
        wanted,
        own,
        async ({ answerKey, digest, origin, costMicros }) => ({
          answerKey,
          digest,
          origin,
          costMicros,
        }),
      ),
    )
    const store = context.stores.forEngine(wanted.engine)
    const isShared = facts.origin === 'remote' || (await share(facts.answerKey, store, context))
    return { ...facts, isShared }
  }

  /** Fields by name: each object that is spread into another gets a shape of its own in V8, more than the object. */
  function deliver(
    source: KnownSource,
    wanted: ResolvedRequest,
    { entry, origin, costMicros, source: made }: FinishedFile,
  ): UpscaledImage {
    const { width, height, format, size, sha256, chosen } = entry.facts
    const { factor, engineName: engine } = wanted
    const { model } = wanted.engine
    const { width: sourceWidth, height: sourceHeight } = made
    const ordered = { width: sourceWidth, height: sourceHeight, scale: wanted.scale }
    const savedMicros = origin === 'cache' || origin === 'remote' ? priceOf(wanted.engine, ordered) : 0
    const row: { -readonly [Key in keyof ReportImage]: ReportImage[Key] } = {
      source: source.name,
      factor,
      engine,
      model,
      origin,
      format,
      width,
      height,
      bytes: size,
      sourceBytes: source.size,
      costMicros,
      savedMicros,
    }
    if (chosen !== undefined) row.chosen = chosen
    recorder.image(row)
    return {
      file: entry.file,
      width,
      height,
      format,
      digest: sha256,
      size,
      origin,
      factor,
      engine,
      source: { file: source.file, digest: source.digest, width: sourceWidth, height: sourceHeight },
    }
  }

  async function watch<T>(
    file: string,
    request: Partial<UpscaleRequest>,
    context: UpscaleContext,
    work: () => Promise<T>,
  ): Promise<T> {
    offerOnce()
    try {
      const result = await untilAborted(track(work()), context.signal)
      recorder.delivered(() => nameAt(file), request)
      return result
    } catch (error) {
      throw refusal(error, file, request, context)
    }
  }

  const nameAt = (file: string): string => nameOf(resolve(resolved.root, file), resolved.root)

  function refusal(
    error: unknown,
    file: string,
    request: Partial<UpscaleRequest>,
    context: UpscaleContext = {},
  ): UpscaleError {
    const name = nameAt(file)
    const placed = toCoded(error).at({ file: name, ...pickPlace(context) })
    recorder.refused(name, request, placed)
    return placed
  }

  function recall(path: string, request: UpscaleRequest, folder?: string): UpscaledImage | undefined {
    offerOnce()
    try {
      const wanted = resolveOnce(request)
      if (readListOf(wanted, context) !== undefined) return undefined
      const file = isAbsolute(path) ? path : resolve(resolved.root, path)
      const recalled = recallFinished(file, wanted, context, folder)
      if (recalled === undefined) return undefined
      recorder.delivered(() => nameAt(path), request)
      return deliver(recalled.source, wanted, recalled.finished)
    } catch (error) {
      throw refusal(error, path, request)
    }
  }

  const running = new Set<Promise<unknown>>()
  function track<T>(work: Promise<T>): Promise<T> {
    running.add(work)
    // The caller hears of a failure; this branch only takes note of the end.
    const end = (): void => void running.delete(work)
    work.then(end, end)
    return work
  }

  const offers = new Set<Promise<unknown>>()
  /** Tells what was stored; what was not, the remote cache tells by itself. */
  async function offer(): Promise<number> {
    const keys = context.isSharing ? listUnshared(context.stores.durable) : []
    if (keys.length === 0) return 0
    const taking = track(forUnfinished().then(({ offerUnshared }) => offerUnshared(keys, context)))
    offers.add(taking)
    const sharing = await taking.finally(() => offers.delete(taking))
    const stored = (await Promise.all(sharing)).filter(isShared => isShared).length
    const what = stored === 1 ? '1 answer' : `${stored} answers`
    if (stored > 0)
      recorder.notice(`remote cache (${context.remote?.name}): stored ${what} that an earlier run had bought`)
    return sharing.length - stored
  }

  let isOffered = !context.isSharing
  function offerOnce(): void {
    if (isOffered) return
    isOffered = true
    void offer()
  }

  /** Waits for what is being taken up, unless a person wants to leave. */
  async function finishOffers(): Promise<void> {
    if (drain.signal.aborted || offers.size === 0) return
    const enough = new AbortController()
    await Promise.race([Promise.all(offers), sleep(OFFER_MS, enough.signal)])
    enough.abort()
  }

  return {
    options: resolved,
    parse: reference => parseDirective(reference, resolved),
    upscale: (file, request = {}, context = {}) =>
      watch(file, request, context, () => upscale(file, request)),
    recall,
    turn: rounds.turn,
    answer: (file, request = {}, context = {}) =>
      watch(file, request, context, () => answer(file, request, context)),
    async plan(file, request = {}) {
      const wanted = resolveRequest(request, resolved)
      const { planImage } = await forUnfinished()
      return planImage(await sources.read(resolve(resolved.root, file)), wanted, context)
    },
    async examine(file, request = {}) {
      const wanted = resolveRequest(request, resolved)
      const { examineImage } = await forUnfinished()
      return examineImage(await sources.read(resolve(resolved.root, file)), wanted, context)
    },
    offerUnshared() {
      isOffered = true
      return offer()
    },
    report: () => recorder.report(context.budget.spentMicros),
    async drain() {
      drain.abort()
      await Promise.allSettled(running)
      await context.remote?.settle()
    },
    async close() {
      await finishOffers()
      stop.abort(new UpscaleError('ABORTED', 'the upscaler was closed', { hint: 'start the build again' }))
      await Promise.allSettled(running)
      await context.remote?.close()
      await context.budget.close()
      context.knownHits.save()
      await context.stores.close()
      await Promise.all([...resolved.engines.values()].map(engine => engine.close?.()))
    },
  }
}

function pickPlace({ reference, importer }: UpscaleContext): Pick<UpscaleContext, 'reference' | 'importer'> {
  return {
    ...(reference === undefined ? {} : { reference }),
    ...(importer === undefined ? {} : { importer }),
  }
}

function notKept({ engineName }: ResolvedRequest): UpscaleError {
  return new UpscaleError('BAD_OPTION', `the engine "${engineName}" is done before its answer is kept`, {
    hint: 'ask for the file',
  })
}

/** Gives an error of a library or of the system a code; an abort keeps its reason. */
function toCoded(error: unknown): UpscaleError {
  if (isUpscaleError(error)) return error
  if (error instanceof Error && error.name === 'AbortError') {
    return new UpscaleError('ABORTED', 'the work was stopped', {
      hint: 'start the build again',
      cause: error,
    })
  }
  const reason = safeText(error instanceof Error ? error.message : String(error))
  return new UpscaleError('ENGINE_FAILED', `unexpected failure: ${reason}`, {
    hint: 'run it again; if it fails the same way, report it with the image, or use engine=resize',
    cause: error,
  })
}

function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  return new Promise((settle, fail) => {
    const abort = (): void => fail(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    work.then(settle, fail).finally(() => signal.removeEventListener('abort', abort))
  })
}
