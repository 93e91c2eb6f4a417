import type { Cache } from '../cache/cache.ts'
import { type ErrorCode, isErrorCode, UpscaleError } from '../errors.ts'
import type { PayKey } from '../key.ts'
import { dollars } from './dollars.ts'

// A call that may be charged is written down, and synced, before it is made, and struck out once its end is known.
// Whatever is still written down when nobody holds the lock of its key is a call in doubt: the process died while
// the service worked, or the connection broke after the request had left. Only the service knows whether it charged.

/** A call that was about to be made. */
export interface Intent {
  /** ISO 8601, UTC. */
  readonly at: string
  /** How many calls were made for this key before; part of the idempotency key. */
  readonly attempt: number
  readonly engine: string
  readonly model: string
  readonly priceMicros: number
  /** The source's name, for people. */
  readonly source: string
  /** The service's name for the work, where it gave one. */
  readonly job?: string
  readonly requestId?: string
  /** How it ended for us, where we lived to see it. */
  readonly code?: ErrorCode
}

/** The open intent of a key. */
export function readIntent(store: Cache, pay: PayKey): Intent | undefined {
  const record = store.findRecord('intents', pay)
  if (record === undefined) return undefined
  const { at, attempt, engine, model, priceMicros, source, job, requestId, code } = record
  const sound =
    typeof at === 'string' &&
    typeof attempt === 'number' &&
    typeof engine === 'string' &&
    typeof model === 'string' &&
    typeof priceMicros === 'number' &&
    typeof source === 'string'
  // A record that is there but says nothing still means that money may be on its way.
  if (!sound)
    return { at: 'an unknown time', attempt: 1, engine: '?', model: '?', priceMicros: 0, source: '?' }
  return {
    at,
    attempt,
    engine,
    model,
    priceMicros,
    source,
    ...(typeof job === 'string' ? { job } : {}),
    ...(typeof requestId === 'string' ? { requestId } : {}),
    ...(isErrorCode(code) ? { code } : {}),
  }
}

/** @throws UpscaleError CACHE_UNWRITABLE, and then the call must not be made */
export function writeIntent(store: Cache, pay: PayKey, intent: Intent): Promise<void> {
  return store.commitRecord('intents', pay, { ...intent })
}

export function strikeIntent(store: Cache, pay: PayKey): Promise<void> {
  return store.removeRecord('intents', pay)
}

/** The error for a key whose last call is in doubt. */
export function inDoubt({ at, engine, model, priceMicros, requestId, code }: Intent): UpscaleError {
  const end = code === undefined ? 'its process ended before the answer came' : `it ended with ${code}`
  const problem = `a call to ${engine} (${model}) was made at ${at}, and ${end}; ${dollars(priceMicros)} may have been charged`
  return new UpscaleError('CALL_UNCERTAIN', problem, {
    hint: 'look at the request log of the service; to call again, build once with UPSCALE_RETRY=1',
    ...(requestId === undefined ? {} : { requestId }),
  })
}
