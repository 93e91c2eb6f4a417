import { hash } from 'node:crypto'
import type { Cache, CacheEntry } from '../cache/cache.ts'
import { answerKeyOf } from '../cache/keys.ts'
import { dollars } from '../engines/dollars.ts'
import { isUpscaleError, UpscaleError } from '../errors.ts'
import { decodeAnswer, encodePng, normalise, type Picture, pixelDigest } from '../image/codec.ts'
import { checkOutput } from '../image/output.ts'
import { resample } from '../image/resample.ts'
import { verifyAnswer } from '../image/verify.ts'
import type { Answer, PipelineContext } from '../pipeline/context.ts'
import { singleFlight } from '../pipeline/single-flight.ts'
import { fetchAnswer } from '../remote/fetch-answer.ts'
import { safeStem } from '../source/file-name.ts'
import { EXTENSION } from '../source/format.ts'
import { sniffFormat } from '../source/sniff.ts'
import type { SourceImage } from '../source/source.ts'
import { buy, lockKey } from './call.ts'
import { clearLocalIntent, readIntent } from './intent.ts'
import { recallRefusal, rememberRefusal } from './refusal.ts'
import {
  adoptReceived,
  type EngineOrder,
  factsOf,
  giveUp,
  lineOf,
  type Received,
  type ServiceRequest,
} from './settle.ts'

// The way of an answer that comes over a wire and may have cost money. Its folders, by the same key:
//
//   answers/    verified; never asked for again
//   received/   arrived and synced to disk, not looked at yet; a build that died here goes on from it
//   rejected/   arrived and refused by our checks; kept, because it was paid for
//   refusals/   what was refused for good, by the service or by our checks; not asked again
//
// An answer is on disk before anything looks at it, so neither a bad answer nor an abort loses what was paid for.

/** How many times `maxPixels` an answer may have: some services only know larger factors than the one wanted. */
const LARGER_ANSWER = 4

/**
 * The answer of a service (kept, received by an earlier run, or bought now), handed to `use` while it is decoded.
 *
 * @throws UpscaleError SOURCE_*, BAD_DIRECTIVE, ANSWER_*, and what {@link buy} throws
 */
export async function purchaseAnswer<T>(
  source: SourceImage,
  request: ServiceRequest,
  context: PipelineContext,
  use: (answer: Answer) => Promise<T>,
): Promise<T> {
  const order = await context.pictures(() => prepareOrder(source, request, context))
  const { root } = context.stores.forEngine(request.engine)
  const received = await singleFlight(`${root} ${order.answerKey}`, () =>
    receive(source, request, order, context),
  )
  return context.pictures(async () => use(await accept(source, request, order, received, context)))
}

async function prepareOrder(
  source: SourceImage,
  request: ServiceRequest,
  { options }: PipelineContext,
): Promise<EngineOrder> {
  const image = await normalise(source, { maxPixels: options.maxPixels, factor: request.factor })
  // A request that could only fail after the call must fail before it.
  checkOutput(image, {
    ...sizeOf(image, request),
    format: request.format ?? source.format,
    quality: request.quality,
  })
  return {
    answerKey: answerKeyOf(pixelDigest(image), request),
    png: await encodePng(image.colour),
    width: image.width,
    height: image.height,
    source: source.name,
    name: `${safeStem(source.stem)}.png`,
  }
}

async function receive(
  source: SourceImage,
  request: ServiceRequest,
  order: EngineOrder,
  context: PipelineContext,
): Promise<Received> {
  const store = context.stores.forEngine(request.engine)
  const look = (): Received | undefined => {
    const kept = store.find('answers', order.answerKey)
    if (kept !== undefined)
      return { bytes: kept.bytes, verified: kept.facts.sha256, origin: 'cache', costMicros: 0 }
    const refusal = context.options.retry
      ? undefined
      : recallRefusal(store, order.answerKey, context.options.root)
    if (refusal !== undefined) throw refusal
    return undefined
  }
  const kept = look()
  if (kept === undefined)
    return (
      (await receiveFetched(source, request, order, context)) ?? (await buy(request, order, context, look))
    )
  await closeBooks(request, order, context, store)
  return kept
}

/** The answer that another machine bought, kept here like an own one. */
async function receiveFetched(
  source: SourceImage,
  request: ServiceRequest,
  order: EngineOrder,
  context: PipelineContext,
): Promise<Received | undefined> {
  const fetched = await fetchAnswer(source, request, order.answerKey, order, context)
  if (fetched === undefined) return undefined
  await context.stores.keepFetched(
    request.engine,
    { ...fetched.facts, boughtFor: order.source },
    fetched.bytes,
  )
  return { bytes: fetched.bytes, verified: fetched.facts.sha256, origin: 'remote', costMicros: 0 }
}

/**
 * Finishes what a build that was killed after it had filed this answer left undone. A leftover does no harm, so a
 * frozen build, which need not be able to write, and a cache that can't be written leave it there.
 */
