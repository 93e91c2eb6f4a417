import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { FATES, type FakeJob, type Fate, type FateName, REFUSALS, type RefusalName } from './fal-fates.ts'
import { json } from './faults.ts'
import type { Charge } from './gateway.ts'
import { enlarge } from './picture.ts'
import type { Answer } from './sale.ts'
import { listen, send, stop } from './wire.ts'

/** One request, as it arrived. */
export interface FalRequest {
  readonly method: string
  /** Path with query. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** The body as JSON; undefined where it is none. */
  readonly json: unknown
}

/** fal's queue, storage and media on one port of this machine: honest unless told otherwise. */
export interface FalService {
  /** What goes into `baseURL` and `uploadURL`. */
  readonly url: string
  readonly requests: readonly FalRequest[]
  /** The orders among them, refused ones included. */
  readonly orders: readonly FalRequest[]
  readonly charges: readonly Charge[]
  readonly chargedMicros: number
  /** Ids of jobs that were taken back while they waited. */
  readonly cancelled: readonly string[]
  /** From now on, orders become this. Jobs that exist keep their fate. */
  become(fate: FateName | Fate): void
  /** The next orders are refused, one after the other. */
  refuse(...refusals: readonly RefusalName[]): void
  /** From now on, what was begun or made is said under this status. */
  speakUnder(status: number): void
  /** The next questions for a status are answered with this status and a web page. */
  breakStatus(...statuses: readonly number[]): void
  /** Jobs that stay queued or at work are finished with the next question. */
  finishAll(): void
  /** Answers to an order name these addresses instead of their own. */
  nameAddresses(addresses: Readonly<Record<string, string>> | undefined): void
  /** Milliseconds that the next order is thought about, after it was taken. */
  delayOrder(ms: number): void
  /** Waits until the next request of this method, with this in its path, has arrived. */
  seen(method: string, part: string): Promise<void>
  reset(): void
  close(): Promise<void>
}

const PRICE_MICROS = 60_000
const APP = '/fal-ai/ideogram'

interface QueuedJob extends FakeJob {
  readonly fate: Fate
  asked: number
  finished: boolean
  result?: Promise<Answer>
}

/** @param key - the only key that is accepted */
export async function startFal(key: string): Promise<FalService> {
  const state = new State(key)
  const server = createServer((request, response) => void serve(request, response, state))
  server.keepAliveTimeout = 1
  state.origin = await listen(server)
  return {
    url: state.origin,
    get requests() {
      return state.requests
    },
    get orders() {
      return state.requests.filter(({ method, path }) => method === 'POST' && path === `${APP}/upscale`)
    },
    get charges() {
      return state.charges
    },
    get chargedMicros() {
      return state.charges.reduce((sum, { costMicros }) => sum + costMicros, 0)
    },
    get cancelled() {
      return state.cancelled
    },
    become(fate) {
      state.fate = typeof fate === 'string' ? FATES[fate] : fate
    },
    refuse: (...refusals) => void state.refusals.push(...refusals.map(name => REFUSALS[name])),
    speakUnder(status) {
      state.status = status
    },
    breakStatus: (...statuses) => void state.statuses.push(...statuses),
    finishAll() {
      for (const job of state.jobs.values()) job.finished = true
    },
    nameAddresses(addresses) {
      state.addresses = addresses
    },
    delayOrder(ms) {
      state.delayMs = ms
    },
    seen: (method, part) => new Promise(resolve => state.watchers.push({ method, part, resolve })),
    reset: () => state.reset(),
    close: () => stop(server),
  }
}

interface Watcher {
  readonly method: string
  readonly part: string
  resolve(): void
}

class State {
  requests: FalRequest[] = []
  charges: Charge[] = []
  cancelled: string[] = []
  jobs = new Map<string, QueuedJob>()
  files = new Map<string, Buffer>()
  fate: Fate = FATES.ok
  refusals: Answer[] = []
  statuses: number[] = []
  /** Absent where each is said under its own. */
  status: number | undefined
  watchers: Watcher[] = []
  delayMs = 0
  addresses: Readonly<Record<string, string>> | undefined
  origin = ''
  readonly key: string
  #ids = 0

  constructor(key: string) {
    this.key = key
  }

  nextId(): string {
    this.#ids += 1
    return `0a1b2c3d-${String(this.#ids).padStart(4, '0')}`
  }

  reset(): void {
    this.requests = []
    this.charges = []
    this.cancelled = []
    this.fate = FATES.ok
    this.refusals = []
    this.statuses = []
    this.status = undefined
    this.delayMs = 0
    this.addresses = undefined
  }
}

async function serve(incoming: IncomingMessage, response: ServerResponse, state: State): Promise<void> {
  const { method = '', url: path = '', headers } = incoming
  response.setHeader('x-fal-request-id', 'fal-request')
  try {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    const request = { method, path, headers, body, json: readJson(body) }
    state.requests.push(request)
    const reply = await answer(request, state)
    tellWatchers(request, state)
    if (method === 'POST') await sleep(state.delayMs)
    await send(response, reply)
  } catch (error) {
    // A client that hangs up is part of many tests.
    if (!incoming.destroyed && !response.headersSent) response.writeHead(500).end(String(error))
  }
}

