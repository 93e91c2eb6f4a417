import type { PixelEngine, PixelImage } from './engines/engine.ts'
import { UpscaleError } from './errors.ts'
import { payKey } from './key.ts'
import { decodeAnswer, encodeAnswer, normalise, type Picture, pixelDigest } from './pixels.ts'
import type { SourceImage } from './source.ts'
import type { Answer, JobOf, Workshop } from './workshop.ts'

/**
 * The answer of an engine that works in this process: kept, or computed now. Runs in one `pictures` slot from the
 * decoded source to the decoded answer, which is what bounds memory.
 *
 * @throws UpscaleError SOURCE_*, ENGINE_FAILED, ABORTED
 */
export async function computeAnswer(
  source: SourceImage,
  job: JobOf<PixelEngine>,
  { options, stores, context, stopping }: Workshop,
): Promise<Answer> {
  const { engine, factor } = job
  const asked = await normalise(source, { maxPixels: options.maxPixels, factor })
  const pay = payKey(pixelDigest(asked), job)
  const store = stores.forEngine(engine)
  const common = {
    pay,
    source: { width: asked.width, height: asked.height, lossless: asked.lossless },
    costMicros: 0,
  }
  const kept = store.find('answers', pay)
  if (kept !== undefined) {
    const limits = { maxPixels: Number.POSITIVE_INFINITY }
    return {
      ...common,
      digest: kept.facts.sha256,
      picture: await decodeAnswer(kept.bytes, limits),
      fresh: false,
    }
  }
  const run = async (image: PixelImage): Promise<PixelImage> => {
    stopping.throwIfAborted()
    const answer = await engine.upscale({ image, scale: job.scale, params: job.params }, context)
    return checkShape(image, job, answer)
  }
  const picture: Picture = {
    colour: await run(asked.colour),
    ...(asked.alpha === undefined ? {} : { alpha: await run(asked.alpha) }),
  }
  const bytes = await encodeAnswer(picture)
  const { width, height } = picture.colour
  const { id, model } = engine
  const facts = { key: pay, fileName: 'answer.png', width, height, format: 'png', engine: id, model } as const
  const digest = await stores.keepAnswer(facts, bytes)
  return { ...common, digest, picture, fresh: true }
}

/** An engine of the user's own may answer anything. */
function checkShape(
  image: PixelImage,
  { engine, engineName, scale }: JobOf<PixelEngine>,
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
