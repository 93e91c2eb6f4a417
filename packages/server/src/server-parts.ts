import type { FastifyRequest } from 'fastify'
import type { Upscaler } from 'upscale-core'
import type { Authenticate } from './auth.ts'
import type { Catalogue } from './catalogue.ts'
import type { MediaStore } from './media-store.ts'
import type { Meter } from './metering.ts'
import type { Limits, ServerHost } from './options.ts'

/** What the routes share. */
export interface ServerParts {
  readonly upscaler: Upscaler
  readonly catalogue: Catalogue
  readonly meter: Meter
  readonly media: MediaStore
  readonly limits: Limits
  readonly host: ServerHost
  readonly authenticate: Authenticate
  /** How many keys there are; 1 without any. */
  readonly callers: number
  /** The private folder of uploads, absolute. */
  readonly uploads: string
  /** Milliseconds since 1970. */
  readonly startedAt: number
  /** The origin under which this client reaches the server. */
  origin(request: FastifyRequest): string
}