async function answer(request: FalRequest, state: State): Promise<Answer> {
  const { method } = request
  const { pathname } = new URL(request.path, state.origin)
  if (pathname.startsWith('/media/') || pathname.startsWith('/files/'))
    return storage(request, pathname, state)
  if (request.headers.authorization !== `Key ${state.key}`) return REFUSALS.unauthorized
  if (method === 'POST' && pathname === '/storage/upload/initiate') return prepareUpload(request, state)
  if (method === 'POST' && pathname === `${APP}/upscale`) return takeOrder(request, state)
  const [, id = '', question] =
    /^\/fal-ai\/ideogram\/requests\/([\w-]+)(?:\/(status|cancel))?$/.exec(pathname) ?? []
  const job = state.jobs.get(id)
  if (job === undefined) return json({ detail: 'Request not found' }, 404)
  if (method === 'PUT' && question === 'cancel') return cancel(job, state)
  if (method === 'GET' && question === 'status') return tellStatus(job, state)
  if (method === 'GET' && question === undefined) return tellResult(job, state)
  return json({ detail: 'Not Found' }, 404)
}

function storage({ method, body }: FalRequest, path: string, { files }: State): Answer {
  if (method === 'PUT') {
    files.set(path, body)
    return { status: 200 }
  }
  const kept = files.get(path)
  return kept === undefined
    ? { status: 404 }
    : { status: 200, headers: { 'content-type': 'image/png' }, body: kept }
}

function prepareUpload(request: FalRequest, { origin }: State): Answer {
  const { file_name: name } = request.json as { file_name: string }
  return json({ upload_url: `${origin}/files/${name}?signature=1`, file_url: `${origin}/files/${name}` })
}

async function takeOrder(request: FalRequest, state: State): Promise<Answer> {
  const refusal = state.refusals.shift()
  if (refusal !== undefined) return refusal
  const input = request.json as Record<string, unknown>
  const image = findImage(String(input.image_url), state)
  if (image === undefined) return json({ detail: [{ msg: 'field required', type: 'missing' }] }, 422)
  const id = state.nextId()
  const { origin, fate } = state
  state.jobs.set(id, {
    id,
    image,
    input,
    origin,
    fate,
    asked: 0,
    finished: false,
    charge: () => void state.charges.push({ requestId: id, costMicros: PRICE_MICROS }),
    publish(picture) {
      state.files.set(`/media/${id}.png`, picture)
      return `${origin}/media/${id}.png`
    },
  })
  const address = `${origin}${APP}/requests/${id}`
  const own = { response_url: address, status_url: `${address}/status`, cancel_url: `${address}/cancel` }
  if (fate.isAtOnce === true) {
    state.charges.push({ requestId: id, costMicros: PRICE_MICROS })
    return { status: state.status ?? 200, body: await enlarge(image, 2) }
  }
  const taken = { request_id: id, status: 'IN_QUEUE', queue_position: 0, ...(state.addresses ?? own) }
  return json(taken, state.status)
}

function findImage(address: string, { origin, files }: State): Buffer | undefined {
  const [, base64] = /^data:image\/png;base64,(.+)$/.exec(address) ?? []
  if (base64 !== undefined) return Buffer.from(base64, 'base64')
  return address.startsWith(origin) ? files.get(new URL(address).pathname) : undefined
}

/** The state that was told last, and before the first question the one that will be. */
function stateOf({ fate, asked, finished }: QueuedJob): string {
  const { states = [], stays = false } = fate
  const isDone = finished || (!stays && asked > states.length)
  return (isDone ? undefined : states[Math.min(Math.max(asked, 1), states.length) - 1]) ?? 'COMPLETED'
}

function tellStatus(job: QueuedJob, state: State): Answer {
  const broken = state.statuses.shift()
  if (broken !== undefined)
    return { status: broken, headers: { 'content-type': 'text/html' }, body: '<b>Bad</b>' }
  job.asked += 1
  const status = stateOf(job)
  if (status === 'COMPLETED') job.result ??= Promise.resolve(job.fate.result(job))
  return json({ status, request_id: job.id }, state.status ?? (status === 'COMPLETED' ? 200 : 202))
}

async function tellResult(job: QueuedJob, state: State): Promise<Answer> {
  const result = await job.result
  if (result === undefined) return json({ detail: 'Request is still in progress' }, 400)
  return { ...result, status: state.status ?? result.status }
}

function cancel(job: QueuedJob, state: State): Answer {
  if (stateOf(job) !== 'IN_QUEUE') return json({ status: 'ALREADY_COMPLETED' }, 400)
  state.jobs.delete(job.id)
  state.cancelled.push(job.id)
  return json({ status: 'CANCELLATION_REQUESTED' }, 202)
}

function readJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    // A picture, or nothing.
    return undefined
  }
}

function tellWatchers({ method, path }: FalRequest, state: State): void {
  const isCalled = (watcher: Watcher): boolean => watcher.method === method && path.includes(watcher.part)
  const called = state.watchers.filter(isCalled)
  state.watchers = state.watchers.filter(watcher => !isCalled(watcher))
  for (const { resolve } of called) resolve()
}
