import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import sharp from 'sharp'
import { json } from './faults.ts'
import type { Charge } from './gateway.ts'
import { type RecordedRequest, readForm } from './order.ts'
import * as picture from './picture.ts'
import type { Answer } from './sale.ts'
import { listen, send, stop } from './wire.ts'

/** Ideogram's v2 API and its media on one port of this machine: honest unless told otherwise. */
export interface IdeogramService {
  /** What goes into `baseURL`. */
  readonly url: string
  readonly requests: readonly RecordedRequest[]
  /** The orders among them, refused ones included; price questions are none. */
  readonly orders: readonly RecordedRequest[]
  readonly quotes: readonly RecordedRequest[]
  readonly charges: readonly Charge[]
  readonly chargedMicros: number
  /** From now on, orders become this. Jobs that exist keep their fate. */
  become(fate: IdeogramFate): void
  /** The next orders are refused, one after the other. */
  refuse(...refusals: readonly IdeogramRefusal[]): void
  /** From now on, what was begun or made is said under this status. */
  speakUnder(status: number): void
  /** The next questions for a state are answered so. */
  breakState(...answers: readonly Answer[]): void
  /** Jobs that stay pending are finished with the next question. */
  finishAll(): void
  /** What a price question is answered with, instead of the price. */
  quoteWith(answer: Answer | undefined): void
  /** Waits until the next request of this method, with this in its path, has arrived. */
  seen(method: string, part: string): Promise<void>
  reset(): void
  close(): Promise<void>
}

/** Millionths of a US dollar a megapixel of the result. */
const PRICE_MICROS = 30_000

interface Job {
  readonly id: string
  readonly fate: IdeogramFate
  readonly costMicros: number
  readonly image: Buffer
  readonly scale: number
  asked: number
}

const TREATMENTS = {
  ok: picture.enlarge,
  'at once': picture.enlarge,
  'picture itself': picture.enlarge,
  'in steps': picture.enlarge,
  'stays pending': picture.enlarge,
  'same size': async (source: Buffer) => source,
  cropped: picture.crop,
  black: picture.blacken,
  'no picture at all': async () => Buffer.from('this is no picture at all'),
}

/** What becomes of an order: its picture is treated so, or it ends in another way. */
export type IdeogramFate =
  | keyof typeof TREATMENTS
  | 'withheld'
  | 'failed'
  | 'failed without a charge'
  | 'nothing made'
  | 'elsewhere'
  | 'media gone'

const REFUSALS = {
  unauthorized: json({ message: 'Access denied. Please verify your API Token is valid.' }, 401),
  'no funds': json({ error: 'top up', reject_reason: 'insufficient_funds' }, 402),
  forbidden: json({ error: 'not for you' }, 403),
  'bad request': json({ error: 'upscale_factor is wrong' }, 400),
  unsafe: json({ error: 'the image failed the safety check' }, 422),
  'many in flight': json({ error: 'too many', reject_reason: 'inflight_limit' }, 429),
  'server error': json({ error: 'oops' }, 500),
  'no job': json({ seed: 1 }),
  'odd id': json({ generation_id: '../../x' }),
  'reset before answer': { status: 200, cutAfterBytes: 0 },
  hang: { status: 200, hang: true },
} satisfies Record<string, Answer>

export type IdeogramRefusal = keyof typeof REFUSALS

class State {
  requests: RecordedRequest[] = []
  charges: Charge[] = []
  jobs = new Map<string, Job>()
  media = new Map<string, Buffer>()
  fate: IdeogramFate = 'ok'
  status = 200
  refusals: Answer[] = []
  states: Answer[] = []
  quote: Answer | undefined
  origin = ''
  watchers: { method: string; part: string; resolve(): void }[] = []
  finished = false
  readonly key: string
  #ids = 0

  constructor(key: string) {
    this.key = key
  }

  nextId(): string {
    this.#ids += 1
    return `gen_0a1b-${String(this.#ids).padStart(4, '0')}`
  }

  reset(): void {
    Object.assign(this, { requests: [], charges: [], refusals: [], states: [], fate: 'ok', finished: false })
    this.quote = undefined
    this.status = 200
  }
}

/** @param key - the only key that is accepted */
export async function startIdeogram(key: string): Promise<IdeogramService> {
  const state = new State(key)
  const server = createServer((request, response) => void serve(request, response, state))
  server.keepAliveTimeout = 1
  state.origin = await listen(server)
  const posts = (isQuote: boolean): RecordedRequest[] =>
    state.requests.filter(({ method, path }) => method === 'POST' && path.includes('dry_run') === isQuote)
  return {
    url: state.origin,
    get requests() {
      return state.requests
    },
    get orders() {
      return posts(false)
    },
    get quotes() {
      return posts(true)
    },
    get charges() {
      return state.charges
    },
    get chargedMicros() {
      return state.charges.reduce((sum, { costMicros }) => sum + costMicros, 0)
    },
    become(fate) {
      state.fate = fate
    },
    refuse: (...refusals) => void state.refusals.push(...refusals.map(name => REFUSALS[name])),
    speakUnder(status) {
      state.status = status
    },
    breakState: (...answers) => void state.states.push(...answers),
    finishAll() {
      state.finished = true
    },
    quoteWith(answer) {
      state.quote = answer
    },
    seen: (method, part) => new Promise(resolve => state.watchers.push({ method, part, resolve })),
    reset: () => state.reset(),
    close: () => stop(server),
  }
}

