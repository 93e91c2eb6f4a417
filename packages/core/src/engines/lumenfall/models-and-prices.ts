import { IDEOGRAM_PARAMS, type ModelParams } from '../model-params.ts'
import { numberParam } from '../params.ts'

/** Factors a model can be asked for: a list in rising order, or any number in a range. */
export type Scales = readonly number[] | { readonly min: number; readonly max: number }

/**
 * What is known about one upscaler behind Lumenfall. Data only: a new model is a new row.
 *
 * Facts come from the model's page at lumenfall.ai/models and from the "Image upscaling" guide at docs.lumenfall.ai,
 * and from the input schema that fal publishes for the model. Where those disagree or are silent, the row keeps to
 * what all of them allow: fewer factors, no price, no parameters.
 */
export interface ModelFacts {
  /** The name in Lumenfall's catalogue, lower case. */
  readonly slug: string
  readonly scales: Scales
  /** Millionths of a US dollar an image. Absent where the price is unknown or grows with the picture. */
  readonly priceMicros?: number
  /** Millionths of a US dollar a megapixel of the result, by the provider that the model is pinned to. */
  readonly megapixelMicros?: Readonly<Record<string, number>>
  /** Its own parameters by their name on the wire. The same name has other ranges in other models. */
  readonly params: ModelParams
}

/**
 * The recraft upscalers are left out on purpose: their factor is fixed and documented nowhere, so nobody could tell a
 * right answer from a wrong one.
 */
export const MODELS: readonly ModelFacts[] = [
  {
    // Neither fal's endpoint nor Ideogram's own takes a factor; fal says "up to 2x".
    slug: 'ideogram-upscale',
    scales: [2],
    priceMicros: 60_000,
    params: IDEOGRAM_PARAMS,
  },
  // The guide allows fractions, the model's page 2, 4 and 6.
  { slug: 'topaz-image-upscale', scales: [2, 4], params: {} },
  {
    slug: 'clarity-upscaler',
    scales: [2],
    // The model's page at Lumenfall; replicate is paid by the second.
    megapixelMicros: { fal: 30_000 },
    params: {
      creativity: numberParam(0, 1),
      resemblance: numberParam(0, 3),
    },
  },
  { slug: 'crystal-upscaler', scales: [2], params: {} },
  // The guide's default is 4, fal's is 2, so both exist.
  { slug: 'real-esrgan', scales: [2, 4], params: {} },
  {
    slug: 'seedvr-image-upscale',
    scales: { min: 1, max: 10 },
    // fal's page of the model; Lumenfall adds nothing to a provider's price.
    megapixelMicros: { fal: 1000 },
    params: {},
  },
  { slug: 'aura-sr', scales: [4], params: {} },
  { slug: 'google-upscaler', scales: [2, 4], params: {} },
  { slug: 'flux-vision-upscaler', scales: [2, 3, 4], params: {} },
]

/** Providers a model name can be pinned to, `fal/ideogram-upscale`, as Lumenfall's agent guide lists them. */
export const PROVIDERS: readonly string[] = [
  'vertex',
  'gemini',
  'openai',
  'fireworks',
  'elevenlabs',
  'replicate',
  'fal',
  'runaware',
  'xai',
  'alibaba',
  'byteplus',
  'openai-compatible',
  'openrouter',
]

/** The smallest factor the model can run at that reaches `factor`; undefined when none does. */
export function scaleFor(scales: Scales, factor: number): number | undefined {
  if ('min' in scales) return factor <= scales.max ? Math.max(factor, scales.min) : undefined
  return scales.find(scale => scale >= factor)
}
