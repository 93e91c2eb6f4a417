import { answerKeyOf } from '../cache/keys.ts'
import type { PixelEngine } from '../engines/engine.ts'
import { UpscaleError } from '../errors.ts'
import { decodeAnswer, encodeAnswer, normalise, type Picture, pixelDigest } from '../image/codec.ts'
import type { PixelImage } from '../image/pixel-image.ts'
import { fetchAnswer } from '../remote/fetch-answer.ts'
import type { Fetched } from '../remote/remote-cache.ts'
import type { SourceImage } from '../source/source.ts'
import type { Answer, PipelineContext, RequestOf } from './context.ts'

/**
 * The answer of an engine that works in this process (kept, fetched, or computed now), handed to `use` while it is
 * decoded. From the decoded source to the end of `use` it is in one `pictures` slot, which is what bounds memory.
 *
 * @throws UpscaleError SOURCE_*, ENGINE_FAILED, ABORTED
 */
export async function computeAnswer<T>(
  source: SourceImage,
  request: RequestOf<PixelEngine>,
  context: PipelineContext,
  use: (answer: Answer) => Promise<T>,
): Promise<T> {
  const fetched = await fetchMissing(source, request, context)
  return context.pictures(async () => use(await compute(source, request, context, fetched)))
}

/** Asks the remote cache for an answer that is not on this machine; the source is decoded once more for that. */
async function fetchMissing(
  source: SourceImage,
  request: RequestOf<PixelEngine>,
  context: PipelineContext,
): Promise<Fetched | undefined> {
  const { options, pictures, remote, stores } = context
  if (remote === undefined || request.engine.quick === true) return undefined
  const limits = { maxPixels: options.maxPixels, factor: request.factor }
  const { answerKey, size } = await pictures(async () => {
    const image = await normalise(source, limits)
    return {
      answerKey: answerKeyOf(pixelDigest(image), request),
      size: { width: image.width, height: image.height },
    }
  })
  if (stores.forEngine(request.engine).peek('answers', answerKey) !== undefined) return undefined
  const fetched = await fetchAnswer(source, request, answerKey, size, context)
  if (fetched !== undefined) await stores.keepFetched(request.engine, fetched.facts, fetched.bytes)
  return fetched
}

async function compute(
  source: SourceImage,
  request: RequestOf<PixelEngine>,
  { options, stores, remote, engineContext, stopping }: PipelineContext,
  fetched: Fetched | undefined,
): Promise<Answer> {
  const { engine, factor } = request
  const asked = await normalise(source, { maxPixels: options.maxPixels, factor })
  const answerKey = answerKeyOf(pixelDigest(asked), request)
  const store = stores.forEngine(engine)
  const common = {
    answerKey,
    source: { width: asked.width, height: asked.height, lossless: asked.lossless },
    costMicros: 0,
  }
  const kept = fetched ?? store.find('answers', answerKey)
  if (kept !== undefined) {
    const limits = { maxPixels: Number.POSITIVE_INFINITY }
    return {
      ...common,
      digest: kept.facts.sha256,
      picture: await decodeAnswer(kept.bytes, limits),
      origin: fetched === undefined ? 'cache' : 'remote',
    }
  }
  const run = async (image: PixelImage): Promise<PixelImage> => {
    stopping.throwIfAborted()
    const answer = await engine.upscale(
      { image, scale: request.scale, params: request.params },
      engineContext,
    )
    return checkShape(image, request, answer)
  }
  const picture: Picture = {
    colour: await run(asked.colour),
    ...(asked.alpha === undefined ? {} : { alpha: await run(asked.alpha) }),
  }
  const bytes = await encodeAnswer(picture)
  const { width, height } = picture.colour
  const { id, model } = engine
  const facts = {
    key: answerKey,
    fileName: 'answer.png',
    width,
    height,
    format: 'png',
    engine: id,
    model,
  } as const
  const digest = await stores.keepAnswer(facts, bytes)
  if (engine.quick !== true) void remote?.keep(answerKey, store)
  return { ...common, digest, picture, origin: 'engine' }
}

/** An engine of the user's own may answer anything. */
function checkShape(
  image: PixelImage,
  { engine, engineName, scale }: RequestOf<PixelEngine>,
  answer: PixelImage,
): PixelImage {
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
