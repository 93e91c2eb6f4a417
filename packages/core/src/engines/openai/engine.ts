import type { FileEngine } from '../engine.ts'
import { scaleFor } from '../lumenfall/models-and-prices.ts'
import { withDirective } from '../model-params.ts'
import { onFirstCall } from '../on-first-call.ts'
import type { EditEngineSpec } from './spec.ts'

/**
 * An engine that orders each picture with one call of an images API.
 *
 * The key is looked up when a picture is ordered. It lives in the spec's closure and in the header of the order: the
 * engine object is handed around, and what is on it is everyone's.
 */
export function createEditEngine(spec: EditEngineSpec): FileEngine {
  const { id, model, revision, billing, priceMicros, pricedBy, recovery } = spec
  const { scales, owner, known } = spec
  const { upscale, quote, close } = onFirstCall(async () => (await import('./calls.ts')).openCalls(spec))
  return Object.freeze<FileEngine>({
    id,
    model,
    revision,
    billing,
    exchange: 'file',
    recovery,
    priceMicros,
    pricedBy,
    scaleFor: factor => scaleFor(scales, factor),
    checkParams: written => withDirective(spec.params, written, known, owner),
    checkAccess: ({ env }) => void spec.connect(env),
    upscale,
    quote: spec.quote && quote,
    close,
  })
}
