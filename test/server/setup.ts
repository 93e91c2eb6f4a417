import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import OpenAI from 'openai'
import sharp from 'sharp'
import { createServer, type Logger, type ServerOptions } from '../../packages/server/src/index.ts'
import { type Gateway, RESPONSES } from '../services/gateway/index.ts'

/** A key for clients; no test may find it in anything that was said. */
export const KEY = 'team-canary-5f1d0c7e'

/** Every line that any server of this file logged. */
export const said: string[] = []

const logger: Logger = {
  info: line => said.push(line),
  warn: line => said.push(line),
  error: line => said.push(line),
}

export interface Running {
  /** The base URL for clients. */
  readonly url: string
  readonly root: string
  /** A client of OpenAI's own making that does not repeat anything. */
  readonly client: OpenAI
  /** Ends the server and leaves its project folder. */
  stop(): Promise<void>
  /** Ends the server and removes its project folder. */
  close(): Promise<void>
}

/** Where project folders lie; taken now, since tests may move the folder of temporary files. */
const PROJECTS = tmpdir()

const running: Running[] = []

/** What a test may change: keys of clients as in the environment, the clocks, and the options. */
export interface Start extends Omit<ServerOptions, 'models'> {
  readonly models?: ServerOptions['models'] | undefined
  readonly keys?: string
  readonly uptime?: () => number
}

/** Starts a server on a free port, with a project folder of its own. */
export async function start({ keys = KEY, uptime, ...rest }: Start = {}): Promise<Running> {
  const { models, ...options } = { models: { plain: 'resize' }, ...rest }
  const root = rest.root ?? (await mkdtemp(join(PROJECTS, 'upscale-server-test-')))
  const env = { UPSCALE_SERVER_KEYS: keys }
  const server = createServer(
    { ...options, root, ...(models && { models }) },
    { env, logger, ...(uptime && { uptime }) },
  )
  const url = await server.listen({ port: 0 })
  const one: Running = {
    url,
    root,
    client: new OpenAI({ baseURL: url, apiKey: KEY, maxRetries: 0 }),
    stop: () => server.close(),
    async close() {
      await server.close()
      await rm(root, { recursive: true, force: true })
    },
  }
  running.push(one)
  return one
}

export async function closeAll(): Promise<void> {
  await Promise.all(running.splice(0).map(one => one.close()))
}

/** Fields of the form, also those that OpenAI's types don't have. */
export type Fields = Readonly<Record<string, unknown>>

/** What comes back; the client keeps fields that its types don't have. */
export interface Answer {
  readonly id: string
  readonly created: number
  readonly size: string
  readonly output_format: string
  readonly data: readonly { readonly url?: string; readonly b64_json?: string }[]
  readonly metadata: Readonly<Record<string, unknown>>
  readonly _request_id?: string
}

/** Orders with OpenAI's client. */
export async function edit(client: OpenAI, fields: Fields, query?: Fields): Promise<Answer> {
  const params = {
    model: 'plain',
    scale_factor: 2,
    ...fields,
  } as unknown as OpenAI.ImageEditParamsNonStreaming
  return (await client.images.edit(params, { query })) as unknown as Answer
}

/** A picture with a gradient and a shade, so that two of them differ. */
export async function picture(shade = 0, format: 'png' | 'jpeg' | 'webp' = 'png'): Promise<Buffer> {
  const width = 24
  const height = 16
  const data = Buffer.alloc(width * height * 3)
  for (let at = 0; at < data.length; at++) {
    data[at] = Math.min(255, (Math.floor(at / 3) % width) * 8 + shade + (at % 3) * 10)
  }
  return sharp(data, { raw: { width, height, channels: 3 } })
    .toFormat(format)
    .toBuffer()
}

/** Width, height and format of an answer's picture, wherever it is. */
export async function look(
  answer: Answer,
  index = 0,
): Promise<{ width: number; height: number; format: string }> {
  const { url, b64_json } = answer.data[index]!
  const bytes = url === undefined ? Buffer.from(b64_json!, 'base64') : await download(url)
  const { width, height, format } = await sharp(bytes).metadata()
  return { width, height, format }
}

async function download(url: string): Promise<Buffer> {
  const response = await fetch(url)
  if (response.status !== 200) throw new Error(`HTTP ${response.status}`)
  return Buffer.from(await response.arrayBuffer())
}

/** A form with the picture last, as `fetch` sends it. */
export function form(image: Buffer, fields: Readonly<Record<string, string>> = {}): FormData {
  const body = new FormData()
  for (const [name, value] of Object.entries({ model: 'plain', ...fields })) body.append(name, value)
  body.append('image', new File([new Uint8Array(image)], 'a.png', { type: 'image/png' }))
  return body
}

export interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly body: {
    readonly error?: { readonly code: string; readonly message: string; readonly type: string }
  }
}

/** Sends a body to the edits route as it is, and reads the answer as JSON. */
export async function post(
  { url }: Running,
  body: FormData | Uint8Array | ReadableStream | string,
  headers: Readonly<Record<string, string>> = {},
  query = '',
): Promise<Reply> {
  const response = await fetch(`${url}/images/edits${query}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY}`, ...headers },
    body: body as FormData,
    ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
  })
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Reply['body'],
  }
}

/** Makes a paid service hold back its answers, so that a test can act while an order is under way. */
export function hold(gateway: Gateway): { readonly arrived: Promise<void>; release(): void } {
  let arrive = (): void => {}
  let release = (): void => {}
  const arrived = new Promise<void>(resolve => {
    arrive = resolve
  })
  const released = new Promise<void>(resolve => {
    release = resolve
  })
  gateway.respondWith(async sale => {
    arrive()
    await released
    return RESPONSES.ok(sale)
  })
  return { arrived, release }
}
