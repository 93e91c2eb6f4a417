import multipart from '@fastify/multipart'
import { type FastifyInstance, fastify } from 'fastify'
import { createUpscaler, type Engine, UpscaleError } from 'upscale-core'
import { discard, processFolder, sweepProcessFolders } from 'upscale-core/internal'
import { local } from 'upscale-local'
import { createAuthenticator, isLoopbackName, KEYS_VARIABLE } from './auth.ts'
import { createCatalogue, enginesOf } from './catalogue.ts'
import { createMediaStore } from './media-store.ts'
import { createMeter, type Meter } from './metering.ts'
import { type ResolvedServer, resolveServer, type ServerHost, type ServerOptions } from './options.ts'
import { newRequestId, refuse, refuseGarbage, shapeReplies, toRefusal } from './replies.ts'
import { limitKeys } from './request-rate.ts'
import { editRoutes } from './routes/edits.ts'
import { mediaRoutes } from './routes/media.ts'
import { modelRoutes } from './routes/models.ts'
import type { ServerParts } from './server-parts.ts'

export interface ListenOptions {
  /** 0 takes any free one. @default 4010 */
  readonly port?: number
  /** Name or address of the interface. Without keys only this machine's own. @default '127.0.0.1' */
  readonly host?: string
}

export interface UpscaleServer {
  /** What clients take as their base URL, version part included; undefined before `listen`. */
  readonly url: string | undefined
  /**
   * Starts to listen and returns the base URL.
   * @throws UpscaleError BAD_OPTION for a host other than this machine where there are no keys; the system's error
   *   where the port can't be had
   */
  listen(options?: ListenOptions): Promise<string>
  /**
   * Lets requests under way finish, keeps what their engines bring, then ends the upscaler and removes the uploads.
   * May be called more than once.
   */
  close(): Promise<void>
}

const API_PATH = '/openai/v1'
const DEFAULT_PORT = 4010

const DRAIN_STEP_MS = 50

/** How long the head of a request may take, where its whole may take longer. */
const HEADERS_TIMEOUT_MS = 60_000
/** An upload that takes too long is ended a tenth of its time late at most. */
const LOOKS_AT_AN_UPLOAD = 10

/**
 * Makes a server that speaks OpenAI's image edits in upscale mode, as documented by Lumenfall, over an upscaler.
 * Clients' keys come from the environment, in UPSCALE_SERVER_KEYS.
 *
 * @param options - what the user wrote
 * @param host - the environment, where log lines go, and the clocks
 * @throws UpscaleError BAD_OPTION, UNKNOWN_ENGINE, KEY_EXPOSED
 * @example
 * const server = createServer({ models: { 'ideogram-upscale': lumenfall(), local: 'local' }, budget: 20 })
 * const url = await server.listen({ port: 4010 })
 */
export function createServer(options: ServerOptions = {}, host: Partial<ServerHost> = {}): UpscaleServer {
  const settings = resolveServer(options, host)
  let url: string | undefined
  const parts = createParts(settings, () => url)
  const app = createApp(settings, parts)
  let closing: Promise<void> | undefined

  async function close(): Promise<void> {
    await drain(app)
    // Calls whose clients hung up go on without a request; what they bring may be paid for.
    await parts.upscaler.drain()
    await parts.upscaler.close()
    await discard(parts.uploads)
  }

  return {
    get url() {
      return url
    },
    async listen({ port = DEFAULT_PORT, host: name = '127.0.0.1' } = {}) {
      if (settings.keys.length === 0 && !isLoopbackName(name)) throw keysNeeded(name)
      await sweepProcessFolders()
      url = `${await app.listen({ port, host: name })}${API_PATH}`
      return url
    },
    close() {
      closing ??= close()
      return closing
    },
  }
}

