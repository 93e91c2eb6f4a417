import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance } from 'fastify'
import { ApiError } from './api-error.ts'
import type { Authenticate } from './auth.ts'

const MINUTE_MS = 60_000

/**
 * Lets each key send so many requests a minute.
 * @param keyOf names the key that came with a request
 */
export async function limitKeys(
  api: FastifyInstance,
  requestsPerMinute: number,
  keyOf: Authenticate,
): Promise<void> {
  await api.register(rateLimit, {
    max: requestsPerMinute,
    timeWindow: MINUTE_MS,
    keyGenerator: ({ headers }) => keyOf(headers),
    errorResponseBuilder: (_request, { ttl }) =>
      new ApiError('RATE_LIMITED', `This key may send ${requestsPerMinute} requests a minute.`, {
        retryAfterSeconds: Math.max(1, Math.ceil(ttl / 1000)),
      }),
  })
}
