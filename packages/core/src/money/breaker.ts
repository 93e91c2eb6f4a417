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

/** Stops the calls of an engine for the rest of the run once none is likely to succeed. */
export interface Breaker {
  /** @throws UpscaleError the reason of the stop, under its code */
  check(engineName: string): void
  /** Takes note of a call that failed. */
  observe(engineName: string, error: unknown): void
  /** Takes note of a call that succeeded. */
  succeed(engineName: string): void
}

export function createBreaker(): Breaker {
  const stopped = new Map<string, UpscaleError>()
  const outages = new Map<string, number>()
  return {
    check(engineName) {
      const reason = stopped.get(engineName)
      if (reason === undefined) return
      const { hint, requestId } = reason.details
      const problem = `not sent, since an earlier call of this run failed: ${reason.problem}`
      throw new UpscaleError(reason.code, problem, {
        hint,
        ...(requestId === undefined ? {} : { requestId }),
      })
    },
    observe(engineName, error) {
      if (!isUpscaleError(error)) return
      const row = OUTAGES.has(error.code) ? (outages.get(engineName) ?? 0) + 1 : 0
      outages.set(engineName, row)
      if (HOPELESS.has(error.code) || row >= MAX_OUTAGES) stopped.set(engineName, error)
    },
    succeed(engineName) {
      outages.delete(engineName)
    },
  }
}