function createParts(settings: ResolvedServer, url: () => string | undefined): ServerParts {
  const { models, limits, host, root } = settings
  const meter = createMeter()
  // Outside of the project, whose files clients have no business with.
  const uploads = processFolder('server')
  const engines = { ...meterAll(settings.upscaler.engines ?? {}, meter), ...enginesOf(models, meter) }
  const upscaler = createUpscaler(
    { ...settings.upscaler, engines, include: [uploads] },
    { root, env: host.env, engines: { local: local() }, onNotice: text => host.logger.warn(text) },
  )
  return {
    upscaler,
    catalogue: createCatalogue(models, upscaler.options.engines),
    meter,
    media: createMediaStore({ ttlMs: limits.mediaTtlMs, maxEntries: limits.maxMedia, uptime: host.uptime }),
    limits,
    host,
    authenticate: createAuthenticator(settings.keys),
    callers: Math.max(1, settings.keys.length),
    uploads,
    startedAt: host.now(),
    origin({ host: called }) {
      if (settings.publicUrl !== undefined) return settings.publicUrl
      const fromClient = `http://${called}`
      // HTTP/1.0 clients may send no Host, and any client may send a strange one.
      return URL.canParse(fromClient)
        ? new URL(fromClient).origin
        : new URL(url() ?? 'http://127.0.0.1').origin
    },
  }
}

function meterAll(engines: Readonly<Record<string, Engine>>, meter: Meter): Record<string, Engine> {
  return Object.fromEntries(Object.entries(engines).map(([name, engine]) => [name, meter.wrap(engine)]))
}

function createApp(settings: ResolvedServer, parts: ServerParts): FastifyInstance {
  const { limits, keys, host } = settings
  const app = fastify({
    logger: false,
    genReqId: newRequestId,
    bodyLimit: limits.maxBodyBytes,
    requestTimeout: limits.uploadTimeoutMs,
    http: {
      // Node takes the longer of both times for the whole request.
      headersTimeout: Math.min(HEADERS_TIMEOUT_MS, limits.uploadTimeoutMs),
      connectionsCheckingInterval: limits.uploadTimeoutMs / LOOKS_AT_AN_UPLOAD,
    },
    routerOptions: { ignoreTrailingSlash: true },
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    clientErrorHandler: refuseGarbage,
    frameworkErrors: (error, request, reply) => refuse(request, reply, toRefusal(error)),
  })
  // Forms and JSON only: a body of another type is refused before it is read.
  app.removeAllContentTypeParsers()
  // Read by the route, as a form is, so that its limits and turns hold.
  app.addContentTypeParser('application/json', (_request, _body, done) => done(null))
  shapeReplies(app, host.logger, keys)
  mediaRoutes(app, parts)
  void app.register(api => registerApi(api, settings, parts), { prefix: API_PATH })
  return app
}

/** Waits for requests under way. A connection that becomes idle only then would be kept open for its client. */
async function drain(app: FastifyInstance): Promise<void> {
  const timer = setInterval(() => app.server.closeIdleConnections(), DRAIN_STEP_MS)
  try {
    await app.close()
  } finally {
    clearInterval(timer)
  }
}

async function registerApi(
  api: FastifyInstance,
  { limits }: ResolvedServer,
  parts: ServerParts,
): Promise<void> {
  const { authenticate, host } = parts
  api.addHook('onRequest', async ({ headers }) => {
    authenticate(headers)
  })
  await limitKeys(api, limits.requestsPerMinute, authenticate, host.uptime)
  // A file that is too large is refused as soon as it is, not after the last part.
  await api.register(multipart, { throwFileSizeLimit: false })
  modelRoutes(api, parts)
  editRoutes(api, parts)
}

function keysNeeded(name: string): UpscaleError {
  return new UpscaleError(
    'BAD_OPTION',
    `without keys the server only listens on this machine, not on ${name}`,
    {
      hint: `put keys for your clients into ${KEYS_VARIABLE}, separated by commas, or listen on 127.0.0.1`,
    },
  )
}
