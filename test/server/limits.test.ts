import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import OpenAI from 'openai'
import { lumenfall } from 'upscale-core'
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { createServer } from '../../packages/server/src/index.ts'
import { startGateway } from '../services/gateway/index.ts'
import {
  type Answer,
  closeAll,
  edit,
  form,
  hold,
  KEY,
  look,
  picture,
  post,
  type Running,
  start,
} from './setup.ts'

let temporary: string
let image: Buffer

beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'upscale-server-tmp-'))
  vi.stubEnv('TMPDIR', temporary)
  image = await picture()
})
afterAll(() => rm(temporary, { recursive: true }))
afterEach(async () => {
  await closeAll()
  // Nothing of an upload stays, whatever became of it.
  expect(await readdir(temporary)).toEqual([])
})

const file = (): File => new File([new Uint8Array(image)], 'a.png')

describe('keys', () => {
  test.each([
    ['none', {}],
    ['a wrong one', { authorization: 'Bearer wrong' }],
    ['half of one', { authorization: `Bearer ${KEY.slice(0, -1)}` }],
    ['one with something behind', { authorization: `Bearer ${KEY} x` }],
    ['two in one', { authorization: `Bearer ${KEY},${KEY}` }],
    ['an empty one', { authorization: 'Bearer ' }],
    ['another scheme', { authorization: `Basic ${KEY}` }],
  ])('%s is refused everywhere but at results', async (_, headers) => {
    const { url } = await start()
    for (const path of ['/models', '/models/plain', '/images/edits']) {
      const method = path === '/images/edits' ? 'POST' : 'GET'
      const response = await fetch(`${url}${path}`, { method, headers })
      expect(response.status).toBe(401)
      expect(response.headers.get('x-request-id')).toMatch(/^req_/)
      expect(await response.json()).toMatchObject({ error: { code: 'AUTHENTICATION_FAILED' } })
    }
  })

  test('arrive as the typed error, and any of several opens', async () => {
    const server = await start({ keys: ` first-key , ${KEY},` })
    const stranger = new OpenAI({ baseURL: server.url, apiKey: 'wrong', maxRetries: 0 })
    await expect(stranger.models.list()).rejects.toBeInstanceOf(OpenAI.AuthenticationError)
    for (const apiKey of ['first-key', KEY]) {
      const { data } = await new OpenAI({ baseURL: server.url, apiKey, maxRetries: 0 }).models.list()
      expect(data).toHaveLength(1)
    }
  })

  test('are needed to listen for others', async () => {
    for (const host of ['0.0.0.0', '::', '192.168.1.1', 'example.com']) {
      const server = createServer({ models: { plain: 'resize' } }, { env: {} })
      await expect(server.listen({ host, port: 0 })).rejects.toMatchObject({ code: 'BAD_OPTION' })
      await server.close()
    }
  })

  test('that no header can carry are refused without being shown', () => {
    const env = { UPSCALE_SERVER_KEYS: 'good,b\u00e4d-canary' }
    expect(() => createServer({}, { env })).toThrow(/key 2 in UPSCALE_SERVER_KEYS/)
    expect(() => createServer({}, { env })).not.toThrow(/canary/)
  })

  test('are not needed on this machine, but a web page that is open here gets nothing', async () => {
    const server = await start({ keys: '' })
    expect((await fetch(`${server.url}/models`)).status).toBe(200)
    expect(await look((await post(server, form(image), { authorization: '' })).body as Answer)).toBeDefined()
    const fromPage = await post(server, form(image), { origin: 'https://evil.example' })
    expect(fromPage).toMatchObject({ status: 401, body: { error: { code: 'AUTHENTICATION_FAILED' } } })
    expect((await post(server, form(image), { origin: 'null' })).status).toBe(401)
    expect((await post(server, form(image), { origin: 'http://localhost:5173' })).status).toBe(200)
    expect(await statusWithHost(server, 'evil.example')).toBe(401)
    expect(await statusWithHost(server, 'localhost:1')).toBe(200)
  })
})

/** The status of a request that calls the server by another name, as after DNS rebinding. */
function statusWithHost({ url }: Running, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(`${url}/models`, { headers: { host } }, response => {
      response.resume()
      resolve(response.statusCode)
    })
    request.on('error', reject).end()
  })
}

const HOUR_MS = 3_600_000

/** Sets the clock of this machine; what counts on from its start goes on as before. */
function setClock(aheadMs: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + aheadMs })
  onTestFinished(() => void vi.useRealTimers())
}

