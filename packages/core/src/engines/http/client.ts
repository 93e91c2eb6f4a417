import { isIP } from 'node:net'
import type { Readable } from 'node:stream'
import type { Agent, Dispatcher } from 'undici'
import { type ErrorCode, UpscaleError } from '../../errors.ts'
import { nextRound } from '../../event-loop.ts'
import { safeText } from '../../safe-text.ts'
import { joinPieces, PIECE_BYTES } from '../../source/pieces.ts'
import type { FileRequest } from '../engine.ts'
import { bareHost, isLoopback, isPublicAddress, PRIVATE_ADDRESS, publicLookup } from './address.ts'
import { unpacked } from './content-encoding.ts'
import type { Deadline } from './deadline.ts'
import { type ProxySettings, proxiesOf } from './proxy.ts'
import { mayHoldAnswer } from './refused-answer.ts'
import { CONNECT_TIMEOUT_MS } from './time-limits.ts'

/**
 * The only file that talks HTTP. It moves bytes and names what went wrong on the way; what a status or a body means
 * is for its callers.
 *
 * For a paid request one question decides about money: can the service have started to work? It can't before it has
 * the whole request, so the body is handed over in pieces, and the moment the last one is asked for divides the
 * failures of an order:
 *
 * - API_UNREACHABLE: before that moment, deadline included. Nothing was ordered.
 * - API_INTERRUPTED: after it, the connection was lost.
 * - API_TIMEOUT: after it, the deadline passed.
 *
 * The last two leave open whether the service charged.
 */
export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'
  /** True where the service may charge for what it is asked. Questions, uploads and downloads are free. */
  readonly isOrder: boolean
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  /** Successful bodies above this many bytes are refused. */
  readonly maxBytes: number
  readonly deadline: Deadline
  /** Values that no message and no cause may contain. */
  readonly secrets?: readonly string[]
  /**
   * Called when a 2xx response begins; what it returns is called with each piece of the body before anything else. Of another
   * response to an order it is called once that may hold an answer, at its end or when it is longer than a refusal.
   */
  readonly onResponse?: FileRequest['onResponse']
  /**
   * True for a successful body that is whole by what it says: it is taken however the line ended behind it, or where nobody
   * ends it at all until the deadline does.
   */
  readonly isWhole?: (body: Buffer) => Promise<boolean>
  /** Connects to addresses of the public internet only. @default false */
  readonly publicOnly?: boolean
}

export interface HttpResponse {
  readonly status: number
  /** Names in lower case; of a repeated header the first. */
  readonly headers: Readonly<Record<string, string>>
  /** Whole for a 2xx status; of any other the first 64 KiB, and all that came where that may hold an answer to an order. */
  readonly body: Buffer
  /** True for a refusal of which more was to come. */
  readonly isCut?: boolean
  /** True when it came before the service had the whole request: nothing of that was done. */
  readonly isEarly?: boolean
}

export type Send = (request: HttpRequest) => Promise<HttpResponse>

export interface HttpClient {
  /**
   * Sends one request once and reads the whole answer. Redirects are answers like any other. Any status is returned.
   * @throws UpscaleError API_UNREACHABLE, API_INTERRUPTED, API_TIMEOUT, ABORTED; ANSWER_TOO_LARGE for a body over
   *   `maxBytes`; API_BAD_ANSWER for a private address where only public ones are allowed
   */
  readonly send: Send
  /**
   * Sends like `send`, through the proxies that these variables of the environment name: HTTPS_PROXY, HTTP_PROXY and
   * NO_PROXY, in capitals or not. This machine is always reached directly. A proxy resolves names by itself, so
   * there `publicOnly` holds for addresses written as numbers only.
   */
  via(env: Readonly<Record<string, string | undefined>>): Send
  /** Closes all connections. The client works again afterwards. */
  close(): Promise<void>
}

/** Of a body, handed to the socket at a time. */
const SENT_BYTES = 64 * 1024

/** Enough for any error envelope. */
const MAX_ERROR_BYTES = 64 * 1024

