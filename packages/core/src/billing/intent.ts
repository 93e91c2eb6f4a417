import type { Cache } from '../cache/cache.ts'
import type { AnswerKey } from '../cache/keys.ts'
import { dollars } from '../engines/dollars.ts'
import { type ErrorCode, isErrorCode, UpscaleError } from '../errors.ts'
import { safeText } from '../safe-text.ts'
import { ATTEMPT, isTime, MICROS } from './recorded-amounts.ts'

// A call that may be charged is written down, and synced, before it is made, and struck out once its end is known.
// Whatever is still written down when nobody holds the lock of its key is a call in doubt: the process died while
// the service worked, or the connection broke after the request had left. Only the service knows whether it charged.
//
// A record that is there but can't be understood (damaged, cut short, of a later format) says the same: that a call
// was made. So it is looked at in place and never counts as a miss, unlike every other small file of the cache.

/** A call that was about to be made. */
export interface Intent {
  /** ISO 8601, UTC. */
  readonly at: string
  /** Counts the orders for this key from 1; part of the idempotency key. */
  readonly attempt: number
  readonly engine: string
  readonly model: string
  readonly priceMicros: number
  /** The source's name, for people. */
  readonly source: string
  /** The service's name for the work, where it gave one. */
  readonly job?: string
  /** True when a later build asked for the job and did not get its answer. */
  readonly asked?: true
  readonly requestId?: string
  /** How it ended for us, where we lived to see it. */
  readonly code?: ErrorCode
  /** The machine that has the answer and could not hand it on. */
  readonly keptOn?: string
  /** True when the record is there, but nothing else of it could be read. */
  readonly damaged?: true
}

const DAMAGED: Intent = {
  at: 'an unknown time',
  attempt: 1,
  engine: 'an unknown engine',
  model: 'unknown',
  priceMicros: 0,
  source: 'unknown',
  damaged: true,
}

/**
 * The open intent of a key.
 * @throws UpscaleError CACHE_UNREADABLE when nobody can tell whether there is one
 */
export function readIntent(store: Cache, pay: AnswerKey): Intent | undefined {
  const seen = store.seeRecord('intents', pay)
  if (seen.state === 'absent') return undefined
  return seen.state === 'sound' ? parseIntent(seen.record) : DAMAGED
}

/** An intent that was kept as JSON. Total: what can't be understood says that a call was made, and no more. */
export function parseIntent(record: Readonly<Record<string, unknown>>): Intent {
  const { at, attempt, engine, model, priceMicros, source, job, asked, requestId, code, keptOn } = record
  const sound =
    isTime(at) &&
    ATTEMPT.accepts(attempt) &&
    typeof engine === 'string' &&
    typeof model === 'string' &&
    MICROS.accepts(priceMicros) &&
    typeof source === 'string'
  if (!sound) return DAMAGED
  return {
    at,
    attempt,
    engine,
    model,
    priceMicros,
    source,
    ...(typeof job === 'string' ? { job } : {}),
    ...(asked === true ? { asked } : {}),
    ...(typeof requestId === 'string' ? { requestId } : {}),
    ...(isErrorCode(code) ? { code } : {}),
    ...(typeof keptOn === 'string' ? { keptOn: safeText(keptOn, { maxCharacters: 100 }) } : {}),
  }
}

/** @throws UpscaleError CACHE_UNWRITABLE, and then the call must not be made */
export function writeIntent(store: Cache, pay: AnswerKey, intent: Intent): Promise<void> {
  return store.commitRecord('intents', pay, { ...intent })
}

/** @throws UpscaleError CACHE_UNWRITABLE, and then the call stays in doubt */
export function clearLocalIntent(store: Cache, pay: AnswerKey): Promise<void> {
  return store.removeRecord('intents', pay)
}

/** The error for a key whose last call is in doubt. */
export function inDoubt(store: Cache, pay: AnswerKey, intent: Intent): UpscaleError {
  const { requestId, keptOn } = intent
  const place =
    keptOn === undefined
      ? 'look at the request log of the service'
      : `take it from the cache folder on ${keptOn} (commit or copy its .upscale)`
  return new UpscaleError('CALL_UNCERTAIN', intent.damaged === true ? lostRecord(store, pay) : told(intent), {
    hint: `${place}; to call again, build once with UPSCALE_RETRY=1`,
    ...(requestId === undefined ? {} : { requestId }),
  })
}

function told({ at, engine, model, priceMicros, code, keptOn }: Intent): string {
  if (keptOn !== undefined)
    return `it was bought of ${engine} (${model}) at ${at}, and is kept on ${keptOn}, which could not store it`
  const end = code === undefined ? 'its process ended before the answer came' : `it ended with ${code}`
  return `a call to ${engine} (${model}) was made at ${at}, and ${end}; ${dollars(priceMicros)} may have been charged`
}

function lostRecord(store: Cache, pay: AnswerKey): string {
  const file = store.recordFile('intents', pay)
  return `an earlier call was written down in ${file}, which can't be read any more; it may have been charged`
}