describe('results', () => {
  test('expire, and so do all older ones', async () => {
    let now = 0
    const server = await start({ uptime: () => now, mediaTtlMs: 60_000 })
    const { url } = (await edit(server.client, { image: file() })).data[0]!
    now += 59_000
    const alive = await fetch(url!)
    expect(alive.status).toBe(200)
    expect(alive.headers.get('content-type')).toBe('image/png')
    expect(alive.headers.get('cache-control')).toBe('private, max-age=1, immutable')
    expect((await alive.arrayBuffer()).byteLength).toBe(Number(alive.headers.get('content-length')))
    expect((await fetch(url!, { method: 'HEAD' })).status).toBe(200)
    now += 1000
    const gone = await fetch(url!)
    expect(gone.status).toBe(404)
    expect(await gone.json()).toMatchObject({ error: { code: 'NOT_FOUND' } })
    expect((await edit(server.client, { image: file() })).data[0]!.url).not.toBe(url)
  })

  test('are there for as long as was said when the clock is set meanwhile', async () => {
    const server = await start()
    const { url } = (await edit(server.client, { image: file() })).data[0]!
    setClock(2 * HOUR_MS)
    const alive = await fetch(url!)
    expect(alive.status).toBe(200)
    expect(alive.headers.get('cache-control')).toMatch(/max-age=3\d{3},/)
  })

  test('are gone with the server that gave their addresses, and its answer says so', async () => {
    const server = await start()
    const { url } = (await edit(server.client, { image: file() })).data[0]!
    await server.stop()
    const next = await start({ root: server.root })
    const gone = await fetch(new URL(new URL(url!).pathname, next.url))
    expect(gone.status).toBe(404)
    expect(await gone.json()).toMatchObject({
      error: { message: expect.stringContaining('addresses also end with the server that gave them') },
    })
  })

  test('are bounded in number; the oldest gives way', async () => {
    const server = await start({ maxMedia: 1 })
    const first = await edit(server.client, { image: file() })
    const second = await edit(server.client, { image: file() })
    expect((await fetch(first.data[0]!.url!)).status).toBe(404)
    expect((await fetch(second.data[0]!.url!)).status).toBe(200)
  })

  test('are gone when the cache was swept', async () => {
    const server = await start()
    const { url } = (await edit(server.client, { image: file() })).data[0]!
    await rm(join(server.root, 'node_modules'), { recursive: true })
    expect((await fetch(url!)).status).toBe(404)
  })

  test('lie where the outside world reaches the server', async () => {
    const server = await start({ publicUrl: 'https://images.example.com/' })
    const { url } = (await edit(server.client, { image: file() })).data[0]!
    expect(url).toMatch(/^https:\/\/images\.example\.com\/media\/[\w-]{43}\.png$/)
    for (const name of [
      'x',
      `${'A'.repeat(43)}.png`,
      '__proto__',
      '..%2f..%2fpackage.json',
      'a'.repeat(5000),
    ]) {
      expect([404, 414]).toContain((await fetch(new URL(`/media/${name}`, server.url))).status)
    }
  })
})

