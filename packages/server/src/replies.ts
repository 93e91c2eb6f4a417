import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isUpscaleError } from 'upscale-core'
import { safeText } from 'upscale-core/internal'
import { ApiError, errorBody, errorHeaders, invalidRequest } from './api-error.ts'
import { fromUpscaleError } from './core-errors.ts'
import type { Logger } from './logger.ts'

/*
 * What every answer has, whatever became of the request: an id under two names (the documented one and the one that
 * OpenAI's clients read), and for a refusal the documented envelope.
 */

/** A new request id. Ids that clients send are not taken over: they would end up in the log. */
export function newRequestId(): string {
  return `req_${randomUUID().replaceAll('-', '')}`
}

/** Gives the app its error and log lines. `secrets` are values that no line may contain. */
export function shapeReplies(app: FastifyInstance, logger: Logger, secrets: readonly string[]): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(idHeaders(request.id))
  })
  app.setNotFoundHandler((request, reply) => {
    refuse(request, reply, new ApiError('NOT_FOUND', 'There is no such address.'))
  })
  app.setErrorHandler((error: unknown, request, reply) => {
    const refusal = toRefusal(error)
    if (refusal.status >= 500) logger.error(`${request.id} ${refusal.code}: ${describe(error, secrets)}`)
    refuse(request, reply, refusal)
  })
  app.addHook('onResponse', async (request, reply) => {
    // The route, not the address: the name of a result is as good as a key to it.
    const route = request.routeOptions.url ?? '(no such address)'
    const { method, id } = request
    logger.info(`${id} ${method} ${route} ${reply.statusCode} in ${Math.round(reply.elapsedTime)} ms`)
  })
}

/** Answers with a refusal. */
export function refuse(request: FastifyRequest, reply: FastifyReply, refusal: ApiError): void {
  reply
    .code(refusal.status)
    .headers({ ...idHeaders(request.id), ...errorHeaders(refusal) })
    .send(errorBody(refusal))
}

/** Answers a client whose bytes are no HTTP; there is no request to answer, only a socket. */
export function refuseGarbage(error: { readonly code?: string | undefined }, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const isLate = error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
  const status = isLate ? '408 Request Timeout' : '400 Bad Request'
  const body = JSON.stringify(
    errorBody(invalidRequest(isLate ? 'The request took too long.' : 'This is no HTTP.')),
  )
  const headers = {
    ...idHeaders(newRequestId()),
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.end(`HTTP/1.1 ${status}\r\n${lines.join('')}\r\n${body}`)
}

function idHeaders(id: string): Record<string, string> {
  return { 'x-lumenfall-request-id': id, 'x-request-id': id }
}

/** The refusal for anything that was thrown while a request was worked on. */
export function toRefusal(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  if (isUpscaleError(error)) return fromUpscaleError(error)
  if (isWebError(error)) return invalidRequest(wordsFor(error), { status: error.statusCode, cause: error })
  return new ApiError('INTERNAL_ERROR', 'Something went wrong in this server; its log says what.', {
    cause: error,
  })
}

/** The web framework's own complaints about a request. */
function isWebError(error: unknown): error is FastifyError & { readonly statusCode: number } {
  if (!(error instanceof Error) || !('code' in error) || !String(error.code).startsWith('FST_')) return false
  return 'statusCode' in error && typeof error.statusCode === 'number' && error.statusCode < 500
}

function wordsFor({ code }: FastifyError): string {
  return code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE' || code === 'FST_INVALID_MULTIPART_CONTENT_TYPE'
    ? 'Send the form as multipart/form-data, with the image as a file part.'
    : 'The request is malformed.'
}

function describe(error: unknown, secrets: readonly string[]): string {
  const cause = error instanceof ApiError ? (error.cause ?? error) : error
  if (isUpscaleError(cause)) return `${safeText(cause.problem, { secrets })} [${cause.code}]`
  return safeText(cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause), { secrets })
}