interface Agents {
  readonly open: Dispatcher
  readonly publicOnly: Dispatcher
}

/** Creates a client. It loads undici and opens sockets with the first request, not before. */
export function createHttpClient(): HttpClient {
  const opened = new Map<string, Promise<Agents>>()

  function agentsFor(proxies: ProxySettings | undefined): Promise<Agents> {
    const name = JSON.stringify(proxies ?? {})
    const agents = opened.get(name) ?? createAgents(proxies)
    opened.set(name, agents)
    return agents
  }

  async function send(request: HttpRequest, proxies?: ProxySettings): Promise<HttpResponse> {
    const progress = { handedOver: false }
    const came: Came = { parts: [] }
    if (request.publicOnly === true) refusePrivateNumber(request.url)
    try {
      // undici would connect first and look at the signal afterwards.
      request.deadline.signal.throwIfAborted()
      const { open, publicOnly } = await agentsFor(isLoopback(request.url) ? undefined : proxies)
      const dispatcher = withOnResponse(request.publicOnly === true ? publicOnly : open, request, came)
      const response = await dispatcher.request(dispatch(request, progress))
      const isEarly = request.body !== undefined && !progress.handedOver
      return { ...(await readResponse(response, request)), ...(isEarly ? { isEarly } : {}) }
    } catch (error) {
      const whole = error instanceof UpscaleError ? undefined : await wholeResponse(came, request)
      if (whole !== undefined) return whole
      throw failure(error, request, progress.handedOver)
    }
  }

  return {
    send: request => send(request),
    via(env) {
      const proxies = proxiesOf(env)
      return request => send(request, proxies)
    },
    async close() {
      const closing = [...opened.values()]
      opened.clear()
      const agents = await Promise.all(closing)
      await Promise.all(agents.flatMap(({ open, publicOnly }) => [open.destroy(), publicOnly.destroy()]))
    },
  }
}

async function createAgents(proxies: ProxySettings | undefined): Promise<Agents> {
  const { Agent, EnvHttpProxyAgent } = await import('undici')
  const options: Agent.Options = {
    // Our deadline ends every wait; undici's own timers restart with each byte and would only add a second answer.
    headersTimeout: 0,
    bodyTimeout: 0,
    // A connection for each request. A kept one may be closed by the server in the very moment a request goes out,
    // and a paid request lost that way couldn't be told from one that was worked on.
    pipelining: 0,
  }
  const make = (connect: object): Dispatcher =>
    proxies === undefined
      ? new Agent({ ...options, connect })
      : new EnvHttpProxyAgent({ ...options, connect, ...proxies })
  const connect = { timeout: CONNECT_TIMEOUT_MS }
  return { open: make(connect), publicOnly: make({ ...connect, lookup: publicLookup }) }
}

/** Names are checked where they are resolved; an address written as a number never gets there. */
function refusePrivateNumber(url: URL): void {
  const host = bareHost(url)
  if (isIP(host) !== 0 && !isPublicAddress(host)) throw privateAddress(host)
}

function privateAddress(host: string): UpscaleError {
  return new UpscaleError('API_BAD_ANSWER', `the service sent an address in a private network (${host})`, {
    hint: 'it was not opened; if you run this service yourself, use an address on the same origin as its API',
  })
}

function dispatch(request: HttpRequest, progress: { handedOver: boolean }): Dispatcher.RequestOptions {
  const { method, url, headers, body, deadline } = request
  const common = { origin: url.origin, path: `${url.pathname}${url.search}`, method, signal: deadline.signal }
  // A server may compress as it likes unless told otherwise, and nothing here unpacks. Some refuse nameless clients.
  const all = { 'user-agent': 'upscale-core', 'accept-encoding': 'identity', ...headers }
  if (body === undefined) return { ...common, headers: all }
  return {
    ...common,
    headers: { ...all, 'content-length': String(body.byteLength) },
    // undici takes any async iterable; its types name streams only.
    body: pieces(body, progress) as unknown as Readable,
  }
}

