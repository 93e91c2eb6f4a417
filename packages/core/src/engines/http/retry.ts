import { isUpscaleError } from '../../errors.ts'
import type { HttpRequest, HttpResponse, Send } from './client.ts'
import { sleep } from './deadline.ts'
import { mayHoldAnswer } from './refused-answer.ts'

/**
 * When a request is repeated. Paid requests: only where the service certainly did no work, that is where it never had
 * the whole request, or refused it by a status that says "not now". A 500 or a lost connection is left alone, since
 * the work behind it may have been done and charged.
 */
export type Repeats = (outcome: Outcome) => boolean

/** A status with its `Retry-After`, or the code of a failure without one. */
export type Outcome = { readonly response: HttpResponse } | { readonly failure: string }

export interface RetrySeams {
  /** Waits, or less when the signal aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  /** 0 ≤ x < 1 */
  readonly random: () => number
  /** Milliseconds since 1970. */
  readonly now: () => number
}

const MAX_REPEATS = 3
const FIRST_PAUSE_MS = 500

/** A longer wait than this, told by `Retry-After`, is left to the user. */
const MAX_PAUSE_MS = 60_000

const SEAMS: RetrySeams = { sleep, random: Math.random, now: Date.now }

/**
 * For an order that costs money. What stands before a service says 408 of one that was too slow, and 503 with
 * `Retry-After` on a page of its own (Varnish does), while the service goes on working. So the first counts only where
 * the order was not yet sent, the second only in the words of an API. What holds an answer was worked on, whatever it says.
 */
export const repeatsOrder: Repeats = outcome => {
  if ('failure' in outcome) return outcome.failure === 'API_UNREACHABLE'
  const { status, headers, body, isEarly } = outcome.response
  if (mayHoldAnswer(body)) return false
  return (
    (status === 408 && isEarly === true) ||
    status === 425 ||
    status === 429 ||
    (status === 503 && headers['retry-after'] !== undefined && /^\s*\{/.test(body.toString('latin1', 0, 100)))
  )
}

/** For a question, an upload or a download, which are free to repeat. */
export const repeatsFree: Repeats = outcome => {
  if ('failure' in outcome) return outcome.failure === 'API_UNREACHABLE'
  const { status } = outcome.response
  return status === 408 || status === 425 || status === 429 || status >= 500
}

/**
 * Repeats what `repeats` allows, three times at most, inside the request's deadline. Pauses double from half a
 * second, each up to a quarter longer or shorter so that many callers don't come back together; a `Retry-After` is
 * obeyed. Where the pause would be over a minute or beyond the deadline, the last outcome stands.
 */
export function withRetry(send: Send, repeats: Repeats, seams: RetrySeams = SEAMS): Send {
  return async request => {
    for (let repeat = 0; ; repeat++) {
      const result = await attempt(send, request)
      const outcome = 'error' in result ? { failure: result.code } : result
      const pauseMs = repeat < MAX_REPEATS && repeats(outcome) ? pause(outcome, repeat, seams) : undefined
      if (pauseMs !== undefined && pauseMs < request.deadline.remainingMs() && !request.deadline.stopped) {
        await seams.sleep(pauseMs, request.deadline.signal)
        continue
      }
      if ('error' in result) throw result.error
      return result.response
    }
  }
}

async function attempt(
  send: Send,
  request: HttpRequest,
): Promise<{ response: HttpResponse } | { error: Error; code: string }> {
  try {
    return { response: await send(request) }
  } catch (error) {
    if (!isUpscaleError(error)) throw error
    return { error, code: error.code }
  }
}

/** Milliseconds to wait, undefined when that is too long. */
function pause(outcome: Outcome, repeat: number, { random, now }: RetrySeams): number | undefined {
  const told = 'response' in outcome ? toldPause(outcome.response, now()) : undefined
  if (told !== undefined) return told > MAX_PAUSE_MS ? undefined : told * (1 + random() / 4)
  return FIRST_PAUSE_MS * 2 ** repeat * (0.75 + random() / 2)
}

/** A date is one of the service's clock, which says itself what time it is there. */
function toldPause({ headers }: HttpResponse, nowMs: number): number | undefined {
  const theirMs = Date.parse(headers.date ?? '')
  return parseRetryAfter(headers['retry-after'], Number.isNaN(theirMs) ? nowMs : theirMs)
}

/**
 * Milliseconds that a `Retry-After` header asks for: seconds, or a date (RFC 9110, 10.2.3). Undefined for anything
 * else, negative numbers included; a date that has passed is 0.
 */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined
  if (/^\d+(?:\.\d+)?$/.test(value)) return Number(value) * 1000
  const date = /^[A-Z][a-z]{2}, /.test(value) ? Date.parse(value) : Number.NaN
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs)
}
