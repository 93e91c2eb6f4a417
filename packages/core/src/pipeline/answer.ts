import type { EngineOrder, Purchase, Received, ServiceRequest } from '../billing/order.ts'
import { openPurchase, type Purchaser } from '../billing/purchase.ts'
import { isChoice } from '../cache/entry.ts'
import type { PixelAnswer, PixelEngine } from '../engines/engine.ts'
import { isUpscaleError, UpscaleError } from '../errors.ts'
import { decodeAnswer, encodeAnswer, encodePng } from '../image/codec.ts'
import { checkOutput } from '../image/output.ts'
import type { Picture, PixelImage } from '../image/pixel-image.ts'
import { resample } from '../image/resample.ts'
import { verifyAnswer } from '../image/verify.ts'
import type { Fetched } from '../remote/remote-cache.ts'
import type { RequestOf, ResolvedRequest } from '../request/request.ts'
import { safeStem } from '../source/file-name.ts'
import type { SourceImage } from '../source/source.ts'
import type { Answer, PipelineContext } from './context.ts'
import { letGo, type Prepared, prepare, type Waiting } from './prepare.ts'
import { singleFlight } from './single-flight.ts'

// An answer is kept here, or kept in the shared store, or computed or bought now; verified, and kept.
//
// A decoded picture lives inside of a `pictures` slot only, which is what bounds memory. Waiting for a network happens
// outside of one, so a source is decoded before it, and what is needed afterwards is kept small (prepare.ts).

/** How many times `maxPixels` an answer may have: some services only know larger factors than the one wanted. */
const LARGER_ANSWER = 4

/** Twice what a PNG of 8-bit samples with alpha needs that can't be compressed at all: services may send 16 bits. */
const MOST_BYTES_A_PIXEL = 8

/** Room for the frame and the metadata of a small picture, in bytes. */
const FRAME_BYTES = 1024 * 1024

/**
 * The engine's answer to a request, handed to `use` while it is decoded.
 *
 * @throws UpscaleError SOURCE_*, BAD_DIRECTIVE, ENGINE_FAILED, ANSWER_*, API_*, KEY_MISSING, FROZEN_MISS,
 *   BUDGET_EXCEEDED, CALL_UNCERTAIN, CACHE_*, ABORTED
 */
export function withAnswer<T>(
  source: SourceImage,
  request: ResolvedRequest,
  context: PipelineContext,
  use: (answer: Answer) => Promise<T>,
): Promise<T> {
  const { engine } = request
  return engine.exchange === 'pixels'
    ? computed(source, { ...request, engine }, context, use)
    : bought(source, { ...request, engine }, context, use)
}

/** The way of an engine that works in this process. */
async function computed<T>(
  source: SourceImage,
  request: RequestOf<PixelEngine>,
  context: PipelineContext,
  use: (answer: Answer) => Promise<T>,
): Promise<T> {
  const store = context.stores.forEngine(request.engine)
  const isFetched = context.remote !== undefined && request.engine.quick !== true
  const fetched = isFetched ? await fetchMissing(source, request, context) : undefined
  return context.pictures(async () => {
    const prepared = await prepare(source, request, context)
    if (request.engine.quick === true) return use(await compute(prepared, request, context))
    const { answerKey, facts } = prepared
    const kept = fetched ?? store.find('answers', answerKey)
    if (kept === undefined) return use(await compute(prepared, request, context))
    const picture = await decodeAnswer(kept.bytes, { maxPixels: Number.POSITIVE_INFINITY })
    const origin = fetched === undefined ? 'cache' : 'remote'
    const { sha256: digest, chosen } = kept.facts
    return use({ answerKey, digest, source: facts, picture, chosen, origin, costMicros: 0 })
  })
}

/** Asks the remote cache for an answer that is not on this machine; the source is decoded once more for that. */
async function fetchMissing(
  source: SourceImage,
  request: RequestOf<PixelEngine>,
  context: PipelineContext,
): Promise<Fetched | undefined> {
  const waiting = await context.pictures(async () => letGo(await prepare(source, request, context), request))
  const { engine } = request
  if (context.stores.forEngine(engine).peek('answers', waiting.answerKey) !== undefined) return undefined
  const fetched = await fetchAnswer(waiting, request, context)
  if (fetched !== undefined) await context.stores.keepFetched(engine, fetched.facts, fetched.bytes)
  return fetched
}

