import { createServer as createHttpServer, type IncomingMessage } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import { createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { type ErrorCode, type LumenfallOptions, lumenfall } from 'upscale-core'
import { readLedger } from 'upscale-core/internal'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Gateway, startGateway, TestProject } from './gateway/index.ts'
import { listen } from './gateway/wire.ts'

// What servers and proxies may do with an answer on its way, as bytes: all of it allowed, or seen in the field. The order
// was charged each time, so either the picture is there, or what came is kept and nothing is ordered again.

const KEY = 'lmnfl_wire.forms'

let gateway: Gateway
const project = new TestProject()
const servers: Server[] = []

beforeAll(async () => {
  gateway = await startGateway({ key: KEY })
})
afterAll(() => gateway.close())
beforeEach(async () => {
  gateway.reset()
  await project.open()
})
afterEach(async () => {
  for (const server of servers.splice(0)) server.close()
  await project.close()
})

/** Writes an honest answer, JSON, into the line. */
type Form = (body: Buffer, line: Socket) => void | Promise<void>

const CRLF = '\r\n'
const head = (...lines: readonly string[]): string => [...lines, '', ''].join(CRLF)
const OK = 'HTTP/1.1 200 OK'
const JSON_TYPE = 'content-type: application/json'
const lengthOf = (body: Buffer, more = 0): string => `content-length: ${body.length + more}`

function chunked(body: Buffer, size: number, extension = ''): Buffer[] {
  const chunks: Buffer[] = []
  for (let at = 0; at < body.length; at += size) {
    const chunk = body.subarray(at, at + size)
    chunks.push(Buffer.from(chunk.length.toString(16) + extension + CRLF), chunk, Buffer.from(CRLF))
  }
  return chunks
}

const packed =
  (encoding: string, pack: (body: Buffer) => Buffer): Form =>
  (body, line) => {
    const small = pack(body)
    line.write(head(OK, JSON_TYPE, `content-encoding: ${encoding}`, lengthOf(small)))
    line.write(small)
  }

const after =
  (...interim: readonly string[]): Form =>
  (body, line) => {
    line.write(interim.join('') + head(OK, JSON_TYPE, lengthOf(body)))
    line.write(body)
  }

const WHOLE: Readonly<Record<string, Form>> = {
  'in chunks of one to three bytes'(body, line) {
    line.write(head(OK, JSON_TYPE, 'transfer-encoding: chunked'))
    for (const chunk of chunked(body, 3)) line.write(chunk)
    line.write(`0${CRLF}${CRLF}`)
  },
  'in chunks with extensions, and trailers'(body, line) {
    line.write(head(OK, JSON_TYPE, 'transfer-encoding: chunked', 'trailer: x-sum'))
    for (const chunk of chunked(body, 1000, ';name="value"')) line.write(chunk)
    line.write(`0${CRLF}x-sum: 7${CRLF}${CRLF}`)
  },
  'after early hints and a sign of life': after(
    head('HTTP/1.1 103 Early Hints', 'link: </a.css>; rel=preload'),
    head('HTTP/1.1 102 Processing'),
    head('HTTP/1.1 103 Early Hints'),
  ),
  'without a reason in the status line'(body, line) {
    line.write(head('HTTP/1.1 200 ', JSON_TYPE, lengthOf(body)))
    line.write(body)
  },
  'as HTTP/1.0, up to the end of the line'(body, line) {
    line.write(head('HTTP/1.0 200 OK', JSON_TYPE))
    line.end(body)
  },
  'and the line is closed behind it'(body, line) {
    line.write(head(OK, JSON_TYPE, lengthOf(body), 'keep-alive: timeout=60'))
    line.end(body)
  },
  'packed as identity': packed('identity', body => body),
  'packed as gzip': packed('gzip', gzipSync),
  'packed as x-gzip': packed('x-gzip', gzipSync),
  'packed as br': packed('br', brotliCompressSync),
  'said to be packed, and is not': packed('gzip', body => body),
  'packed as deflate': packed('deflate', deflateSync),
  'packed twice': packed('gzip, br', body => brotliCompressSync(gzipSync(body))),
  'packed as gzip without a word about it': (body, line) => {
    const small = gzipSync(body)
    line.write(head(OK, JSON_TYPE, lengthOf(small)))
    line.write(small)
  },
  'behind a byte order mark'(body, line) {
    const marked = Buffer.concat([Buffer.from('\ufeff'), body])
    line.write(head(OK, JSON_TYPE, lengthOf(marked)))
    line.write(marked)
  },
  // What is whole by what it says is none the worse for a line that says otherwise, or nothing.
  'with more length than it has'(body, line) {
    line.write(head(OK, JSON_TYPE, lengthOf(body, 10)))
    line.end(body)
  },
  'in chunks, and the line is reset'(body, line) {
    line.write(head(OK, JSON_TYPE, 'transfer-encoding: chunked'))
    for (const chunk of chunked(body, body.length)) line.write(chunk)
    setTimeout(() => line.resetAndDestroy(), 100)
  },
}