async function closeBooks(
  request: ServiceRequest,
  order: EngineOrder,
  context: PipelineContext,
  store: Cache,
): Promise<void> {
  const isOpen = (): boolean =>
    readIntent(store, order.answerKey) !== undefined || store.peek('received', order.answerKey) !== undefined
  if (context.options.frozen) return
  try {
    if (!isOpen()) return
    const lock = await lockKey(store, order, context)
    try {
      if (!isOpen()) return
      const received = await adoptReceived(request, order, context, store)
      if (received !== undefined) return await fileReceived(request, order, received, context, store)
      // The answer came another way, from a colleague for one. What became of our own call is still not known.
      const intent = readIntent(store, order.answerKey)
      if (intent === undefined) return
      await giveUp(request, order, intent, context)
      await clearLocalIntent(store, order.answerKey)
    } finally {
      await lock.release()
    }
  } catch (error) {
    if (!isUpscaleError(error) || !error.code.startsWith('CACHE_')) throw error
  }
}

/** Writes down that a received answer was filed, and removes what is there twice now. */
async function fileReceived(
  request: ServiceRequest,
  order: EngineOrder,
  received: Received,
  { ledger }: PipelineContext,
  store: Cache,
): Promise<void> {
  if (request.engine.billing === 'paid')
    await ledger.append({ ...lineOf(request, order, received), event: 'stored' })
  await store.remove('received', order.answerKey)
}

function sizeOf(source: { readonly width: number; readonly height: number }, { factor }: ServiceRequest) {
  return { width: Math.round(source.width * factor), height: Math.round(source.height * factor) }
}

async function accept(
  source: SourceImage,
  request: ServiceRequest,
  order: EngineOrder,
  received: Received,
  context: PipelineContext,
): Promise<Answer> {
  const { options } = context
  const image = await normalise(source, { maxPixels: options.maxPixels, factor: request.factor })
  const { width, height, lossless } = image
  const check = async (): Promise<Picture> => {
    const decoded = await decodeAnswer(received.bytes, { maxPixels: options.maxPixels * LARGER_ANSWER })
    if (received.verified === undefined)
      verifyAnswer({ source: image, ...sizeOf(image, request), scale: request.scale }, decoded.colour)
    return decoded
  }
  const decoded = await check().catch(error => reject(context, request, order, received, error))
  const digest = received.verified ?? (await keep(context, request, order, received, decoded.colour))
  return {
    answerKey: order.answerKey,
    digest,
    source: { width, height, lossless },
    // The service saw no alpha; the source's own is enlarged and put back.
    picture: {
      colour: decoded.colour,
      ...(image.alpha === undefined
        ? {}
        : { alpha: resample(image.alpha, decoded.colour.width, decoded.colour.height) }),
    },
    origin: received.origin,
    costMicros: received.costMicros,
  }
}

/** Files a verified answer for good. */
async function keep(
  context: PipelineContext,
  request: ServiceRequest,
  order: EngineOrder,
  received: Received,
  { width, height }: { readonly width: number; readonly height: number },
): Promise<string> {
  const { engine } = request
  const store = context.stores.forEngine(engine)
  const format = sniffFormat(received.bytes)
  const facts = {
    ...factsOf(request, order, received),
    width,
    height,
    format,
    fileName: `answer.${EXTENSION[format]}`,
    boughtFor: order.source,
  }
  const entry = await store.commit('answers', facts, received.bytes)
  await fileReceived(request, order, received, context, store)
  await store.removeRecord('refusals', order.answerKey)
  void context.remote?.keep(order.answerKey, store)
  return entry.facts.sha256
}

/** Keeps an answer that was refused by our checks, remembers why, and says so. */
async function reject(
  context: PipelineContext,
  request: ServiceRequest,
  order: EngineOrder,
  received: Received,
  error: unknown,
): Promise<never> {
  if (!isUpscaleError(error)) throw error
  const store = context.stores.forEngine(request.engine)
  const { file } = await keepRejected(request, order, received, store)
  const { requestId } = received
  const refusal = new UpscaleError(error.code, error.problem, {
    ...error.details,
    hint: `${error.details.hint}; what came back is kept in ${file}${chargeNote(received)}`,
    permanent: true,
    ...(requestId === undefined ? {} : { requestId }),
  })
  await rememberRefusal(store, order.answerKey, refusal, received.attempt)
  const line = { ...lineOf(request, order, received), event: 'rejected', code: error.code } as const
  if (request.engine.billing === 'paid') await context.ledger.append(line)
  await store.remove('received', order.answerKey)
  throw refusal
}

/** A second order may have been answered as badly as the first; both were paid for. */
async function keepRejected(
  request: ServiceRequest,
  order: EngineOrder,
  received: Received,
  store: Cache,
): Promise<CacheEntry> {
  const facts = factsOf(request, order, received)
  const kept = await store.commit('rejected', facts, received.bytes)
  const digest = hash('sha256', received.bytes, 'hex')
  return kept.facts.sha256 === digest
    ? kept
    : store.commit('rejected', { ...facts, key: digest }, received.bytes)
}

function chargeNote({ costMicros }: Received): string {
  return costMicros === 0 ? '' : `, ${dollars(costMicros)} were charged for it`
}
