import { UpscaleError } from '../../errors.ts'
import type { FileEngine, OrderSize } from '../engine.ts'
import { scaleFor } from '../lumenfall/models-and-prices.ts'
import { withDirective } from '../model-params.ts'
import { onFirstCall } from '../on-first-call.ts'
import type { IdeogramModel } from './models-and-prices.ts'
import { connectIdeogram, type IdeogramOptions, resolveIdeogram } from './options.ts'

export type { IdeogramOptions } from './options.ts'

/** Part of every cache key; changes when the same parameters would give another picture. */
const REVISION = '1'

/**
 * An engine that orders pictures from Ideogram's own API, `POST /v2/image/upscale/{model}`. It costs money by the
 * megapixel of the result; its answers are kept for good.
 *
 * Each order begins a job, whose id is told to `onJob` before anything else, so that an interrupted build asks for the
 * same job again and doesn't pay twice. There is no way to take a job back: one that was begun is left to finish.
 *
 * @example
 * createUpscaler({ root, engine: ideogram({ model: 'topaz-standard-2' }) })
 *
 * @throws UpscaleError BAD_OPTION listing every option that is unknown or out of range
 */
export function ideogram(options: IdeogramOptions = {}): FileEngine {
  const resolved = resolveIdeogram(options)
  const { model } = resolved
  const { upscale, quote, close } = onFirstCall(async () => (await import('./calls.ts')).openCalls(resolved))
  return Object.freeze<FileEngine>({
    id: 'ideogram',
    model: model.name,
    revision: REVISION,
    billing: 'paid',
    exchange: 'file',
    recovery: 'job',
    priceMicros: resolved.priceMicros,
    pricedBy: 'megapixel',
    scaleFor: factor => scaleFor(model.scales, factor),
    checkParams: written => withDirective(resolved.params, written, model.params, model.name),
    checkAccess({ env }, size) {
      connectIdeogram(resolved, env)
      checkSize(size, model)
    },
    quote,
    upscale,
    close,
  })
}

/** @throws UpscaleError SOURCE_TOO_LARGE for a result that the model does not make */
function checkSize(
  { width, height, scale }: OrderSize,
  { name, maxSide = Number.POSITIVE_INFINITY }: IdeogramModel,
): void {
  if (Math.max(width, height) * scale <= maxSide) return
  throw new UpscaleError(
    'SOURCE_TOO_LARGE',
    `${width}×${height} at ×${scale} is larger than ${maxSide} pixels a side, the most that ${name} makes`,
    { hint: 'use a smaller factor, a smaller picture, or engine=local for this one' },
  )
}
