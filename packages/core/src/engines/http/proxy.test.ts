import { createServer } from 'node:http'
import { type AddressInfo, connect as connectTcp, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { isUpscaleError } from '../../errors.ts'
import { createHttpClient } from './client.ts'
import { startDeadline } from './deadline.ts'
import { proxiesOf } from './proxy.ts'

const KEY = 'canary-0123456789'

/** What the proxy was asked for: hosts, with all that came in the open. */
let tunnels: { readonly host: string | undefined; readonly head: string }[] = []
let allowed = true
const sockets = new Set<Socket>()
/** Behind the proxy, every name is this server. */
const target = createServer((request, response) => response.end(`${request.method} ${request.headers.host}`))
const proxy = createServer()
const client = createHttpClient()

beforeAll(async () => {
  for (const server of [target, proxy]) {
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    server.on('connection', socket => {
      sockets.add(socket)
      socket.on('error', () => {})
    })
  }
  proxy.on('connect', (request, socket) => {
    tunnels.push({ host: request.url, head: JSON.stringify(request.headers) })
    if (!allowed) return void socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
    const out = connectTcp((target.address() as AddressInfo).port, '127.0.0.1')
    out.on('error', () => {})
    socket.on('error', () => {})
    socket.write('HTTP/1.1 200 OK\r\n\r\n')
    socket.pipe(out).pipe(socket)
  })
})

afterEach(() => {
  tunnels = []
  allowed = true
})

afterAll(async () => {
  await client.close()
  for (const socket of sockets) socket.destroy()
  for (const server of [target, proxy]) server.close()
})

const address = (): string => `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`

async function send(url: string, env: Record<string, string>, publicOnly = false) {
  const deadline = startDeadline(30_000, new AbortController().signal)
  const headers = { authorization: `Bearer ${KEY}` }
  const request = {
    method: 'POST',
    isOrder: true,
    url: new URL(url),
    headers,
    body: Buffer.from('x'),
  } as const
  try {
    const secrets = [KEY]
    return await client.via(env)({ ...request, maxBytes: 1000, deadline, secrets, publicOnly })
  } finally {
    deadline.clear()
  }
}

describe('a proxy in the environment', () => {
  test.each([false, true])('carries requests, those to the public internet too: %s', async publicOnly => {
    const response = await send('http://api.example/edits', { HTTP_PROXY: address() }, publicOnly)
    expect(response.body.toString()).toBe('POST api.example')
    expect(tunnels.map(({ host }) => host)).toEqual(['api.example:80'])
  })

  test('of encrypted ones sees the host and no key', async () => {
    const error = await send('https://api.example/edits', { https_proxy: address() }).catch(reason => reason)
    // What is behind this one speaks no TLS.
    expect(isUpscaleError(error) && error.code).toBe('API_UNREACHABLE')
    expect(tunnels.map(({ host }) => host)).toEqual(['api.example:443'])
    expect(tunnels[0]?.head).not.toContain(KEY)
  })

  test('that refuses means that nothing was ordered', async () => {
    allowed = false
    const error = await send('https://api.example/edits', { HTTPS_PROXY: address() }).catch(reason => reason)
    expect(isUpscaleError(error) && error.code).toBe('API_UNREACHABLE')
    expect(error.message).toMatch(/407.*nothing was ordered/)
  })

  test('that is not there means the same', async () => {
    const env = { HTTPS_PROXY: 'http://user:canary-password@127.0.0.1:9' }
    const error = await send('https://api.example/edits', env).catch(reason => reason)
    expect(isUpscaleError(error) && error.code).toBe('API_UNREACHABLE')
    expect(error.message).not.toContain('canary')
  })

  test('is not asked for this machine, nor for what NO_PROXY names', async () => {
    const here = `http://127.0.0.1:${(target.address() as AddressInfo).port}/`
    expect((await send(here, { HTTP_PROXY: address() })).status).toBe(200)
    const env = { HTTP_PROXY: address(), NO_PROXY: '.invalid' }
    await expect(send('http://nothing.invalid/', env)).rejects.toThrow('API_UNREACHABLE')
    expect(tunnels).toEqual([])
  })

  test('does not make private addresses public', async () => {
    const sending = send('http://169.254.169.254/', { HTTP_PROXY: address() }, true)
    await expect(sending).rejects.toThrow('private network')
    expect(tunnels).toEqual([])
  })
})

test.each([
  [{}, undefined],
  [{ HTTPS_PROXY: ' ' }, undefined],
  [{ NO_PROXY: 'a' }, undefined],
  [{ HTTPS_PROXY: 'http://a' }, { httpProxy: '', httpsProxy: 'http://a', noProxy: '' }],
  [
    { https_proxy: 'http://b', HTTPS_PROXY: 'http://a' },
    { httpProxy: '', httpsProxy: 'http://b', noProxy: '' },
  ],
  [
    { HTTP_PROXY: 'http://a', no_proxy: 'c' },
    { httpProxy: 'http://a', httpsProxy: '', noProxy: 'c' },
  ],
])('%j names %j', (env, expected) => {
  expect(proxiesOf(env as Record<string, string>)).toEqual(expected)
})

test.each(['canary proxy', 'socks5://canary', 'file:///canary'])('%j is refused and not quoted', address => {
  expect(() => proxiesOf({ HTTPS_PROXY: address })).toThrow(
    'HTTPS_PROXY is no address of an http or https proxy',
  )
  expect(() => proxiesOf({ HTTPS_PROXY: address })).not.toThrow('canary')
})