/** Runs the engine and keeps its answer, unless it is as quickly made again. */
async function compute(
  { answerKey, facts, image }: Prepared,
  request: RequestOf<PixelEngine>,
  { stores, remote, engineContext, stopping }: PipelineContext,
): Promise<Answer> {
  const { engine, scale, params } = request
  const run = async (part: PixelImage): Promise<PixelAnswer> => {
    stopping.throwIfAborted()
    return checkShape(part, request, await engine.upscale({ image: part, scale, params }, engineContext))
  }
  const colour = await run(image.colour)
  const picture: Picture = {
    colour,
    ...(image.alpha === undefined ? {} : { alpha: await run(image.alpha) }),
  }
  const { width, height } = colour
  const { id, model } = engine
  const chosen = isChoice(colour.chosen) ? colour.chosen : undefined
  const answer = { answerKey, source: facts, picture, chosen, origin: 'engine', costMicros: 0 } as const
  if (engine.quick === true) return { ...answer, digest: answerKey }
  const entry = {
    key: answerKey,
    fileName: 'answer.png',
    width,
    height,
    format: 'png',
    engine: id,
    model,
    ...(chosen === undefined ? {} : { chosen }),
  } as const
  const digest = await stores.keepAnswer(entry, await encodeAnswer(picture))
  void remote?.keep(answerKey, stores.forEngine(engine))
  return { ...answer, digest }
}

/** The way of an engine that is a service, and may cost money. */
async function bought<T>(
  source: SourceImage,
  request: ServiceRequest,
  context: PipelineContext,
  use: (answer: Answer) => Promise<T>,
): Promise<T> {
  const { alpha, order, ...waiting } = await context.pictures(async () => {
    const prepared = await prepare(source, request, context)
    return { ...(await letGo(prepared, request)), ...(await orderOf(prepared, source, request)) }
  })
  const { answerKey, facts } = waiting
  const store = context.stores.forEngine(request.engine)
  const purchase = openPurchase({ request, order, store, context })
  const received = await singleFlight(
    `${store.root} ${answerKey}`,
    async () =>
      (await purchase.kept()) ??
      (await receiveFetched(waiting, order, request, context)) ??
      (await buyClaimed(waiting, { request, order, store }, context)),
  )
  return context.pictures(async () => {
    const colour = await verified(received, waiting, purchase, context)
    const digest = received.verified ?? (await purchase.file(received, colour))
    if (received.verified === undefined) void context.remote?.keep(answerKey, store)
    // The service saw no alpha; the source's own is enlarged and put back.
    const picture =
      alpha === undefined ? { colour } : { colour, alpha: await resample(alpha, colour.width, colour.height) }
    const { origin, costMicros } = received
    return use({ answerKey, digest, source: facts, picture, origin, costMicros })
  })
}

/**
 * Buys an answer under a claim in the shared store, so that of all machines that miss it one pays. A queue has jobs for
 * that, and a store that is away or holds no claims is done without.
 */
async function buyClaimed(
  waiting: Waiting,
  { request, order, store }: Omit<Purchase, 'context'>,
  context: PipelineContext,
): Promise<Received> {
  const { answerKey } = order
  const { options, remote, sharedIntent, stopping } = context
  const isShared = remote !== undefined && sharedIntent === undefined
  const isCalled = request.engine.billing === 'paid' && !options.frozen
  const claim = isShared && isCalled ? await remote.claim(answerKey, stopping) : undefined
  if (claim === undefined) return openPurchase({ request, order, store, context }).buy()
  try {
    // Another machine may have stored it between the look before and the claim.
    const fetched = await receiveFetched(waiting, order, request, context)
    if (fetched !== undefined) {
      await remote?.abandon(answerKey)
      return fetched
    }
    const shared = claim === 'answered' ? context : { ...context, sharedIntent: claim }
    return await openPurchase({ request, order, store, context: shared }).buy()
  } catch (error) {
    await remote?.abandon(answerKey)
    throw error
  }
}

/** What is sent, and what is put back afterwards: a service sees no alpha. */
async function orderOf(
  { answerKey, facts: { width, height }, image: { colour, alpha } }: Prepared,
  source: SourceImage,
  { factor, format = source.format, quality }: ServiceRequest,
): Promise<{ readonly order: EngineOrder; readonly alpha: PixelImage | undefined }> {
  // A request that could only fail after the call must fail before it.
  const size = { width: Math.round(width * factor), height: Math.round(height * factor) }
  checkOutput({ alpha }, { ...size, format, quality })
  const file = { name: `${safeStem(source.stem)}.png`, png: await encodePng(colour) }
  return { order: { answerKey, width, height, source: source.name, ...file }, alpha }
}

