import { open } from 'node:fs/promises'
import type { FastifyInstance } from 'fastify'
import { ApiError } from '../api-error.ts'
import type { ServerParts } from '../server-parts.ts'

/** Where results lie. */
export const MEDIA_PATH = '/media'

/**
 * `GET /media/{name}`: a result, for as long as its address lives. No key is asked for, as the documented service asks
 * for none: the name is the secret.
 */
export function mediaRoutes(app: FastifyInstance, { media, host }: ServerParts): void {
  app.get<{ Params: { name: string } }>(`${MEDIA_PATH}/:name`, async (request, reply) => {
    const medium = media.find(request.params.name)
    const handle = medium && (await openIfThere(medium.file))
    if (medium === undefined || handle === undefined) {
      throw new ApiError(
        'NOT_FOUND',
        'There is no such picture, or its address has expired; addresses also end with the server that gave them.',
      )
    }
    const secondsLeft = Math.floor((medium.expiresAt - host.uptime()) / 1000)
    return reply
      .headers({
        'content-type': `image/${medium.format}`,
        'content-length': medium.size,
        'cache-control': `private, max-age=${secondsLeft}, immutable`,
        'x-content-type-options': 'nosniff',
        // A picture that is opened on its own is a document of this origin.
        'content-security-policy': "default-src 'none'; sandbox",
      })
      .send(handle.createReadStream())
  })
}

/** Undefined where the cache was swept meanwhile. */
async function openIfThere(file: string): Promise<Awaited<ReturnType<typeof open>> | undefined> {
  try {
    return await open(file, 'r')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
