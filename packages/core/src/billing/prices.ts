import type { EngineContext, FileEngine } from '../engines/engine.ts'
import { isUpscaleError } from '../errors.ts'
import type { RequestOf } from '../request/request.ts'

/** What calls cost, as far as it is known before them. */
export interface Prices {
  /** Millionths of a US dollar, held against the budget. Never less than the engine's own price. */
  of(
    request: RequestOf<FileEngine>,
    source: { readonly width: number; readonly height: number },
  ): Promise<number>
}

/** Pictures of the same number of started megapixels are one size class: no service is known to charge in finer steps. */
const CLASS_PIXELS = 1_000_000

/**
 * Asks a service for its price once for each model, its parameters and size class. An answer that names none, or no
 * answer, is no reason to stop: the engine's own price holds then, and it is not asked again in this run.
 */
export function createPrices(context: EngineContext): Prices {
  const asked = new Map<string, Promise<number>>()
  const silent = new Set<object>()
  return {
    async of({ engine, scale, params }, { width, height }) {
      const { id, model, priceMicros, quote } = engine
      if (engine.billing === 'free' || quote === undefined || silent.has(engine)) return priceMicros
      const size = Math.ceil((width * scale * height * scale) / CLASS_PIXELS)
      const key = JSON.stringify([id, model, engine.revision, scale, params, size])
      const known = asked.get(key)
      if (known !== undefined) return known
      const price = quote({ scale, params }, context)
        .catch((error: unknown) => {
          if (!isUpscaleError(error)) throw error
          return undefined
        })
        .then(micros => {
          if (micros === undefined) silent.add(engine)
          return Math.max(priceMicros, micros ?? 0)
        })
      asked.set(key, price)
      return price
    },
  }
}
