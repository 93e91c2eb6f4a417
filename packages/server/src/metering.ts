import { AsyncLocalStorage } from 'node:async_hooks'
import type { Engine, FileAnswer, FileEngine, FileRequest } from 'upscale-core'
import { priceOf } from 'upscale-core/internal'

/*
 * Which request pays for a call? Many requests may wait for one call of an engine, and a request that was answered
 * from the cache made none. The engine runs in the async context of the request that started it, so a wrapper around
 * the engine writes its receipt there, and no charge appears in two answers.
 */

/** What a service said about the call that was made for one request. */
export interface Receipt {
  /** Millionths of a US dollar; the engine's price where the service did not say. */
  readonly costMicros: number
  /** Which model ran in the end, `fal/fal-ai/ideogram/upscale`. */
  readonly executedModel?: string
  /** The service's id of the call, for a support ticket. */
  readonly serviceRequestId?: string
}

export interface Meter {
  /** The same engine, with its receipts noted. Engines that run in this process cost nothing and stay as they are. */
  wrap(engine: Engine): Engine
  /** Runs the work of one request. `receipt` tells, also after a failure, what was paid on its behalf. */
  measure<T>(work: () => Promise<T>): { readonly result: Promise<T>; receipt(): Receipt | undefined }
}

export function createMeter(): Meter {
  const requests = new AsyncLocalStorage<{ receipt?: Receipt }>()

  function wrapFileEngine(engine: FileEngine): FileEngine {
    return {
      ...engine,
      // Some engines compute it from their weights, so it is not read before somebody asks.
      get revision() {
        return engine.revision
      },
      scaleFor: factor => engine.scaleFor(factor),
      checkParams: params => engine.checkParams(params),
      async upscale(request, context) {
        const answer = await engine.upscale(request, context)
        const page = requests.getStore()
        if (page !== undefined) page.receipt = toReceipt(answer, engine, request)
        return answer
      },
      async close() {
        await engine.close?.()
      },
    }
  }

  return {
    wrap: engine => (engine.exchange === 'file' ? wrapFileEngine(engine) : engine),
    measure(work) {
      const page: { receipt?: Receipt } = {}
      return { result: requests.run(page, work), receipt: () => page.receipt }
    },
  }
}

function toReceipt(
  answer: FileAnswer & { readonly executedModel?: unknown },
  engine: FileEngine,
  request: FileRequest,
): Receipt {
  const { costMicros, requestId, executedModel } = answer
  return {
    costMicros: costMicros ?? priceOf(engine, request),
    ...(typeof executedModel === 'string' ? { executedModel } : {}),
    ...(requestId === undefined ? {} : { serviceRequestId: requestId }),
  }
}