/** Whole as well, and nobody ends it until the deadline does. */
const ENDLESS: Readonly<Record<string, Form>> = {
  'with more length than it has, and nothing more'(body, line) {
    line.write(head(OK, JSON_TYPE, lengthOf(body, 10)))
    line.write(body)
  },
  'in chunks, of which the last never comes'(body, line) {
    line.write(head(OK, JSON_TYPE, 'transfer-encoding: chunked'))
    for (const chunk of chunked(body, 1000)) line.write(chunk)
  },
  'without a length, up to no end'(body, line) {
    line.write(head(OK, JSON_TYPE))
    line.write(body)
  },
  'packed as gzip, up to no end'(body, line) {
    line.write(head(OK, JSON_TYPE, 'content-encoding: gzip'))
    line.write(gzipSync(body))
  },
}

const BROKEN: Readonly<Record<string, readonly [code: ErrorCode, isKept: boolean, form: Form]>> = {
  /** Allowed by RFC 9110, 15.2, and taken for a broken line by undici, which hands nothing of it on. */
  'after a 100 that nobody asked for': ['API_INTERRUPTED', false, after(head('HTTP/1.1 100 Continue'))],
  'cut off, with the length of the whole': [
    'API_INTERRUPTED',
    true,
    (body, line) => {
      line.write(head(OK, JSON_TYPE, lengthOf(body)))
      line.end(body.subarray(0, -1))
    },
  ],
  'of a picture alone, cut off': [
    'API_INTERRUPTED',
    true,
    (body, line) => {
      const picture = Buffer.from(JSON.parse(body.toString()).data[0].b64_json, 'base64')
      line.write(head(OK, 'content-type: image/png', lengthOf(picture)))
      line.end(picture.subarray(0, -8))
    },
  ],
  'with less length than it has': [
    'API_BAD_ANSWER',
    true,
    (body, line) => {
      line.write(head(OK, JSON_TYPE, lengthOf(body, -10)))
      line.write(body)
    },
  ],
  'packed and cut off': ['API_BAD_ANSWER', true, packed('gzip', body => gzipSync(body).subarray(0, -20))],
  'with a length and chunks': [
    'API_INTERRUPTED',
    false,
    (body, line) => {
      line.write(head(OK, JSON_TYPE, 'transfer-encoding: chunked', lengthOf(body)))
      for (const chunk of chunked(body, 1000)) line.write(chunk)
      line.write(`0${CRLF}${CRLF}`)
    },
  ],
  'with a header without an end': [
    'API_INTERRUPTED',
    false,
    (body, line) => {
      line.write(head(OK, JSON_TYPE, `x-long: ${'a'.repeat(100_000)}`, lengthOf(body)))
      line.write(body)
    },
  ],
  'in another protocol': ['API_INTERRUPTED', false, (_, line) => void line.end(`SSH-2.0-OpenSSH_9.2${CRLF}`)],
}

const plainly: Form = (body, line) => {
  line.write(head(OK, JSON_TYPE, lengthOf(body)))
  line.write(body)
}

