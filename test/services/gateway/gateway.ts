import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { json, RESPONSES, type Responder, type ResponseName, refuse } from './faults.ts'
import { type RecordedRequest, readForm } from './order.ts'
import type { Answer, Sale } from './sale.ts'
import { listen, send, stop } from './wire.ts'

export interface GatewayOptions {
  /** The only key that is accepted. @default any key */
  readonly key?: string
  /** What one picture costs, in millionths of a US dollar. @default 60000 */
  readonly priceMicros?: number
  /** Models that exist. @default ['ideogram-upscale', 'fal/ideogram-upscale'] */
  readonly models?: readonly string[]
  /** Charges once for orders with the same `Idempotency-Key`. @default false */
  readonly idempotent?: boolean
  /** Milliseconds of work before an answer. @default 0 */
  readonly workMs?: number
}

/** A charge, booked when the work was done, whether or not the answer arrived. */
export interface Charge {
  readonly requestId: string
  readonly costMicros: number
}

/** A paid image service on this machine: honest unless told otherwise. */
export interface Gateway {
  /** What goes into LUMENFALL_BASE_URL. */
  readonly url: string
  /** Every request in order of arrival, downloads included. */
  readonly requests: readonly RecordedRequest[]
  /** The orders among them. */
  readonly orders: readonly RecordedRequest[]
  readonly charges: readonly Charge[]
  readonly chargedMicros: number
  /** The most orders that were open at one time. */
  readonly peak: number
  /** From now on, orders in good form are answered like this. */
  respondWith(response: ResponseName | Responder): void
  /** Forgets requests and charges, and is honest again. */
  reset(): void
  close(): Promise<void>
}

const API = '/openai/v1'

/** Starts a gateway on a free port of 127.0.0.1. */
export async function startGateway(options: GatewayOptions = {}): Promise<Gateway> {
  const state = new State(options)
  const server = createServer((request, response) => void serve(request, response, state))
  // A test that lets a socket starve must not wait for it at the end.
  server.keepAliveTimeout = 1
  state.origin = await listen(server)
  return {
    url: `${state.origin}${API}`,
    get requests() {
      return state.requests
    },
    get orders() {
      return state.requests.filter(({ method, path }) => method === 'POST' && !isDryRun(path))
    },
    get charges() {
      return state.charges
    },
    get chargedMicros() {
      return state.charges.reduce((sum, { costMicros }) => sum + costMicros, 0)
    },
    get peak() {
      return state.peak
    },
    respondWith(response) {
      state.responder = typeof response === 'string' ? RESPONSES[response] : response
    },
    reset: () => state.reset(),
    close: () => stop(server),
  }
}

class State {
  requests: RecordedRequest[] = []
  charges: Charge[] = []
  media = new Map<string, Buffer>()
  paid = new Set<string>()
  responder: Responder = RESPONSES.ok
  open = 0
  peak = 0
  origin = ''
  readonly options: GatewayOptions
  #ids = 0

  constructor(options: GatewayOptions) {
    this.options = options
  }

  get costMicros(): number {
    return this.options.priceMicros ?? 60_000
  }

  nextId(): string {
    this.#ids += 1
    return `req_${String(this.#ids).padStart(6, '0')}`
  }

  reset(): void {
    this.requests = []
    this.charges = []
    this.paid.clear()
    this.responder = RESPONSES.ok
    this.peak = 0
  }
}

async function serve(incoming: IncomingMessage, response: ServerResponse, state: State): Promise<void> {
  const requestId = state.nextId()
  response.setHeader('x-lumenfall-request-id', requestId)
  const { method = '', url: path = '', headers } = incoming
  try {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk)
    const form = await readForm(headers, Buffer.concat(chunks))
    const request: RecordedRequest = { method, path, headers, fields: {}, ...form, requestId }
    state.requests.push(request)
    state.open += 1
    state.peak = Math.max(state.peak, state.open)
    await send(response, await answer(request, form !== undefined, state))
  } catch (error) {
    // A client that hangs up is part of many tests.
    if (!incoming.destroyed && !response.headersSent) response.writeHead(500).end(String(error))
  } finally {
    state.open -= 1
  }
}

