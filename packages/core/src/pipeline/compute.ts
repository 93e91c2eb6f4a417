import { isChoice } from '../cache/entry.ts'
import type { PixelAnswer, PixelEngine } from '../engines/engine.ts'
import { UpscaleError } from '../errors.ts'
import { encodeAnswer, finish, mayBeExact } from '../image/codec.ts'
import type { Output } from '../image/output.ts'
import type { Picture, PixelImage } from '../image/pixel-image.ts'
import type { RequestOf } from '../request/request.ts'
import type { Answer, PipelineContext } from './context.ts'
import type { Prepared } from './prepare.ts'

/**
 * Runs an engine of this process and keeps its answer, unless it is as quickly made again. To be called inside of `pictures`.
 * Where the file to ship shows the answer sample by sample, it is kept as the answer: the picture is encoded once.
 *
 * @param output the file that will be made of the answer, if one will
 * @throws UpscaleError ENGINE_FAILED, CACHE_UNWRITABLE; what the engine throws
 */
export async function compute(
  { answerKey, facts, image }: Prepared,
  request: RequestOf<PixelEngine>,
  { stores, remote, engineContext, stopping }: PipelineContext,
  output?: Output,
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
  const file = output !== undefined && mayBeExact(picture, output) ? await finish(picture, output) : undefined
  const bytes = file?.isExact ? file.bytes : await encodeAnswer(picture)
  const digest = await stores.keepAnswer(entry, bytes)
  void remote?.keep(answerKey, stores.forEngine(engine))
  return { ...answer, digest, file }
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