const isQuestion = ({ url = '' }: IncomingMessage): boolean => url.includes('dryRun=true')

/** A proxy that hands orders on to the gateway, and writes its answers as it likes. */
async function front(form: Form): Promise<string> {
  const server = createHttpServer((incoming, response) => void answer(incoming, response.socket))
  async function answer(incoming: IncomingMessage, line: Socket | null): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk)
    const { authorization = '', 'content-type': type = '' } = incoming.headers
    const sold = await fetch(new URL(incoming.url ?? '', gateway.url), {
      method: 'POST',
      headers: { authorization, 'content-type': type },
      body: Buffer.concat(chunks),
    })
    const body = Buffer.from(await sold.arrayBuffer())
    line?.on('error', () => undefined)
    // Questions for the price are answered as they should be: nobody pays for them.
    if (line !== null) await (isQuestion(incoming) ? plainly : form)(body, line)
  }
  servers.push(server)
  return `${await listen(server)}/openai/v1`
}

const run = (baseURL: string, options: LumenfallOptions = {}) => ({
  engine: lumenfall({ baseURL, ...options }),
  env: { LUMENFALL_API_KEY: KEY },
})

test.each(Object.entries(WHOLE))('an answer %s is taken', async (_, form) => {
  const url = await front(form)
  expect(await project.upscale(run(url))).toMatchObject({ origin: 'engine', width: 96 })
  expect((await project.upscale({ ...run(url), request: { factor: 1.5 } })).origin).toBe('cache')
  expect(gateway.charges).toHaveLength(1)
})

test.each(Object.entries(ENDLESS))('an answer %s is taken at the deadline', async (_, form) => {
  const url = await front(form)
  expect((await project.upscale(run(url, { timeoutMs: 4000 }))).origin).toBe('engine')
  expect(gateway.charges).toHaveLength(1)
})

test.each(Object.entries(BROKEN).map(([name, facts]) => [name, ...facts] as const))(
  'an answer %s is in doubt (%s, what came is kept: %s), and nothing is ordered again',
  async (_, code, isKept, form) => {
    const url = await front(form)
    const error = await project.refusal(() => project.upscale(run(url)))
    expect(error.code).toBe(code)
    expect(error.message.includes('is kept in'), error.message).toBe(isKept)
    expect((await project.refusal(() => project.upscale(run(url)))).code).toBe('CALL_UNCERTAIN')
    expect(gateway.charges).toHaveLength(1)
  },
)

// What nobody knows the end of is no refusal, whatever number or code stands on it.
test.each([
  ['499, of who hung up', 499, undefined],
  ['460, of who hung up', 460, undefined],
  ['424, of whoever works for the service', 424, undefined],
  ['423, of an order that is locked', 423, undefined],
  ['502 with the code of a refusal', 502, 'RATE_LIMITED'],
  ['500 with the code of a refusal', 500, 'INVALID_REQUEST'],
])('the status %s leaves it in doubt whether the order was charged', async (_, status, code) => {
  const said = Buffer.from(
    code === undefined ? '<h1>Sorry</h1>' : JSON.stringify({ error: { code, message: 'no' } }),
  )
  const url = await front((_body, line) => {
    line.write(head(`HTTP/1.1 ${status} No`, lengthOf(said)))
    line.write(said)
  })
  expect((await project.refusal(() => project.upscale(run(url)))).code).toBe('API_UNAVAILABLE')
  expect((await project.refusal(() => project.upscale(run(url)))).code).toBe('CALL_UNCERTAIN')
  expect(gateway.charges).toHaveLength(1)
})

// A service that charges all the same, or a proxy that writes a number of its own over an answer.
const pictureOf = (body: Buffer): Buffer => Buffer.from(JSON.parse(`${body}`).data[0].b64_json, 'base64')
const REFUSED = [400, 402, 429, 451, 500, 503].flatMap(status => [
  [status, 'an answer', (body: Buffer) => body] as const,
  [status, 'a picture alone', pictureOf] as const,
  [status, 'a long answer', (body: Buffer) => Buffer.concat([body, Buffer.alloc(100_000, ' ')])] as const,
])

