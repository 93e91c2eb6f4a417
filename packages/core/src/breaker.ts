import { type ErrorCode, isUpscaleError, UpscaleError } from './errors.ts'

/** Answers after which every further call of the same engine would fail alike. */
const STOPPING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'KEY_MISSING',
  'API_UNAUTHORIZED',
  'API_NO_BALANCE',
  'API_FORBIDDEN',
])

/** Stops the calls of an engine for the rest of the run once the service said that none will succeed. */
export interface Breaker {
  /** @throws UpscaleError the reason of the stop, under its code */
  check(engineName: string): void
  observe(engineName: string, error: unknown): void
}

export function createBreaker(): Breaker {
  const stopped = new Map<string, UpscaleError>()
  return {
    check(engineName) {
      const reason = stopped.get(engineName)
      if (reason === undefined) return
      const { file: _first, ...details } = reason.details
      throw new UpscaleError(
        reason.code,
        `not sent, since an earlier call of this run failed: ${reason.problem}`,
        details,
      )
    },
    observe(engineName, error) {
      if (isUpscaleError(error) && STOPPING.has(error.code) && !stopped.has(engineName))
        stopped.set(engineName, error)
    },
  }
}