/** The answer that another machine bought, kept here like an own one. */
async function receiveFetched(
  waiting: Waiting,
  order: EngineOrder,
  request: ServiceRequest,
  context: PipelineContext,
): Promise<Received | undefined> {
  const fetched = await fetchAnswer(waiting, request, context)
  if (fetched === undefined) return undefined
  const { facts, bytes } = fetched
  await context.stores.keepFetched(request.engine, { ...facts, boughtFor: order.source }, bytes)
  return { bytes, verified: facts.sha256, origin: 'remote', costMicros: 0 }
}

/**
 * The colours of a service's answer, compared with the source whoever had compared it before: the cache may have been
 * changed by anybody who can commit. A new one that doesn't show the source is put aside and thrown.
 */
async function verified(
  received: Received,
  { answerKey, asked }: Waiting,
  purchase: Purchaser,
  { options, remote }: PipelineContext,
): Promise<PixelImage> {
  try {
    const { colour } = await decodeAnswer(received.bytes, { maxPixels: options.maxPixels * LARGER_ANSWER })
    if (received.origin !== 'remote') await verifyAnswer(asked, { colour })
    return colour
  } catch (error) {
    await remote?.abandon(answerKey)
    if (received.verified !== undefined) throw isUpscaleError(error) ? exchanged(error) : error
    return purchase.reject(received, error)
  }
}

/** A kept answer was accepted when it came, so it is not what came. */
function exchanged({ problem }: UpscaleError): UpscaleError {
  return new UpscaleError(
    'CACHE_UNREADABLE',
    `the answer that is kept for this picture is not what was bought for it: ${problem}`,
    { hint: 'restore the cache folder from version control; nothing was bought' },
  )
}

/**
 * An answer out of the remote cache, looked at like that of a service: it decodes, and it shows the source. Where the
 * project has a list of paid answers, it is the listed one; a frozen build, which can't add to the list for others to
 * see, takes nothing else.
 *
 * To be called outside of `pictures`, since it waits for a network. Never throws for what the store did or sent.
 */
async function fetchAnswer(
  { answerKey, facts, asked }: Waiting,
  request: ResolvedRequest,
  context: PipelineContext,
): Promise<Fetched | undefined> {
  const { options, pictures, remote } = context
  if (remote === undefined || request.engine.quick === true) return undefined
  const pixels = Math.round(facts.width * request.scale) * Math.round(facts.height * request.scale)
  const fetched = await remote.find(answerKey, pixels * MOST_BYTES_A_PIXEL + FRAME_BYTES)
  if (fetched === undefined) return undefined
  const objection = unvouched(request, answerKey, fetched, context)
  if (objection !== undefined) {
    remote.refuse(answerKey, objection)
    return undefined
  }
  try {
    await pictures(
      async () =>
        await verifyAnswer(
          asked,
          await decodeAnswer(fetched.bytes, { maxPixels: options.maxPixels * LARGER_ANSWER }),
        ),
    )
    return fetched
  } catch (error) {
    if (!isUpscaleError(error) || !error.code.startsWith('ANSWER_')) throw error
    remote.refuse(answerKey, error.problem)
    return undefined
  }
}

/** What the list of paid answers has against an answer. */
function unvouched(
  { engine }: ResolvedRequest,
  answerKey: Prepared['answerKey'],
  { facts }: Fetched,
  { options, stores }: PipelineContext,
): string | undefined {
  if (facts.engine !== engine.id || facts.model !== engine.model) return 'it was made by another engine'
  if (engine.billing === 'free') return undefined
  const store = stores.forEngine(engine)
  const listed = store.listed(answerKey)
  if (listed !== undefined)
    return listed.sha256 === facts.sha256 ? undefined : 'manifest.json lists another answer to this request'
  return options.frozen && stores.hadList()
    ? 'manifest.json does not list it, and this build is frozen: build once where it is not, and commit the list'
    : undefined
}

/** An engine of the user's own may answer anything. */
function checkShape(
  image: PixelImage,
  { engine, engineName, scale }: RequestOf<PixelEngine>,
  answer: PixelAnswer,
): PixelAnswer {
  const width = image.width * scale
  const height = image.height * scale
  const samples = width * height * image.channels
  // A fractional scale (the resampler's) rounds to whole pixels.
  const fits = Math.abs(answer.width - width) < 1 && Math.abs(answer.height - height) < 1
  if (
    fits &&
    answer.channels === image.channels &&
    answer.data.length === answer.width * answer.height * answer.channels
  ) {
    return answer
  }
  throw new UpscaleError(
    'ENGINE_FAILED',
    `engine "${engineName}" (${engine.model}) returned ${answer.width}×${answer.height} with ${answer.data.length} samples instead of ${width}×${height} with ${samples}`,
    { hint: 'report it to whoever made the engine, or use engine=resize for this picture' },
  )
}
