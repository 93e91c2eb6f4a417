import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isUpscaleError } from '../../errors.ts'
import { createHttpClient, type HttpClient, type HttpRequest, type HttpResponse } from './client.ts'
import { startDeadline } from './deadline.ts'

const KEY = 'lmnfl_canary.0123456789'
const servers: Server[] = []
const sockets = new Set<Socket>()
let client: HttpClient

beforeEach(() => {
  client = createHttpClient()
})

afterEach(async () => {
  await client.close()
  for (const socket of sockets) socket.destroy()
  sockets.clear()
  await Promise.all(servers.splice(0).map(server => new Promise(resolve => server.close(resolve))))
})

async function listen(server: Server): Promise<URL> {
  servers.push(server)
  server.on('connection', socket => {
    sockets.add(socket)
    socket.on('error', () => {})
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/edits?a=1`)
}

const http = (listener: RequestListener): Promise<URL> => listen(createServer(listener) as unknown as Server)
const tcp = (onSocket: (socket: Socket) => void): Promise<URL> => listen(createTcpServer(onSocket))

/** Reads the request up to the end of its body, then answers with raw text. */
const answerRaw = (write: (socket: Socket) => void): Promise<URL> =>
  tcp(socket => {
    let seen = ''
    socket.on('data', chunk => {
      seen += chunk.toString('latin1')
      if (seen.endsWith('END')) write(socket)
    })
  })

type Options = Partial<
  Pick<HttpRequest, 'method' | 'isOrder' | 'maxBytes' | 'body' | 'publicOnly' | 'onResponse'>
> & {
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

async function send(url: URL, options: Options = {}): Promise<HttpResponse> {
  const { method = 'POST', timeoutMs = 30_000, maxBytes = 1_000_000, publicOnly = false } = options
  const deadline = startDeadline(timeoutMs, options.signal ?? new AbortController().signal)
  const headers = { authorization: `Bearer ${KEY}` }
  const body = method === 'POST' ? { body: options.body ?? Buffer.from('some body END') } : {}
  const request: HttpRequest = {
    method,
    isOrder: options.isOrder ?? method === 'POST',
    url,
    headers,
    maxBytes,
    deadline,
    secrets: [KEY],
    publicOnly,
    ...body,
    ...(options.onResponse === undefined ? {} : { onResponse: options.onResponse }),
  }
  try {
    return await client.send(request)
  } finally {
    deadline.clear()
  }
}

async function failure(url: URL, options: Options = {}) {
  const error = await send(url, options).then(
    response => new Error(`no failure, but ${response.status}`),
    reason => reason,
  )
  if (!isUpscaleError(error)) throw error
  const everything = [error.message, error.stack, JSON.stringify(error.details), String(error.cause)].join(
    ' ',
  )
  expect(everything).not.toContain(KEY)
  return error
}

describe('what arrives', () => {
  test('method, path, headers and body, with a length and on a connection of its own', async () => {
    const seen: unknown[] = []
    const url = await http(async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk)
      seen.push(request.method, request.url, request.headers, Buffer.concat(chunks).length)
      response.end('{}')
    })
    await send(url, { body: Buffer.alloc(200_000, 1) })
    expect(seen[0]).toBe('POST')
    expect(seen[1]).toBe('/edits?a=1')
    expect(seen[2]).toMatchObject({
      authorization: `Bearer ${KEY}`,
      connection: 'close',
      'content-length': '200000',
      'accept-encoding': 'identity',
      'user-agent': 'upscale-core',
    })
    expect(seen[2]).not.toHaveProperty('transfer-encoding')
    expect(seen[3]).toBe(200_000)
  })

  test('status, headers in lower case and the whole body come back, whatever the status', async () => {
    const url = await http((_, response) =>
      response.writeHead(418, { 'X-Request-Id': 'a' }).end('short and stout'),
    )
    const answer = { status: 418, headers: { 'x-request-id': 'a' }, body: Buffer.from('short and stout') }
    expect(await send(url)).toMatchObject(answer)
  })

  test('a redirect is an answer: it is not followed, here to a port where nobody listens', async () => {
    const url = await http((_, response) => response.writeHead(307, { location: 'http://127.0.0.1:9' }).end())
    expect((await send(url)).status).toBe(307)
  })

  test.each(['and closes', 'and waits'])(
    'a refusal that comes before the body was sent %s is that refusal',
    async then => {
      const url = await tcp(socket => {
        socket.once('data', () => {
          socket.pause()
          const refusal = 'HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\n{}'
          if (then === 'and closes') socket.end(refusal)
          else socket.write(refusal)
        })
      })
      expect((await send(url, { body: Buffer.alloc(64 * 1024 * 1024) })).status).toBe(413)
    },
  )

  test('a client works again after it was closed', async () => {
    const url = await http((_, response) => response.end('ok'))
    await send(url)
    await client.close()
    expect((await send(url)).status).toBe(200)
  })
})

describe('limits', () => {
  const endless: RequestListener = (_, response) => {
    const pump = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536))) {}
    }
    response.on('drain', pump)
    pump()
  }

  test('an endless body is refused', async () => {
    expect((await failure(await http(endless))).code).toBe('ANSWER_TOO_LARGE')
  })

  test('a length over the limit is refused before the body is read', async () => {
    const url = await http((_, response) => {
      response.writeHead(200, { 'content-length': '2000000' })
      response.write('x')
    })
    expect((await failure(url)).code).toBe('ANSWER_TOO_LARGE')
  })

  test('a body of exactly the limit is taken', async () => {
    const url = await http((_, response) => response.end(Buffer.alloc(1000)))
    expect((await send(url, { maxBytes: 1000 })).body).toHaveLength(1000)
    expect((await failure(url, { maxBytes: 999 })).code).toBe('ANSWER_TOO_LARGE')
  })

  test('of an endless refusal the beginning is kept', async () => {
    const url = await http((request, response) => {
      response.writeHead(400)
      endless(request, response)
    })
    const response = await send(url)
    expect(response.status).toBe(400)
    expect(response.body).toHaveLength(65_536)
  })

  test('a refusal whose words are cut off is still that refusal', async () => {
    const url = await answerRaw(socket => socket.end('HTTP/1.1 402 No\r\ncontent-length: 100\r\n\r\n{"err'))
    expect(await send(url)).toMatchObject({ status: 402, body: Buffer.from('{"err') })
  })
})

describe('before the order was handed over: nothing can have been charged', () => {
  test.each([
    ['a port where nobody listens', 'http://127.0.0.1:9', 'ECONNREFUSED'],
    ['a name that does not exist', 'http://nothing.invalid', 'nothing.invalid'],
  ])('%s', async (_, url, reason) => {
    const error = await failure(new URL(url))
    expect(error.code).toBe('API_UNREACHABLE')
    expect(error.message).toMatch(new RegExp(`${reason}.*nothing was ordered`))
  })

  test('a server that speaks no TLS', async () => {
    const url = await http((_, response) => response.end())
    url.protocol = 'https:'
    expect((await failure(url)).code).toBe('API_UNREACHABLE')
  })

  test('a connection that is reset while the body is on its way', async () => {
    const url = await tcp(socket => {
      socket.once('data', () => {
        socket.pause()
        setTimeout(() => socket.resetAndDestroy(), 50)
      })
    })
    // Far more than both socket buffers hold, so the end can't have left.
    const error = await failure(url, { body: Buffer.alloc(64 * 1024 * 1024) })
    expect(error.code).toBe('API_UNREACHABLE')
  })

  test('a deadline that passes while the server takes no bytes', async () => {
    const url = await tcp(socket => socket.pause())
    const error = await failure(url, { body: Buffer.alloc(64 * 1024 * 1024), timeoutMs: 100 })
    expect(error.code).toBe('API_UNREACHABLE')
  })
})

describe('after the order was handed over: it may have been charged', () => {
  test.each<[string, (socket: Socket) => void]>([
    ['reset without an answer', socket => socket.resetAndDestroy()],
    ['closed without an answer', socket => socket.end()],
    ['closed in the headers', socket => socket.end('HTTP/1.1 200 OK\r\ncontent-le')],
    [
      'closed in a body with a length',
      socket => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345'),
    ],
    [
      'closed in a chunked body',
      socket => socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12345\r\n'),
    ],
    ['an answer that is no HTTP', socket => socket.end('SSH-2.0-OpenSSH_9.6\r\n')],
    ['headers without end', socket => socket.end(`HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(50_000)}`)],
  ])('%s', async (_, write) => {
    const error = await failure(await answerRaw(write))
    expect(error.code).toBe('API_INTERRUPTED')
    expect(error.message).toContain('may have charged')
  })

  test.each<[string, (socket: Socket) => void]>([
    ['no answer', () => {}],
    ['headers a byte at a time', socket => drip(socket, 'HTTP/1.1 200 OK\r\na: b\r\n'.repeat(100))],
    ['a body a byte at a time', socket => drip(socket, `HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(1000)}`)],
  ])('%s runs into the deadline', async (_, write) => {
    const error = await failure(await answerRaw(write), { timeoutMs: 200 })
    expect(error.code).toBe('API_TIMEOUT')
    expect(error.message).toMatch(/no answer within 0.2 s; it may have charged/)
  })

  test('a build that stops says that the call may still cost', async () => {
    const stop = new AbortController()
    const url = await answerRaw(() => stop.abort())
    const error = await failure(url, { signal: stop.signal })
    expect(error.code).toBe('ABORTED')
    expect(error.message).toContain('may still charge')
  })
})

describe('what is free to ask never speaks of a charge', () => {
  test.each([
    ['no answer', () => {}, 'API_TIMEOUT'],
    ['a reset', (socket: Socket) => socket.resetAndDestroy(), 'API_UNREACHABLE'],
  ])('%s', async (_, write, code) => {
    const error = await failure(await answerRaw(write), { isOrder: false, timeoutMs: 200 })
    expect(error.code).toBe(code)
    expect(error.message).not.toMatch(/charge|order/)
  })

  test('a build that stops', async () => {
    const stop = new AbortController()
    const url = await answerRaw(() => stop.abort())
    const error = await failure(url, { isOrder: false, signal: stop.signal })
    expect(error.code).toBe('ABORTED')
    expect(error.message).not.toContain('charge')
  })
})

test('a build that was stopped before opens no connection', async () => {
  let reached = false
  const url = await tcp(() => {
    reached = true
  })
  const error = await failure(url, { signal: AbortSignal.abort() })
  expect(error.code).toBe('ABORTED')
  expect(error.message).not.toContain('charge')
  expect(reached).toBe(false)
})

test('a body that ends with the connection has no end to check: it is taken as it is', async () => {
  const url = await answerRaw(socket => socket.end('HTTP/1.1 200 OK\r\n\r\n{"half":'))
  expect((await send(url)).body.toString()).toBe('{"half":')
})

describe('where only the public internet is allowed', () => {
  test.each([
    'http://127.0.0.1:9',
    'http://2130706433',
    'http://[::1]',
    'http://169.254.169.254/latest',
    'http://localhost:9',
  ])('%s is refused without a connection', async address => {
    const error = await failure(new URL(address), { method: 'GET', publicOnly: true })
    expect(error.code).toBe('API_BAD_ANSWER')
    expect(error.message).toContain('private network')
  })
})

function drip(socket: Socket, text: string): void {
  let at = 0
  const timer = setInterval(() => {
    if (socket.destroyed || at === text.length) clearInterval(timer)
    else socket.write(text[at++] ?? '')
  }, 10)
}

test.each([
  ['in one piece', (body: string) => `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`],
  [
    'in chunks',
    (body: string) =>
      `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
  ],
])('a body that comes %s is handed over before it is known to have ended', async (_, responseOf) => {
  const body = 'x'.repeat(20_000)
  const url = await answerRaw(socket => socket.end(responseOf(body)))
  const kept: Uint8Array[] = []
  let keptAtEnd = -1
  const onEnd = (): void => {
    keptAtEnd = Buffer.concat(kept).length
  }
  subscribe('undici:request:trailers', onEnd)
  try {
    const response = await send(url, { onResponse: () => piece => kept.push(Uint8Array.from(piece)) })
    expect(response.body.toString()).toBe(body)
  } finally {
    unsubscribe('undici:request:trailers', onEnd)
  }
  expect(Buffer.concat(kept).toString()).toBe(body)
  expect(keptAtEnd).toBe(body.length)
})

test('of a refusal nothing is handed over', async () => {
  const url = await answerRaw(socket =>
    socket.end('HTTP/1.1 402 Payment Required\r\ncontent-length: 2\r\n\r\nno'),
  )
  let begun = 0
  const onResponse = () => {
    begun++
    return () => {}
  }
  expect(await send(url, { onResponse })).toMatchObject({ status: 402 })
  expect(begun).toBe(0)
})
