import { dollars } from './budget.ts'
import type { Cache } from './cache/cache.ts'
import type { FileEngine } from './engines/engine.ts'
import { type ErrorCode, isUpscaleError, UpscaleError } from './errors.ts'
import { EXTENSION } from './format.ts'
import { type PayKey, payKey } from './key.ts'
import { safeStem } from './names.ts'
import { checkOutput } from './output.ts'
import { decodeAnswer, encodePng, normalise, type Picture, pixelDigest } from './pixels.ts'
import { recallRefusal, rememberRefusal } from './refusal.ts'
import { resample } from './resample.ts'
import { singleFlight } from './single-flight.ts'
import { sniffFormat } from './sniff.ts'
import type { SourceImage } from './source.ts'
import { verifyAnswer } from './verify.ts'
import type { Answer, JobOf, Workshop } from './workshop.ts'

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

type ServiceJob = JobOf<FileEngine>

/** What is sent. The samples themselves are let go while the call is under way and decoded again afterwards. */
interface Order {
  readonly pay: PayKey
  readonly png: Uint8Array
  readonly width: number
  readonly height: number
}

interface Received {
  readonly bytes: Uint8Array
  /** SHA-256 in hex, for an answer that was verified before. */
  readonly verified?: string
  readonly fresh: boolean
  readonly costMicros: number
  readonly requestId?: string
}

/** Errors after which nothing can have been charged: the request never left, or was refused outright. */
const NOT_CHARGED: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'KEY_MISSING',
  'CACHE_UNWRITABLE',
  'API_UNAUTHORIZED',
  'API_NO_BALANCE',
  'API_FORBIDDEN',
  'API_REJECTED',
  'API_NOT_FOUND',
  'API_RATE_LIMITED',
  'API_UNREACHABLE',
])

/**
 * The answer of a service (kept, received by an earlier run, or asked for now), handed to `use` while it is decoded.
 *
 * @throws UpscaleError SOURCE_*, BAD_DIRECTIVE, API_*, ANSWER_*, KEY_MISSING, FROZEN_MISS, BUDGET_EXCEEDED,
 *   CACHE_UNWRITABLE
 */
export async function purchaseAnswer<T>(
  source: SourceImage,
  job: ServiceJob,
  shop: Workshop,
  use: (answer: Answer) => Promise<T>,
): Promise<T> {
  const order = await shop.pictures(() => prepareOrder(source, job, shop))
  const { root } = shop.stores.forEngine(job.engine)
  const received = await singleFlight(`${root} ${order.pay}`, () => receive(source, job, order, shop))
  return shop.pictures(async () => use(await accept(source, job, order, received, shop)))
}

async function prepareOrder(source: SourceImage, job: ServiceJob, { options }: Workshop): Promise<Order> {
  const image = await normalise(source, { maxPixels: options.maxPixels, factor: job.factor })
  // A request that could only fail after the call must fail before it.
  const { width, height } = image
  const size = { width: Math.round(width * job.factor), height: Math.round(height * job.factor) }
  checkOutput(image, { ...size, format: job.format ?? source.format, quality: job.quality })
  return { pay: payKey(pixelDigest(image), job), png: await encodePng(image.colour), width, height }
}

async function receive(
  source: SourceImage,
  job: ServiceJob,
  order: Order,
  shop: Workshop,
): Promise<Received> {
  const store = shop.stores.forEngine(job.engine)
  const kept = store.find('answers', order.pay)
  if (kept !== undefined)
    return { bytes: kept.bytes, verified: kept.facts.sha256, fresh: false, costMicros: 0 }
  const refusal = recallRefusal(store, order.pay, shop.options.root)
  if (refusal !== undefined) throw refusal
  const waiting = store.find('received', order.pay)
  if (waiting !== undefined) return { bytes: waiting.bytes, fresh: false, costMicros: 0 }
  if (job.engine.billing === 'paid' && shop.options.frozen) throw frozenMiss(job)
  return shop.calls(() => call(source, job, order, shop))
}

