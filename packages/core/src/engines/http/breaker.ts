import { type ErrorCode, isUpscaleError, UpscaleError } from '../errors.ts'

/** Answers after which every further call of the same engine would fail alike. */
const HOPELESS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'KEY_MISSING',
  'API_UNAUTHORIZED',
  'API_NO_BALANCE',
  'API_FORBIDDEN',
])

/** Failures of the service, or of the way to it, which say nothing about the picture. */
const OUTAGES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'API_UNAVAILABLE',
  'API_INTERRUPTED',
  'API_TIMEOUT',
  'API_UNREACHABLE',
])

/** After so many outages in a row, a thousand pictures would only make a thousand more. */
const MAX_OUTAGES = 3

/** How long an outage is believed to last; then one call may try again. For processes that live long. */
const OUTAGE_MS = 60_000

/**
 * Stops the calls of an engine once none is likely to succeed: for the rest of the run after a refused key or an empty
 * balance, for a minute after three outages in a row.
 */
export interface Breaker {
  /** @throws UpscaleError the reason of the stop, under its code */
  check(engineName: string): void
  /**
   * The same, right before the call: after an outage, whoever enters first is the trial that the others wait for.
   * @throws UpscaleError the reason of the stop, under its code
   */
  enter(engineName: string): void
  /** Takes note of a call that failed. */
  observe(engineName: string, error: unknown): void
  /** Takes note of a call that succeeded. */
  succeed(engineName: string): void
}

/** @param now - milliseconds, of a clock that never jumps */
export function createBreaker(now: () => number = () => performance.now()): Breaker {
  const stopped = new Map<string, { readonly error: UpscaleError; until: number }>()
  const outages = new Map<string, number>()
  return {
    check(engineName) {
      const stop = stopped.get(engineName)
      if (stop === undefined || now() >= stop.until) return
      const reason = stop.error
      const { hint, requestId } = reason.details
      const problem = `not sent, since an earlier call of this run failed: ${reason.problem}`
      throw new UpscaleError(reason.code, problem, {
        hint,
        ...(requestId === undefined ? {} : { requestId }),
      })
    },
    enter(engineName) {
      this.check(engineName)
      const stop = stopped.get(engineName)
      if (stop !== undefined) stop.until = now() + OUTAGE_MS
    },
    observe(engineName, error) {
      if (!isUpscaleError(error)) return
      const row = OUTAGES.has(error.code) ? (outages.get(engineName) ?? 0) + 1 : 0
      outages.set(engineName, row)
      if (HOPELESS.has(error.code)) stopped.set(engineName, { error, until: Number.POSITIVE_INFINITY })
      else if (row >= MAX_OUTAGES) stopped.set(engineName, { error, until: now() + OUTAGE_MS })
    },
    succeed(engineName) {
      outages.delete(engineName)
      stopped.delete(engineName)
    },
  }
}
