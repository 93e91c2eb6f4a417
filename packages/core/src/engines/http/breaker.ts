import { type ErrorCode, isUpscaleError, UpscaleError } from '../../errors.ts'

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

/** How long an outage is believed to last; then one call may try again. For processes that live long. */
const OUTAGE_MS = 60_000

/** When a service is left alone. */
export interface BreakerPolicy {
  /** Failures after which every further call of the same service would fail alike. */
  isHopeless(error: UpscaleError): boolean
  /** Failures of the service, or of the way to it, which say nothing about the picture. */
  isOutage(error: UpscaleError): boolean
  /** So many outages in a row stop it for a minute; a thousand pictures would only make a thousand more. */
  readonly outages: number
}

/** That of services which enlarge. */
export const ENGINE_POLICY: BreakerPolicy = {
  isHopeless: ({ code }) => HOPELESS.has(code),
  isOutage: ({ code }) => OUTAGES.has(code),
  outages: 3,
}

/**
 * Stops the calls of a service once none is likely to succeed: for the rest of the run after a hopeless failure, such as
 * a refused key, and for a minute after some outages in a row.
 */
export interface Breaker {
  /** True while {@link check} would throw. */
  isOpen(service: string): boolean
  /** @throws UpscaleError the reason of the stop, under its code */
  check(service: string): void
  /**
   * The same, right before the call: after an outage, whoever enters first is the trial that the others wait for.
   * @throws UpscaleError the reason of the stop, under its code
   */
  enter(service: string): void
  /** Takes note of a call that failed. */
  observe(service: string, error: unknown): void
  /** Takes note of a call that succeeded. */
  succeed(service: string): void
}

/** @param now - milliseconds, of a clock that never jumps */
export function createBreaker(
  { isHopeless, isOutage, outages: most }: BreakerPolicy,
  now: () => number = () => performance.now(),
): Breaker {
  const stopped = new Map<string, { readonly error: UpscaleError; until: number }>()
  const outages = new Map<string, number>()
  const stopOf = (service: string) => {
    const stop = stopped.get(service)
    return stop !== undefined && now() < stop.until ? stop : undefined
  }
  return {
    isOpen: service => stopOf(service) !== undefined,
    check(service) {
      const stop = stopOf(service)
      if (stop === undefined) return
      const reason = stop.error
      const { hint, requestId } = reason.details
      const problem = `not sent, since an earlier call of this run failed: ${reason.problem}`
      throw new UpscaleError(reason.code, problem, {
        hint,
        ...(requestId === undefined ? {} : { requestId }),
      })
    },
    enter(service) {
      this.check(service)
      const stop = stopped.get(service)
      if (stop !== undefined) stop.until = now() + OUTAGE_MS
    },
    observe(service, error) {
      if (!isUpscaleError(error)) return
      const row = isOutage(error) ? (outages.get(service) ?? 0) + 1 : 0
      outages.set(service, row)
      if (isHopeless(error)) stopped.set(service, { error, until: Number.POSITIVE_INFINITY })
      else if (row >= most) stopped.set(service, { error, until: now() + OUTAGE_MS })
    },
    succeed(service) {
      outages.delete(service)
      stopped.delete(service)
    },
  }
}
