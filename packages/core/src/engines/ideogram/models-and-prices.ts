import { UpscaleError } from '../../errors.ts'
import { oneOf, unknownName } from '../../validate.ts'
import type { ModelParams } from '../model-params.ts'
import { type Param, type ParamValue, textParam } from '../params.ts'

/** What is known about one upscaler of Ideogram's. Data only: a new model is a new row. */
export interface IdeogramModel {
  /** Its name in the address. */
  readonly name: string
  /** Factors it can be asked for, rising. */
  readonly scales: readonly number[]
  /** Millionths of a US dollar a megapixel of the result. Absent where no price is known. */
  readonly priceMicros?: number
  readonly params: ModelParams
  /** The largest side of a result, in pixels; absent where none is documented. */
  readonly maxSide?: number
}

const STRENGTHS = ['low', 'medium', 'high'] as const

const strength: Param = {
  rule: oneOf(STRENGTHS),
  read: (written: string): ParamValue | undefined => STRENGTHS.find(name => name === written),
}

const MAX_SIDE = 8192

const SCALES = [2, 4, 8]

/**
 * Factors, sizes and parameters are those of developer.ideogram.ai/api-reference/images/upscale (November 2026). The
 * prices are what the service's own dry run told github.com/qmediat/ideogram-mcp on 2026-10-10 for a picture of
 * 1024 x 1024 pixels, divided by its 4.194304 megapixels; that page says no more than that the megapixel is charged.
 *
 * Two are left out on purpose. What `auto` runs changes with time, so its answers have no name that lasts.
 * `nano-banana-pro` makes a new picture of a size of its own choice.
 */
export const IDEOGRAM_MODELS: readonly IdeogramModel[] = [
  // These two stay true to the source.
  { name: 'topaz-text-refine', scales: SCALES, priceMicros: 30_000, params: {}, maxSide: MAX_SIDE },
  { name: 'topaz-standard-2', scales: SCALES, priceMicros: 30_000, params: {}, maxSide: MAX_SIDE },
  // These add or reinterpret detail.
  {
    name: 'topaz-wonder-3-5',
    scales: SCALES,
    priceMicros: 60_000,
    params: { enhancement_strength: strength },
    maxSide: MAX_SIDE,
  },
  { name: 'topaz-wonder-4', scales: [2, 4], params: {} },
  {
    name: 'topaz-bloom-2',
    scales: SCALES,
    priceMicros: 90_000,
    params: { prompt: textParam(1000) },
    maxSide: MAX_SIDE,
  },
  {
    name: 'topaz-redefine',
    scales: SCALES,
    priceMicros: 60_000,
    params: { prompt: textParam(1000) },
    maxSide: MAX_SIDE,
  },
]

/** @throws UpscaleError BAD_OPTION for a model that is not in the table */
export function findIdeogramModel(model: unknown): IdeogramModel {
  const found = IDEOGRAM_MODELS.find(({ name }) => name === model)
  if (found !== undefined) return found
  const known = IDEOGRAM_MODELS.map(({ name }) => name)
  throw new UpscaleError('BAD_OPTION', `ideogram(): ${unknownName('model', String(model), known)}`, {
    hint: `use one of ${known.join(', ')}`,
  })
}