async function serve(incoming: IncomingMessage, response: ServerResponse, state: State): Promise<void> {
  const { method = '', url: path = '', headers } = incoming
  try {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk)
    const form = await readForm(headers, Buffer.concat(chunks))
    const request = { method, path, headers, fields: {}, ...form, requestId: '' }
    state.requests.push(request)
    const reply = await answer(request, state)
    const called = state.watchers.filter(one => one.method === method && path.includes(one.part))
    state.watchers = state.watchers.filter(one => !called.includes(one))
    for (const { resolve } of called) resolve()
    await send(response, reply)
  } catch (error) {
    // A client that hangs up is part of many tests.
    if (!incoming.destroyed && !response.headersSent) response.writeHead(500).end(String(error))
  }
}

async function answer(request: RecordedRequest, state: State): Promise<Answer> {
  const { pathname, searchParams } = new URL(request.path, state.origin)
  if (pathname.startsWith('/media/')) return kept(state.media.get(pathname))
  if (request.headers['api-key'] !== state.key) return REFUSALS.unauthorized
  if (request.method === 'POST' && pathname.startsWith('/v2/image/upscale/topaz-'))
    return searchParams.get('dry_run') === 'true' ? quote(request, state) : takeOrder(request, state)
  const [, id = ''] = /^\/v2\/generations\/([\w-]+)$/.exec(pathname) ?? []
  const job = state.jobs.get(id)
  return job === undefined ? json({ error: 'no such generation' }, 404) : tellState(job, state)
}

function kept(body: Buffer | undefined): Answer {
  return body === undefined
    ? { status: 404 }
    : { status: 200, headers: { 'content-type': 'image/png' }, body }
}

async function quote(request: RecordedRequest, state: State): Promise<Answer> {
  if (state.quote !== undefined) return state.quote
  const usd_micros = await priceOf(request)
  return json({ object: 'price_quote', usd_micros, qualifier: 'exact', billing_identifier: 'x', quantity: 1 })
}

async function priceOf({ image, fields }: RecordedRequest): Promise<number> {
  const { width, height } = await sharp(image?.bytes).metadata()
  return Math.ceil((width * height * Number(fields.upscale_factor?.slice(1)) ** 2 * PRICE_MICROS) / 1e6)
}

async function takeOrder(request: RecordedRequest, state: State): Promise<Answer> {
  const refusal = state.refusals.shift()
  if (refusal !== undefined) return refusal
  const { image, fields } = request
  if (image === undefined || !/^x[248]$/.test(fields.upscale_factor ?? '')) return REFUSALS['bad request']
  const id = state.nextId()
  const scale = Number(fields.upscale_factor?.slice(1))
  const costMicros = await priceOf(request)
  const job: Job = { id, fate: state.fate, costMicros, image: image.bytes, scale, asked: 0 }
  state.jobs.set(id, job)
  if (state.fate === 'at once')
    return json({ ...(await finish(job, state)), generation_id: id }, state.status)
  if (state.fate === 'picture itself') {
    await finish(job, state)
    return { ...kept(state.media.get(`/media/${id}.png`)), status: state.status }
  }
  return json({ generation_id: id }, state.status)
}

async function tellState(job: Job, state: State): Promise<Answer> {
  const broken = state.states.shift()
  if (broken !== undefined) return broken
  job.asked += 1
  const isPending = job.fate === 'in steps' ? job.asked < 2 : job.fate === 'stays pending' && !state.finished
  if (isPending) return json({ generation_id: job.id, status: 'pending' })
  const facts = { generation_id: job.id, status: 'completed' }
  if (job.fate === 'failed') return json({ ...facts, status: 'failed', failure_reason: 'it broke' })
  if (job.fate === 'failed without a charge')
    return json({ ...facts, status: 'failed', failure_reason: 'it broke', usage_cost_usd_micros: 0 })
  return json(
    { ...facts, ...(await finish(job, state)), usage_cost_usd_micros: job.costMicros },
    state.status,
  )
}

/** Does the work and charges for it. */
async function finish({ id, fate, costMicros, image, scale }: Job, state: State): Promise<object> {
  state.charges.push({ requestId: id, costMicros })
  const entry = (url: string | null, is_image_safe = true): object => ({
    data: [{ object_type: 'image.upscale', url, is_image_safe, resolution: '1x1' }],
  })
  if (fate === 'withheld') return entry(null, false)
  if (fate === 'nothing made') return { data: [] }
  if (fate === 'elsewhere') return entry('https://evil.example/a.png')
  if (fate === 'media gone') return entry(`${state.origin}/media/gone.png`)
  if (fate === 'failed' || fate === 'failed without a charge') throw new Error('it ends without a picture')
  state.media.set(`/media/${id}.png`, await TREATMENTS[fate](image, scale))
  return entry(`${state.origin}/media/${id}.png?exp=1&signature=secret`)
}
