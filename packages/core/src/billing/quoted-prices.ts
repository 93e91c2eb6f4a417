import { priceOf } from '../engines/call-price.ts'
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

/**
 * Pictures of the same number of started megapixels are one size class: a service that names one price a picture is not
 * known to charge in finer steps. Where the price is by the megapixel, every size is a class.
 */
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
      const { id, model, quote } = engine
      const priceMicros = priceOf(engine, { width, height, scale })
      if (engine.billing === 'free' || quote === undefined || silent.has(engine)) return priceMicros
      const pixels = width * scale * height * scale
      const size = engine.pricedBy === 'megapixel' ? pixels : Math.ceil(pixels / CLASS_PIXELS)
      const key = JSON.stringify([id, model, engine.revision, scale, params, size])
      const known = asked.get(key)
      if (known !== undefined) return known
      const price = quote({ width, height, scale, params }, context)
        .catch((error: unknown) => {
          // An answer that is no price may have been an order; that must not be passed over.
          if (!isUpscaleError(error) || error.code === 'CALL_UNCERTAIN') throw error
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