const refused =
  (status: number, change: (body: Buffer) => Buffer, missing = 0): Form =>
  (body, line) => {
    const said = change(body)
    line.write(head(`HTTP/1.1 ${status} No`, 'retry-after: 0', lengthOf(said)))
    line.end(said.subarray(0, said.length - missing))
  }

test.each(REFUSED)('the status %d over %s: it is taken, and ordered once', async (status, _, change) => {
  const url = await front(refused(status, change))
  expect((await project.upscale(run(url))).origin).toBe('engine')
  expect((await project.upscale({ ...run(url), request: { factor: 1.5 } })).origin).toBe('cache')
  expect(await events()).toEqual(['charged', 'stored'])
  expect(gateway.charges).toHaveLength(1)
})

const events = async (): Promise<string[]> =>
  (await readLedger(join(project.root, '.upscale'))).map(({ event }) => event)

const inWords = (body: Buffer): Buffer =>
  Buffer.from(JSON.stringify({ ...JSON.parse(`${body}`), error: { code: 'RATE_LIMITED', message: 'no' } }))

test.each([
  ['a refusal in words with a picture in it', refused(400, inWords)],
  ['a limit in words with a picture in it', refused(429, inWords)],
  ['a success in which a refusal and a picture are', refused(200, inWords)],
  ['a refusal whose picture is cut off', refused(429, pictureOf, 8)],
  ['a refusal whose answer is cut off', refused(400, body => body, 10)],
])('%s is in doubt: what came is kept, and nothing is ordered again', async (_, form) => {
  const url = await front(form)
  const error = await project.refusal(() => project.upscale(run(url)))
  expect([error.code, error.message]).toEqual(['API_BAD_ANSWER', expect.stringContaining('is kept in')])
  expect((await project.refusal(() => project.upscale(run(url)))).code).toBe('CALL_UNCERTAIN')
  expect(await events()).toEqual(['uncertain'])
  expect(gateway.charges).toHaveLength(1)
})

test('a refusal as long as an answer, with none in it, costs nothing', async () => {
  const page = () => Buffer.from(`<html><h1>Sorry</h1>${'<p>no</p>'.repeat(20_000)}`)
  const url = await front(refused(400, page))
  expect((await project.refusal(() => project.upscale(run(url)))).code).toBe('API_REJECTED')
  expect(await events()).toEqual(['free'])
})

test('a line that is closed between two orders costs none of them', async () => {
  const url = await front((body, line) => {
    line.write(head(OK, JSON_TYPE, lengthOf(body), 'connection: keep-alive'))
    line.write(body, () => line.end())
  })
  for (const seed of [1, 2, 3]) {
    const request = { params: { seed: `${seed}` } }
    expect((await project.upscale({ ...run(url), request })).origin).toBe('engine')
  }
  expect(gateway.charges).toHaveLength(3)
})

test.each([301, 302, 303, 307, 308])(
  'a redirect with %i to another host is not followed, and the key stays here',
  async status => {
    let visits = 0
    const other = createTcpServer(line => {
      visits++
      line.destroy()
    })
    servers.push(other)
    const elsewhere = await listen(other as never)
    const url = await front((_, line) => {
      line.write(
        head(
          `HTTP/1.1 ${status} Elsewhere`,
          `location: ${elsewhere}/openai/v1/images/edits`,
          'content-length: 0',
        ),
      )
    })
    const error = await project.refusal(() => project.upscale(run(url)))
    expect(error.code).toBe('API_BAD_ANSWER')
    expect(visits).toBe(0)
  },
)

test('a server that speaks HTTP/2 alone is named', async () => {
  const server = createHttp2Server()
  servers.push(server as never)
  const url = `${await listen(server as never)}/openai/v1`
  const error = await project.refusal(() => project.upscale(run(url)))
  expect(error.code).toBe('API_INTERRUPTED')
  expect(error.message).toContain('does not match the HTTP/1.1 protocol')
})