async function answer(request: RecordedRequest, isForm: boolean, state: State): Promise<Answer> {
  const url = new URL(request.path, state.origin)
  const picture = request.method === 'GET' ? state.media.get(url.pathname) : undefined
  if (picture !== undefined) return { status: 200, headers: { 'content-type': 'image/png' }, body: picture }
  if (request.method !== 'POST' || url.pathname !== `${API}/images/edits`) {
    return refuse(404, 'NOT_FOUND', `No such address: ${url.pathname}`)
  }
  const refusal = refuseForm(request, isForm, state.options)
  if (refusal !== undefined) return refusal
  if (isDryRun(request.path)) return json(estimate(request, state.costMicros))
  if (state.options.workMs !== undefined) await sleep(state.options.workMs)
  return state.responder(openSale(request, state))
}

/** What the real service checks before it asks anybody to work. */
function refuseForm(request: RecordedRequest, isForm: boolean, options: GatewayOptions): Answer | undefined {
  const bearer = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1]
  if (bearer === undefined || (options.key !== undefined && bearer !== options.key)) {
    return refuse(401, 'AUTHENTICATION_FAILED', 'Invalid API key', 'authentication_error')
  }
  if (!isForm) return refuse(400, 'INVALID_REQUEST', 'Send multipart/form-data')
  const { fields, image } = request
  const models = options.models ?? ['ideogram-upscale', 'fal/ideogram-upscale']
  if (!models.includes(fields.model ?? ''))
    return refuse(404, 'MODEL_NOT_FOUND', `Model '${fields.model}' not found`)
  if (image === undefined || !/^image(?:\[\])?$/.test(image.part)) {
    return refuse(400, 'INVALID_REQUEST', 'An image is required')
  }
  if (!(Number(fields.scale_factor) >= 1)) return refuse(400, 'INVALID_REQUEST', 'scale_factor is required')
  return undefined
}

/** A question for the price of an order. */
function isDryRun(path: string): boolean {
  return new URLSearchParams(path.split('?')[1]).get('dryRun') === 'true'
}

function openSale(request: RecordedRequest, state: State): Sale {
  const { requestId, fields } = request
  const key = request.headers['idempotency-key']
  const charge = (): void => {
    if (state.options.idempotent === true && state.paid.has(String(key))) return
    state.paid.add(String(key))
    state.charges.push({ requestId, costMicros: state.costMicros * Number(fields.n ?? 1) })
  }
  return {
    request,
    image: request.image?.bytes ?? Buffer.alloc(0),
    scale: Number(fields.scale_factor),
    origin: state.origin,
    charge,
    async sell(picture) {
      charge()
      const path = `/media/${requestId}.png`
      state.media.set(path, picture)
      const sold =
        fields.response_format === 'b64_json'
          ? { b64_json: picture.toString('base64') }
          : { url: `${state.origin}${path}` }
      return { created: 1_700_000_000, data: [sold], metadata: metadata(fields, state.costMicros) }
    },
  }
}

function metadata(fields: Readonly<Record<string, string>>, costMicros: number): object {
  return {
    model: fields.model,
    executed_model: 'fal/fal-ai/ideogram/upscale',
    provider: 'fal',
    provider_name: 'fal.ai',
    cost: (costMicros / 1e6) * Number(fields.n ?? 1),
    cost_currency: 'USD',
  }
}

function estimate({ fields }: RecordedRequest, costMicros: number): object {
  const total = costMicros * Number(fields.n ?? 1)
  return { estimated: true, model: fields.model, provider: 'fal', total_cost_micros: total, currency: 'USD' }
}