async function call(source: SourceImage, job: ServiceJob, order: Order, shop: Workshop): Promise<Received> {
  const { engine } = job
  const store = shop.stores.forEngine(engine)
  shop.breaker.check(job.engineName)
  const reservation = shop.budget.reserve(engine.priceMicros)
  try {
    // What can't be kept must not be bought.
    await store.probe()
    const { width, height, png } = order
    const request = {
      png,
      name: `${safeStem(source.stem)}.png`,
      width,
      height,
      scale: job.scale,
      params: job.params,
    }
    const { bytes, costMicros, requestId } = await engine.upscale(request, shop.context)
    const charged = reservation.spend(costMicros)
    const arrived = { fresh: true, costMicros: charged, ...(requestId === undefined ? {} : { requestId }) }
    await store.commit('received', entryFacts(job, order, arrived), bytes)
    return { bytes, ...arrived }
  } catch (error) {
    shop.breaker.observe(job.engineName, error)
    if (!isUpscaleError(error)) throw error
    if (NOT_CHARGED.has(error.code)) reservation.cancel()
    else reservation.spend(undefined)
    if (error.details.permanent === true) await rememberRefusal(store, order.pay, error)
    throw error
  }
}

async function accept(
  source: SourceImage,
  job: ServiceJob,
  order: Order,
  received: Received,
  { options, stores }: Workshop,
): Promise<Answer> {
  const store = stores.forEngine(job.engine)
  const image = await normalise(source, { maxPixels: options.maxPixels, factor: job.factor })
  const { width, height, lossless } = image
  const target = { width: Math.round(width * job.factor), height: Math.round(height * job.factor) }
  const check = async (): Promise<Picture> => {
    const decoded = await decodeAnswer(received.bytes, { maxPixels: options.maxPixels * LARGER_ANSWER })
    if (received.verified === undefined)
      verifyAnswer({ source: image, ...target, scale: job.scale }, decoded.colour)
    return decoded
  }
  const decoded = await check().catch(error => reject(store, job, order, received, error))
  const digest = received.verified ?? (await keep(store, job, order, received, decoded.colour))
  return {
    pay: order.pay,
    digest,
    source: { width, height, lossless },
    // The service saw no alpha; the source's own is enlarged and put back.
    picture: {
      colour: decoded.colour,
      ...(image.alpha === undefined
        ? {}
        : { alpha: resample(image.alpha, decoded.colour.width, decoded.colour.height) }),
    },
    fresh: received.fresh,
    costMicros: received.costMicros,
  }
}

/** Files a verified answer for good. */
async function keep(
  store: Cache,
  job: ServiceJob,
  order: Order,
  received: Received,
  { width, height }: { readonly width: number; readonly height: number },
): Promise<string> {
  const format = sniffFormat(received.bytes)
  const facts = {
    ...entryFacts(job, order, received),
    width,
    height,
    format,
    fileName: `answer.${EXTENSION[format]}`,
  }
  const entry = await store.commit('answers', facts, received.bytes)
  await store.remove('received', order.pay)
  return entry.facts.sha256
}

/** Keeps an answer that was refused by our checks, remembers why, and says so. */
async function reject(
  store: Cache,
  job: ServiceJob,
  order: Order,
  received: Received,
  error: unknown,
): Promise<never> {
  if (!isUpscaleError(error)) throw error
  const { file } = await store.commit('rejected', entryFacts(job, order, received), received.bytes)
  const { requestId } = received
  const refusal = new UpscaleError(error.code, error.problem, {
    ...error.details,
    hint: `${error.details.hint}; what came back is kept in ${file}${chargeNote(received)}`,
    permanent: true,
    ...(requestId === undefined ? {} : { requestId }),
  })
  await rememberRefusal(store, order.pay, refusal)
  await store.remove('received', order.pay)
  throw refusal
}

function chargeNote({ costMicros }: Received): string {
  return costMicros === 0 ? '' : `, ${dollars(costMicros)} were charged for it`
}

/** The facts of an answer that nobody has looked at: its size and format are those that were asked for. */
function entryFacts(
  { engine, scale }: ServiceJob,
  order: Order,
  { costMicros, requestId }: Omit<Received, 'bytes'>,
) {
  return {
    key: order.pay,
    fileName: 'answer.bin',
    width: Math.round(order.width * scale),
    height: Math.round(order.height * scale),
    format: 'png',
    engine: engine.id,
    model: engine.model,
    ...(costMicros === 0 ? {} : { costMicros }),
    ...(requestId === undefined ? {} : { requestId }),
  } as const
}

function frozenMiss({ engine, engineName }: ServiceJob): UpscaleError {
  return new UpscaleError(
    'FROZEN_MISS',
    `this picture is not in the cache, and paid engines are frozen here (engine "${engineName}", ${dollars(engine.priceMicros)})`,
    { hint: 'run the build once where it may spend money and commit the cache folder, or set frozen: false' },
  )
}
