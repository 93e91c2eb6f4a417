import { type AnswerKey, answerKeyOf } from '../cache/keys.ts'
import { type NormalisedImage, normalise, pixelDigest } from '../image/codec.ts'
import { type Asked, gridOf } from '../image/verify.ts'
import type { ResolvedRequest } from '../request/request.ts'
import type { SourceFacts, SourceImage } from '../source/source.ts'
import type { PipelineContext } from './context.ts'

/** A source as the engine sees it. It holds a place among `pictures` as long as it lives. */
export interface Prepared {
  readonly answerKey: AnswerKey
  readonly facts: SourceFacts
  readonly image: NormalisedImage
}

/** What is left of a source while its answer is waited for. */
export interface Waiting extends Omit<Prepared, 'image'> {
  /** What the answer must show. */
  readonly asked: Asked
}

/**
 * Decodes a source: upright, 8-bit sRGB, alpha apart. To be called inside of `pictures`.
 * @throws UpscaleError SOURCE_*
 */
export async function prepare(
  source: SourceImage,
  request: ResolvedRequest,
  { options }: Pick<PipelineContext, 'options'>,
): Promise<Prepared> {
  const image = await normalise(source, { maxPixels: options.maxPixels, factor: request.factor })
  const { width, height, lossless } = image
  return {
    answerKey: answerKeyOf(await pixelDigest(image), request),
    facts: { width, height, lossless },
    image,
  }
}

/** Reduces a source to what its answer is judged by, so that the picture itself need not be kept. */
export async function letGo(
  { answerKey, facts, image }: Prepared,
  { factor, scale }: Pick<ResolvedRequest, 'factor' | 'scale'>,
): Promise<Waiting> {
  const { width, height } = facts
  const size = { width: Math.round(width * factor), height: Math.round(height * factor) }
  return { answerKey, facts, asked: { source: await gridOf(image), ...size, scale } }
}
