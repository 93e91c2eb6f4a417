import rateLimit, { type FastifyRateLimitStore, type FastifyRateLimitStoreCtor } from '@fastify/rate-limit'
import type { FastifyInstance } from 'fastify'
import { ApiError } from './api-error.ts'
import type { Authenticate } from './auth.ts'

const MINUTE_MS = 60_000

/**
 * Lets each key send so many requests a minute.
 * @param keyOf names the key that came with a request
 * @param uptime milliseconds of a clock that is never set
 */
export async function limitKeys(
  api: FastifyInstance,
  requestsPerMinute: number,
  keyOf: Authenticate,
  uptime: () => number,
): Promise<void> {
  await api.register(rateLimit, {
    max: requestsPerMinute,
    timeWindow: MINUTE_MS,
    store: countsBy(uptime),
    keyGenerator: ({ headers }) => keyOf(headers),
    errorResponseBuilder: (_request, { ttl }) =>
      new ApiError('RATE_LIMITED', `This key may send ${requestsPerMinute} requests a minute.`, {
        retryAfterSeconds: Math.max(1, Math.ceil(ttl / 1000)),
      }),
  })
}

/**
 * Counts of requests by key. Those of the plugin go by the clock on the wall: one that is set back by an hour shuts
 * everybody out who has used his minute up, for that hour.
 */
function countsBy(uptime: () => number): FastifyRateLimitStoreCtor {
  return class Counts implements FastifyRateLimitStore {
    readonly #windows = new Map<string, { count: number; readonly end: number }>()

    incr(
      key: string,
      tell: (error: Error | null, result: { current: number; ttl: number }) => void,
      windowMs: number,
    ): void {
      const now = uptime()
      const last = this.#windows.get(key)
      const window = last !== undefined && now < last.end ? last : { count: 0, end: now + windowMs }
      window.count += 1
      this.#windows.set(key, window)
      tell(null, { current: window.count, ttl: window.end - now })
    }

    child(): FastifyRateLimitStore {
      return new Counts()
    }
  }
}
