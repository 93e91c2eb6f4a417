import type { EngineOrder, ServiceRequest } from '../billing/order.ts'
import { type AnswerKey, answerKeyOf } from '../cache/keys.ts'
import { encodePng, type NormalisedImage, normalise } from '../image/codec.ts'
import { checkOutput } from '../image/output.ts'
import { pixelDigest } from '../image/pixel-digest.ts'
import type { PixelImage } from '../image/pixel-image.ts'
import { type Asked, gridOf } from '../image/verify-answer.ts'
import type { ResolvedRequest } from '../request/request.ts'
import { safeStem } from '../source/file-name.ts'
import type { SourceFacts, SourceImage } from '../source/source.ts'
import type { PipelineContext } from './context.ts'

// A decoded picture lives inside of a `pictures` slot only, which is what bounds memory. Waiting for a network happens
// outside of one, so what is needed afterwards is kept small. All of these are to be called inside of one.

/** A source as the engine sees it. */
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

/** The same for an answer of a service, which sees no alpha. */
export interface Ordered extends Waiting {
  readonly order: EngineOrder
  /** The source's own, which is put back afterwards. */
  readonly alpha: PixelImage | undefined
}

/**
 * Decodes a source: upright, 8-bit sRGB, alpha apart.
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

/**
 * The same for whoever asks another machine for the answer.
 * @throws UpscaleError SOURCE_*
 */
export async function prepareToWait(
  source: SourceImage,
  request: ResolvedRequest,
  context: Pick<PipelineContext, 'options'>,
): Promise<Waiting> {
  const { answerKey, facts, image } = await prepare(source, request, context)
  return { answerKey, facts, asked: await askedOf(image, request) }
}

/**
 * The same for whoever buys the answer, with the file that is sent.
 * @throws UpscaleError SOURCE_*; BAD_DIRECTIVE for a file that can't be made of any answer
 */
export async function prepareOrder(
  source: SourceImage,
  request: ServiceRequest,
  context: Pick<PipelineContext, 'options'>,
): Promise<Ordered> {
  const { answerKey, facts, image } = await prepare(source, request, context)
  const { width, height, colour, alpha } = image
  const asked = await askedOf(image, request)
  const { format = source.format, quality } = request
  // A request that could only fail after the call must fail before it.
  checkOutput({ alpha }, { width: asked.width, height: asked.height, format, quality })
  const file = { name: `${safeStem(source.stem)}.png`, png: await encodePng(colour) }
  const order = { answerKey, width, height, source: source.name, asked, ...file }
  return { answerKey, facts, asked, alpha, order }
}

async function askedOf(
  image: NormalisedImage,
  { factor, scale }: Pick<ResolvedRequest, 'factor' | 'scale'>,
): Promise<Asked> {
  const [width, height] = [Math.round(image.width * factor), Math.round(image.height * factor)]
  return { source: await gridOf(image), width, height, scale }
}
