import type { ServiceRequest } from '../billing/order.ts'
import { openPurchase } from '../billing/purchase.ts'
import type { PixelEngine } from '../engines/engine.ts'
import { areAnswersSpent } from '../engines/spent-answers.ts'
import { decodeAnswer } from '../image/codec.ts'
import type { Output } from '../image/output.ts'
import type { Picture } from '../image/pixel-image.ts'
import { resample } from '../image/resample.ts'
import { giveBackSamples } from '../image/spare-samples.ts'
import type { Fetched } from '../remote/remote-cache.ts'
import type { RequestOf, ResolvedRequest } from '../request/request.ts'
import type { SourceFacts, SourceImage } from '../source/source.ts'
import { buyClaimed, receiveFetched } from './claimed-purchase.ts'
import { compute } from './compute.ts'
import type { Answer, PipelineContext } from './context.ts'
import { fetchAnswer } from './fetch-answer.ts'
import { share } from './offer-unshared.ts'
import { prepare, prepareOrder, prepareToWait } from './prepare.ts'
import { singleFlight } from './single-flight.ts'
import { verified } from './verified-answer.ts'

// An answer is kept here, or kept in the shared store, or computed or bought now; verified, and kept.

/**
 * The engine's answer to a request, handed to `use` while it is decoded.
 *
 * @param outputOf the file that `use` makes of it, if it makes one
 * @throws UpscaleError SOURCE_*, BAD_DIRECTIVE, ENGINE_FAILED, ANSWER_*, API_*, KEY_MISSING, FROZEN_MISS,
 *   BUDGET_EXCEEDED, CALL_UNCERTAIN, CACHE_*, ABORTED
 */
export function withAnswer<T>(
  source: SourceImage,
  request: ResolvedRequest,
  context: PipelineContext,
  use: (answer: Answer) => Promise<T>,
  outputOf?: (facts: SourceFacts) => Output,
): Promise<T> {
  const { engine } = request
  return engine.exchange === 'pixels'
    ? computed(source, { ...request, engine }, context, use, outputOf)
    : bought(source, { ...request, engine }, context, use)
}

/** The way of an engine that works in this process. */
async function computed<T>(
  source: SourceImage,
  request: RequestOf<PixelEngine>,
  context: PipelineContext,
  use: (answer: Answer) => Promise<T>,
  outputOf?: (facts: SourceFacts) => Output,
): Promise<T> {
  const isKept = request.engine.quick !== true
  const store = context.stores.forEngine(request.engine)
  const fetched =
    isKept && context.remote !== undefined ? await fetchMissing(source, request, context) : undefined
  return context.pictures(async () => {
    const prepared = await prepare(source, request, context)
    const { answerKey, facts } = prepared
    return withRoom(facts, request, context, async () => {
      const kept = fetched ?? (isKept ? await store.find('answers', answerKey) : undefined)
      if (kept === undefined) {
        const answer = await compute(prepared, request, context, outputOf?.(facts))
        const result = await use(answer)
        if (areAnswersSpent(request.engine)) giveBack(answer.picture)
        return result
      }
      const picture = await decodeAnswer(kept.bytes, { maxPixels: Number.POSITIVE_INFINITY })
      const origin = fetched === undefined ? 'cache' : 'remote'
      const { sha256: digest, chosen } = kept.facts
      return use({ answerKey, digest, source: facts, picture, chosen, origin, costMicros: 0 })
    })
  })
}

function giveBack({ colour, alpha }: Picture): void {
  giveBackSamples(colour.data)
  if (alpha !== undefined) giveBackSamples(alpha.data)
}

/** Results of more pixels are few at a time. */
const LARGE_PIXELS = 4_000_000

/** Does the work on a result when few others of its size are alive. To be called inside of `pictures`. */
function withRoom<T>(
  { width, height }: SourceFacts,
  { scale }: ResolvedRequest,
  { largePictures }: PipelineContext,
  work: () => Promise<T>,
): Promise<T> {
  return width * height * scale ** 2 > LARGE_PIXELS ? largePictures(work) : work()
}

/** Asks the remote cache for an answer that is not on this machine; the source is decoded once more for that. */
async function fetchMissing(
  source: SourceImage,
  request: RequestOf<PixelEngine>,
  context: PipelineContext,
): Promise<Fetched | undefined> {
  const { stores, pictures } = context
  const { engine } = request
  const waiting = await pictures(() => prepareToWait(source, request, context))
  if ((await stores.forEngine(engine).peek('answers', waiting.answerKey)) !== undefined) return undefined
  const fetched = await fetchAnswer(waiting, request, context)
  if (fetched !== undefined) await stores.keepFetched(engine, fetched.facts, fetched.bytes)
  return fetched
}

/** The way of an engine that is a service, and may cost money. */
async function bought<T>(
  source: SourceImage,
  request: ServiceRequest,
  context: PipelineContext,
  use: (answer: Answer) => Promise<T>,
): Promise<T> {
  const ordered = await context.pictures(() => prepareOrder(source, request, context))
  const { answerKey, facts, alpha, order } = ordered
  const store = context.stores.forEngine(request.engine)
  const purchase = openPurchase({ request, order, store, context })
  const received = await singleFlight(
    `${store.root} ${answerKey}`,
    async () =>
      (await purchase.kept()) ??
      (await receiveFetched(ordered, request, context)) ??
      (await buyClaimed(ordered, request, context)),
  )
  const finish = async (): Promise<T> => {
    const colour = await verified(received, ordered, purchase, context)
    const digest = received.verified ?? (await purchase.file(received, colour))
    if (received.verified === undefined) void share(answerKey, store, context)
    // The service saw no alpha; the source's own is enlarged and put back.
    const picture =
      alpha === undefined ? { colour } : { colour, alpha: await resample(alpha, colour.width, colour.height) }
    const { origin, costMicros } = received
    return use({ answerKey, digest, source: facts, picture, origin, costMicros })
  }
  return context.pictures(() => withRoom(facts, request, context, finish))
}