describe('too much', () => {
  test('requests a minute are refused with the time to wait, for that key only', async () => {
    const server = await start({ keys: `${KEY},other-key`, requestsPerMinute: 2 })
    await server.client.models.list()
    await server.client.models.list()
    const error = await server.client.models.list().catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(OpenAI.RateLimitError)
    const { code, headers } = error as InstanceType<typeof OpenAI.RateLimitError>
    expect(code).toBe('RATE_LIMITED')
    expect(Number(headers?.get('retry-after'))).toBeGreaterThan(0)
    expect(Number(headers?.get('retry-after'))).toBeLessThanOrEqual(60)
    const other = new OpenAI({ baseURL: server.url, apiKey: 'other-key', maxRetries: 0 })
    expect((await other.models.list()).data).toHaveLength(1)
  })

  test('requests a minute are those of a minute when the clock is set meanwhile', async () => {
    let now = 0
    const server = await start({ requestsPerMinute: 2, uptime: () => now })
    for (let sent = 0; sent < 2; sent++) await server.client.models.list()
    setClock(HOUR_MS)
    await expect(server.client.models.list()).rejects.toThrow('2 requests a minute')
    setClock(-2 * HOUR_MS)
    now = 60_000
    expect((await server.client.models.list()).data).toHaveLength(1)
  })

  test('edits at a time are refused with the time to wait', async () => {
    const gateway = await startGateway()
    const engine = lumenfall({ baseURL: gateway.url, apiKey: 'lmnfl_a.b' })
    const server = await start({ models: { paid: engine }, maxEdits: 1 })
    const { arrived, release } = hold(gateway)
    const first = edit(server.client, { image: file(), model: 'paid' })
    await arrived
    const second = await post(server, form(image, { model: 'paid' }))
    expect(second).toMatchObject({ status: 429, body: { error: { code: 'RATE_LIMITED' } } })
    expect(second.headers.get('retry-after')).toBe('5')
    release()
    expect((await first).size).toBe('48x32')
    expect((await post(server, form(image, { model: 'paid' }))).status).toBe(200)
    await gateway.close()
  })

  test.each([
    ['announced', (): FormData => form(Buffer.alloc(150_000))],
    ['in chunks', (): ReadableStream => chunks(150_000)],
  ])('bytes are refused, %s', async (how, body) => {
    const server = await start({ maxBodyBytes: 100_000 })
    const type = how === 'announced' ? {} : { 'content-type': 'multipart/form-data; boundary=X' }
    const answer = await post(server, body(), type)
    expect(answer).toMatchObject({ status: 413, body: { error: { code: 'INVALID_REQUEST' } } })
  })

  test('bytes without an end are cut off', async () => {
    const server = await start({ maxBodyBytes: 100_000 })
    const endless = post(server, chunks(100_000_000), { 'content-type': 'multipart/form-data; boundary=X' })
    // Whether the answer or the end of the connection is seen first is up to the client's socket.
    const status = await endless.then(
      answer => answer.status,
      () => 'cut',
    )
    expect([413, 'cut']).toContain(status)
    expect((await post(server, form(image))).status).toBe(200)
  })

  test('pixels are refused before they are decoded', async () => {
    const server = await start({ maxPixels: 1000 })
    const large = await post(server, form(image))
    expect(large).toMatchObject({ status: 400, body: { error: { code: 'INVALID_REQUEST' } } })
    const bomb = Buffer.from(image)
    bomb.writeUInt32BE(60_000, 16)
    bomb.writeUInt32BE(60_000, 20)
    expect(await post(server, form(bomb))).toMatchObject({
      status: 400,
      body: { error: { code: 'INVALID_REQUEST' } },
    })
  })

  test.each([
    ['a long field', { prompt: 'x'.repeat(20_000) }],
    ['many fields', Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`field${at}`, 'x']))],
    ['a long name', { ['x'.repeat(500)]: 'x' }],
  ])('%s is refused', async (_, fields) => {
    const { status, body } = await post(await start(), form(image, fields))
    expect([400, 413]).toContain(status)
    expect(body.error?.code).toBe('INVALID_REQUEST')
  })
})

/** A form whose image goes on for `length` bytes. */
function chunks(length: number): ReadableStream<Uint8Array> {
  const head = '--X\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
  let sent = 0
  return new ReadableStream({
    start: controller => controller.enqueue(Buffer.from(head)),
    pull(controller) {
      controller.enqueue(new Uint8Array(10_000))
      sent += 10_000
      if (sent < length) return
      controller.enqueue(Buffer.from('\r\n--X--\r\n'))
      controller.close()
    },
  })
}

test('uploads of a server that was killed are removed by the next one', async () => {
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'exit')
  const left = join(temporary, `upscale-server-${child.pid}-00000000-0000-4000-8000-000000000000`)
  await mkdir(left)
  await start()
  expect(await readdir(temporary)).toEqual([])
})

test('bytes that are no HTTP get the envelope too', async () => {
  const { url } = await start()
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.end('\x16\x03\x01 hello\r\n\r\n')
  const answer = await text(socket)
  expect(answer).toMatch(/^HTTP\/1\.1 400 [\s\S]*x-request-id: req_[\s\S]*"code":"INVALID_REQUEST"/)
})

test('an address that is none gets the envelope too', async () => {
  const { url } = await start()
  for (const path of ['/', '/openai/v1/images/generations', '/%', '/openai/v1/images/edits']) {
    const response = await fetch(new URL(path, url), { headers: { authorization: `Bearer ${KEY}` } })
    expect([400, 404]).toContain(response.status)
    expect(response.headers.get('x-lumenfall-request-id')).toMatch(/^req_/)
    expect(await response.json()).toMatchObject({
      error: { message: expect.any(String), type: 'invalid_request_error' },
    })
  }
})

