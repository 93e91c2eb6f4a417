import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { isUpscaleError } from '../../errors.ts'
import { listModels } from './catalogue.ts'
import { lumenfall } from './lumenfall.ts'

const KEY = 'lmnfl_canary.0123456789'

interface Seen {
  readonly method: string | undefined
  readonly path: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

let seen: Seen[] = []
let reply: { status?: number; body: unknown; headers?: Record<string, string> } = { body: {} }
const server = createServer(async (request, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const { method, url: path, headers } = request
  seen.push({ method, path, headers, body: Buffer.concat(chunks).toString('latin1') })
  const { status = 200, body } = reply
  response.writeHead(status, reply.headers).end(typeof body === 'string' ? body : JSON.stringify(body))
})
let env: Record<string, string>

beforeAll(async () => {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/openai/v1`
  env = { LUMENFALL_API_KEY: KEY, LUMENFALL_BASE_URL: base }
})

afterEach(() => {
  seen = []
})

afterAll(() => server.close())

async function failure(asking: Promise<unknown>) {
  const error = await asking.then(
    () => expect.fail('nothing was refused'),
    reason => reason,
  )
  if (!isUpscaleError(error)) throw error
  expect(error.message).not.toContain('canary')
  return error
}

describe('the price of an order', () => {
  const estimate = { estimated: true, total_cost_micros: 70_000, currency: 'USD', model: 'm', components: [] }
  const engine = lumenfall()
  afterAll(() => engine.close?.())
  const ask = () =>
    engine.quote?.(
      { width: 20, height: 20, scale: 2, params: { detail: 60 } },
      { env, signal: new AbortController().signal },
    )

  test('is asked by a dry run of it, without the picture', async () => {
    reply = { body: estimate }
    expect(await ask()).toBe(70_000)
    const [question] = seen
    expect(question).toMatchObject({ method: 'POST', path: '/openai/v1/images/edits?dryRun=true' })
    expect(question?.headers.authorization).toBe(`Bearer ${KEY}`)
    for (const name of ['"model"', '"scale_factor"', '"detail"']) expect(question?.body).toContain(name)
    expect(question?.body).not.toContain('"image"')
  })

  test.each([
    {},
    { ...estimate, estimated: false },
    { ...estimate, estimated: 'true' },
    { ...estimate, total_cost_micros: 0.5 },
    { ...estimate, total_cost_micros: -1 },
    { ...estimate, total_cost_micros: '60000' },
    { ...estimate, currency: 'EUR' },
    { data: [{ b64_json: 'AAAA' }], metadata: { cost: 0.06 } },
    [],
    null,
  ])('is not taken from %j', async body => {
    reply = { body }
    expect(await ask()).toBeUndefined()
  })

  test('is not asked for where nothing reaches a provider', () => {
    expect(lumenfall({ replay: 'mock' }).quote).toBeUndefined()
  })
})

describe('models', () => {
  test('are listed, with what is printable of them', async () => {
    const data = [
      { id: 'ideogram-upscale', object: 'model', owned_by: 'ideogram', name: 'Ideogram\u001b[31m' },
      { id: 5 },
      null,
      { id: 'bare' },
    ]
    reply = { body: { object: 'list', data } }
    expect(await listModels(env)).toEqual([
      { id: 'ideogram-upscale', name: 'Ideogram', ownedBy: 'ideogram' },
      { id: 'bare' },
    ])
    expect(seen[0]).toMatchObject({ method: 'GET', path: '/openai/v1/models' })
  })

  test.each([{}, [], { data: {} }, null, 'nonsense'])('are not in %j', async body => {
    reply = { body }
    expect((await failure(listModels(env))).code).toBe('API_BAD_ANSWER')
  })

  test('a refusal names the id of the request', async () => {
    const body = { error: { message: 'no such key', code: 'UNAUTHORIZED' } }
    reply = { status: 401, body, headers: { 'x-lumenfall-request-id': 'req_1' } }
    expect(await failure(listModels(env))).toMatchObject({
      code: 'API_UNAUTHORIZED',
      details: { requestId: 'req_1' },
    })
  })

  test('need a key', async () => {
    expect((await failure(listModels({}))).code).toBe('KEY_MISSING')
  })
})