/** The body in pieces. Each is asked for once the socket took the one before. */
async function* pieces(body: Uint8Array, progress: { handedOver: boolean }): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < body.byteLength; from += SENT_BYTES) {
    if (from + SENT_BYTES >= body.byteLength) progress.handedOver = true
    yield body.subarray(from, from + SENT_BYTES)
  }
}

/** What came of a successful response. */
interface Came {
  head?: Pick<HttpResponse, 'status' | 'headers'>
  parts: Uint8Array[]
}

/** A response that says no, as long as it may be one. */
interface Refused extends Pick<HttpResponse, 'status' | 'headers'> {
  readonly parts: Uint8Array[]
  size: number
}

/**
 * Hands a response over in the turn of the event loop that brings it. Who reads the body gets it after waits of its own, or
 * not at all where the line breaks behind it, and a process that is killed in one of them has read what it paid for and
 * kept nothing.
 */
function withOnResponse(
  dispatcher: Dispatcher,
  { onResponse, isWhole, isOrder, secrets = [] }: HttpRequest,
  came: Came,
): Pick<Dispatcher, 'request'> {
  if (onResponse === undefined && isWhole === undefined) return dispatcher
  return dispatcher.compose(inner => (options, handler) => {
    let keep: ReturnType<NonNullable<typeof onResponse>> | undefined
    let refused: Refused | undefined
    /** What began as a refusal is kept like an answer. */
    const keepRefused = ({ status, headers, parts }: Refused): void => {
      keep = onResponse?.({ status, headers, secrets })
      for (const part of parts) keep?.(part)
    }
    const endRefused = (): void => {
      if (refused !== undefined && mayHoldAnswer(Buffer.concat(refused.parts))) keepRefused(refused)
      refused = undefined
    }
    return inner(options, {
      onRequestStart: (...started) => handler.onRequestStart?.(...started),
      onRequestUpgrade: (...upgraded) => handler.onRequestUpgrade?.(...upgraded),
      onResponseStart(controller, status, rawHeaders, message) {
        if (isSuccess(status)) {
          const headers = firstValues(rawHeaders)
          keep = onResponse?.({ status, headers, secrets })
          came.head = { status, headers }
          came.parts = []
        } else if (isOrder && status >= 400) {
          refused = { status, headers: firstValues(rawHeaders), parts: [], size: 0 }
        }
        handler.onResponseStart?.(controller, status, rawHeaders, message)
      },
      onResponseData(controller, piece) {
        keep?.(piece)
        if (refused !== undefined) {
          refused.parts.push(piece)
          refused.size += piece.length
          if (refused.size > MAX_ERROR_BYTES) endRefused()
        }
        if (isWhole !== undefined && came.head !== undefined) came.parts.push(piece)
        handler.onResponseData?.(controller, piece)
      },
      onResponseEnd(...ended) {
        endRefused()
        handler.onResponseEnd?.(...ended)
      },
      onResponseError(...failed) {
        endRefused()
        handler.onResponseError?.(...failed)
      },
    })
  })
}

/** The response to a request that failed behind it. */
async function wholeResponse(
  { head, parts }: Came,
  { isWhole, maxBytes }: HttpRequest,
): Promise<HttpResponse | undefined> {
  if (head === undefined || isWhole === undefined) return undefined
  const body = await unpacked(await joinPieces(parts), head.headers, maxBytes)
  return (await isWhole(body)) ? { ...head, body } : undefined
}

/** True for the statuses that say that it went well, 200 to 299. */
export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300
}

