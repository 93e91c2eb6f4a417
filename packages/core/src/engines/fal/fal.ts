import type { FileEngine } from '../engine.ts'
import { scaleFor } from '../lumenfall/models-and-prices.ts'
import { IDEOGRAM_PARAMS, withDirective } from '../model-params.ts'
import { onFirstCall } from '../on-first-call.ts'
import { FAL_MODEL } from './job.ts'
import { connectFal, type FalOptions, resolveFal } from './options.ts'

export type { FalOptions } from './options.ts'

/** Part of every cache key; changes when the same parameters would give another picture. */
const REVISION = '1'

/** Neither fal's endpoint nor Ideogram's own takes a factor; fal says "up to 2x". */
const SCALES = [2]

/**
 * An engine that orders pictures from `fal-ai/ideogram/upscale` through fal's queue. It costs money; its answers are
 * kept for good.
 *
 * Each order becomes a job with an id, which is told to `onJob` before anything else. Whatever happens afterwards, the
 * job can be asked for again with `job`, so an interrupted build doesn't pay twice. When the build stops, a job that
 * still waits in the queue is taken back; one that is being worked on is left to finish.
 *
 * @example
 * createUpscaler({ root, engine: fal({ detail: 60 }) })
 *
 * @throws UpscaleError BAD_OPTION listing every option that is unknown or out of range
 */
export function fal(options: FalOptions = {}): FileEngine {
  const resolved = resolveFal(options)
  const { upscale, close } = onFirstCall(async () => (await import('./calls.ts')).openCalls(resolved))
  return Object.freeze<FileEngine>({
    id: 'fal',
    model: FAL_MODEL,
    revision: REVISION,
    billing: 'paid',
    exchange: 'file',
    recovery: 'job',
    priceMicros: resolved.priceMicros,
    scaleFor: factor => scaleFor(SCALES, factor),
    checkParams: written => withDirective(resolved.params, written, IDEOGRAM_PARAMS, FAL_MODEL),
    checkAccess: ({ env }) => void connectFal(resolved, env),
    upscale,
    close,
  })
}