describe('options', () => {
  test.each([
    [{ maxEdit: 3 }, /unknown option "maxEdit"/],
    [{ maxEdits: 0 }, /maxEdits is 0 \(number\), expected a whole number from 1 to 10000/],
    [{ models: {} }, /at least one model/],
    [{ models: { 'a b': 'resize' } }, /may only have letters/],
    [{ models: { a: 'resise' } }, /did you mean "resize"/],
    [{ models: { a: { id: 'x' } } }, /expected an engine/],
    [{ publicUrl: 'https://x.example/path' }, /expected an origin/],
    [{ budget: -1 }, /budget/],
    [{ engine: 'resize' }, /unknown option "engine"/],
  ])('%j is refused', (options, message) => {
    expect(() => createServer(options as object, { env: {} })).toThrow(message)
  })
})

describe('an order as JSON', () => {
  const json = { 'content-type': 'application/json' }
  const order = (more: object = {}): string =>
    JSON.stringify({ images: [{ image_url: `data:image/png;base64,${image.toString('base64')}` }], ...more })

  test('is answered like a form, with the one model there is', async () => {
    const { status, body } = await post(await start(), order({ scale_factor: 2 }), json)
    expect(status).toBe(200)
    expect(await look(body as unknown as Answer)).toMatchObject({ width: 48, height: 32 })
  })

  test.each([
    ['a mask', { mask: { image_url: 'data:image/png;base64,AAAA' } }, /mask is not available/],
    ['an address', { images: [{ image_url: 'http://169.254.169.254/' }] }, /data URL/],
    ['no base64', { images: [{ image_url: 'data:image/png;base64,AA*A' }] }, /no base64/],
    ['two pictures', { images: ['data:,', 'data:,'] }, /one image/],
    ['none', { images: [] }, /image is missing/],
  ])('with %s is refused', async (_, more, message) => {
    const { status, body } = await post(await start(), order(more), json)
    expect([status, body.error?.message]).toEqual([400, expect.stringMatching(message)])
  })

  test('with stream is answered with one finished event', async () => {
    const { url } = await start()
    const response = await fetch(`${url}/images/edits`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}`, ...json },
      body: order({ stream: true, scale_factor: 2 }),
    })
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/)
    const [, type, data = ''] = /^event: (\S+)\ndata: (.*)\n\n$/.exec(await response.text()) ?? []
    expect(type).toBe('image_edit.completed')
    expect(JSON.parse(data)).toMatchObject({ type, size: '48x32', output_format: 'png' })
  })
})

test('64 uploads that rest or come byte by byte are ended, and one of another key goes on meanwhile', async () => {
  const server = await start({ keys: `${KEY},other-key`, uploadIdleMs: 1000, uploadTimeoutMs: 2000 })
  const byOther = { authorization: 'Bearer other-key' }
  const uploads = Array.from({ length: 64 }, (_, at) => slowUpload(server.url, at % 2 === 0))
  await expect.poll(async () => (await post(server, form(image), byOther)).status).toBe(429)
  expect((await post(server, form(image))).status).toBe(200)
  const answers = await Promise.all(uploads)
  const counts = { cut: 0, refused: 0, late: 0 }
  for (const answer of answers) {
    if (answer === '') counts.cut++
    else if (/^HTTP\/1\.1 408 [\s\S]*"code":"INVALID_REQUEST"/.test(answer)) counts.late++
    else if (/^HTTP\/1\.1 429 [\s\S]*"code":"RATE_LIMITED"/.test(answer)) counts.refused++
  }
  expect(counts.cut + counts.refused + counts.late).toBe(64)
  // Its share is half of the 64 that may be under way.
  expect(counts.refused).toBeGreaterThanOrEqual(32)
  expect(Math.min(counts.cut, counts.late)).toBeGreaterThan(0)
  expect((await post(server, form(image), byOther)).status).toBe(200)
})

/** Sends the head of an upload, then nothing or a byte now and then, until the server ends it. Returns what it said. */
async function slowUpload(url: string, drips: boolean): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  const head = [
    'POST /openai/v1/images/edits HTTP/1.1',
    'Host: 127.0.0.1',
    'Authorization: Bearer other-key',
    'Content-Type: multipart/form-data; boundary=X',
    'Content-Length: 100000',
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n`)
  const timer = drips ? setInterval(() => socket.write('-'), 100) : undefined
  try {
    return await text(socket)
  } finally {
    clearInterval(timer)
    socket.destroy()
  }
}