async function readResponse(
  response: Dispatcher.ResponseData,
  { maxBytes, url, isOrder }: HttpRequest,
): Promise<HttpResponse> {
  const headers = firstValues(response.headers)
  const status = response.statusCode
  const ok = isSuccess(status)
  let limit = ok ? maxBytes : MAX_ERROR_BYTES
  const parts: Buffer[] = []
  let isCut = false
  // A length over the limit is refused with the first byte.
  let size = ok && Number(headers['content-length'] ?? 0) > maxBytes ? maxBytes : 0
  let inThisRound = 0
  try {
    for await (const chunk of response.body) {
      parts.push(chunk)
      size += chunk.length
      // Leaving the loop, either way, closes the connection.
      if (ok && size > maxBytes) throw tooLarge(url, maxBytes)
      if (!ok && isOrder && size > limit && mayHoldAnswer(Buffer.concat(parts))) limit = maxBytes
      isCut = size > limit
      if (isCut) break
      inThisRound += chunk.length
      if (inThisRound < PIECE_BYTES) continue
      // A fast network brings megabytes in one round of the event loop, unless nobody takes them.
      inThisRound = 0
      await nextRound()
    }
  } catch (error) {
    // A refusal is definite with its status line; only its words are missing.
    if (ok) throw error
    isCut = true
  }
  const body = await unpacked(await joinPieces(parts), headers, limit)
  return { status, headers, body: ok ? body : body.subarray(0, limit), ...(isCut ? { isCut } : {}) }
}

function tooLarge(url: URL, maxBytes: number): UpscaleError {
  const limit = `${Math.round(maxBytes / 1024 / 1024)} MiB`
  return new UpscaleError('ANSWER_TOO_LARGE', `the answer of ${url.host} is larger than ${limit}`, {
    hint: 'upscale a smaller image, or ask for a smaller factor',
  })
}

function firstValues(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string> {
  const values: Record<string, string> = Object.create(null)
  for (const [name, value] of Object.entries(headers)) {
    const first = Array.isArray(value) ? value[0] : value
    if (first !== undefined) values[name.toLowerCase()] = first
  }
  return values
}

function failure(error: unknown, request: HttpRequest, handedOver: boolean): UpscaleError {
  if (error instanceof UpscaleError) return error
  const { url, isOrder, deadline, secrets } = request
  if (describe(error).code === PRIVATE_ADDRESS) return privateAddress(url.hostname)
  const cause = scrub(error, secrets)
  const fail = (code: ErrorCode, problem: string, hint: string): UpscaleError =>
    new UpscaleError(code, problem, { hint, cause })
  const late = deadline.signal.aborted
  const reason = late ? `no answer within ${deadline.timeoutMs / 1000} s` : cause.message
  const address = `check the network and the address ${url.origin}`
  if (deadline.stopped) {
    const doubt = isOrder && handedOver ? ', which may still charge' : ''
    return fail('ABORTED', `stopped while waiting for ${url.host}${doubt}`, 'start the build again')
  }
  if (isOrder && !handedOver) {
    return fail('API_UNREACHABLE', `could not reach ${url.host}: ${reason}; nothing was ordered`, address)
  }
  const ask = 'look at its request log before ordering again'
  if (!late) {
    return isOrder
      ? fail(
          'API_INTERRUPTED',
          `${url.host} had the order, then the line broke: ${reason}; it may have charged`,
          ask,
        )
      : fail('API_UNREACHABLE', `nothing came from ${url.host}: ${reason}`, address)
  }
  return isOrder
    ? fail(
        'API_TIMEOUT',
        `${url.host} had the order: ${reason}; it may have charged`,
        `${ask}, or raise "timeoutMs"`,
      )
    : fail(
        'API_TIMEOUT',
        `nothing came from ${url.host}: ${reason}`,
        'raise "timeoutMs", or start the build again',
      )
}

/** A copy of an error that carries its name, code and cleaned words, and nothing else that could hold a secret. */
function scrub(error: unknown, secrets: readonly string[] = []): Error {
  const { message, code } = describe(error)
  const text = safeText(code === undefined || message.includes(code) ? message : `${code} ${message}`, {
    secrets,
  })
  return Object.assign(new Error(text === '' ? 'unknown reason' : text), code === undefined ? {} : { code })
}

/** When every address of a host fails, Node wraps the reasons in an error without words; the first of them has some. */
function describe(error: unknown): { message: string; code: string | undefined } {
  if (error instanceof AggregateError && error.errors.length > 0) return describe(error.errors[0])
  if (!(error instanceof Error)) return { message: String(error), code: undefined }
  return {
    message: error.message,
    code: 'code' in error && typeof error.code === 'string' ? error.code : undefined,
  }
}
