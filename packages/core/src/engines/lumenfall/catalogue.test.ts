import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { isUpscaleError } from '../../errors.ts'
import { type LumenfallCatalogue, lumenfallCatalogue } from './catalogue.ts'

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
let catalogue: LumenfallCatalogue

beforeAll(async () => {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/openai/v1`
  catalogue = lumenfallCatalogue({ baseURL, timeoutMs: 5000 }, { LUMENFALL_API_KEY: KEY })
})

afterEach(() => {
  seen = []
})

afterAll(async () => {
  await catalogue.close()
  server.close()
})

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
  const estimate = { estimated: true, total_cost_micros: 60_000, currency: 'USD', model: 'm', components: [] }
  const request = { model: 'ideogram-upscale', scale: 2, params: { detail: 60 } }

  test('is asked by a dry run of it, with or without the picture', async () => {
    reply = { body: estimate }
    expect(await catalogue.estimatePrice(request)).toBe(60_000)
    const image = { bytes: Buffer.from('picture'), name: 'a.png' }
    expect(await catalogue.estimatePrice({ ...request, image })).toBe(60_000)
    const [without, withImage] = seen
    expect(without).toMatchObject({ method: 'POST', path: '/openai/v1/images/edits?dryRun=true' })
    expect(without?.headers.authorization).toBe(`Bearer ${KEY}`)
    for (const name of ['"model"', '"scale_factor"', '"detail"']) expect(without?.body).toContain(name)
    expect(without?.body).not.toContain('"image"')
    expect(withImage?.body).toContain('name="image"; filename="a.png"')
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
    '<html>',
  ])('is not taken from %j', async body => {
    reply = { body }
    expect((await failure(catalogue.estimatePrice(request))).code).toBe('API_BAD_ANSWER')
  })

  test('that is answered with a picture may have been an order: it says so, and was asked once', async () => {
    reply = { body: { data: [{ b64_json: 'AAAA' }] } }
    const image = { bytes: Buffer.from('picture'), name: 'a.png' }
    expect((await failure(catalogue.estimatePrice({ ...request, image }))).message).toContain('charged')
    expect(seen).toHaveLength(1)
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
    expect(await catalogue.listModels()).toEqual([
      { id: 'ideogram-upscale', name: 'Ideogram', ownedBy: 'ideogram' },
      { id: 'bare' },
    ])
    expect(seen[0]).toMatchObject({ method: 'GET', path: '/openai/v1/models' })
  })

  test.each([{}, [], { data: {} }, null, 'nonsense'])('are not in %j', async body => {
    reply = { body }
    expect((await failure(catalogue.listModels())).code).toBe('API_BAD_ANSWER')
  })

  test('one is asked for by its name, provider included', async () => {
    reply = { body: { id: 'fal/ideogram-upscale' } }
    expect(await catalogue.getModel('fal/ideogram-upscale')).toEqual({ id: 'fal/ideogram-upscale' })
    expect(seen[0]?.path).toBe('/openai/v1/models/fal/ideogram-upscale')
  })

  test('one that is unknown is not found, under the id of the request', async () => {
    const body = { error: { message: 'no such model', code: 'MODEL_NOT_FOUND' } }
    reply = { status: 404, body, headers: { 'x-lumenfall-request-id': 'req_1' } }
    expect(await failure(catalogue.getModel('nothing'))).toMatchObject({
      code: 'API_NOT_FOUND',
      details: { requestId: 'req_1' },
    })
  })

  test.each(['', '../balance', 'a/b/c', 'a?b', 'a/..', '.', 'a b'])('%j is no name', async id => {
    expect((await failure(catalogue.getModel(id))).code).toBe('BAD_OPTION')
    expect(seen).toEqual([])
  })
})

describe('the schema of a model', () => {
  test.each([
    [{ properties: { model: {}, detail: {} } }, ['model', 'detail']],
    [{ id: 'x', schema: { input: { properties: { detail: {} } } } }, ['detail']],
    [{ parameters: [{ name: 'detail' }, { name: 'seed' }, {}] }, ['detail', 'seed']],
    [{ parameters: { detail: {}, seed: {} } }, ['detail', 'seed']],
    [{ parameters: { type: 'object', properties: { detail: {} } } }, ['detail']],
    [{}, []],
    [{ properties: 'none' }, []],
    [[1, null, 'a'], []],
  ])('%j names %j', async (body, names) => {
    reply = { body }
    expect((await catalogue.getModelSchema('ideogram-upscale')).names).toEqual(names)
    expect(seen[0]?.path).toBe('/openai/v1/models/ideogram-upscale?schema=true')
  })

  test('tells the fields it does not have, if it tells any', async () => {
    reply = { body: { properties: { detail: {} } } }
    expect(await catalogue.unknownFields('ideogram-upscale', ['detail', 'sead'])).toEqual(['sead'])
    reply = { body: {} }
    expect(await catalogue.unknownFields('ideogram-upscale', ['detail', 'sead'])).toEqual([])
  })

  test('may be large and deep', async () => {
    reply = { body: `{"a":${'['.repeat(5000)}${']'.repeat(5000)},"properties":{"detail":{}}}` }
    expect((await catalogue.getModelSchema('ideogram-upscale')).names).toEqual(['detail'])
  })
})

describe('the balance', () => {
  test.each([
    [
      { billing_type: 'prepaid', available: { amount: 12.34, currency: 'usd' } },
      { billing: 'prepaid', availableMicros: 12_340_000 },
    ],
    [{ billing_type: 'postpaid', available: { amount: null, currency: 'usd' } }, { billing: 'postpaid' }],
    [{ billing_type: 'gift', available: { amount: 1, currency: 'eur' } }, {}],
    [{ available: { amount: '1' } }, {}],
    [[], {}],
  ])('%j is %j', async (body, expected) => {
    reply = { body }
    expect(await catalogue.getBalance()).toEqual(expected)
    expect(seen[0]).toMatchObject({ method: 'GET', path: '/v1/balance' })
  })

  test('has no address below a base of another form', async () => {
    const other = lumenfallCatalogue({ baseURL: 'https://proxy.example/v2' }, { LUMENFALL_API_KEY: KEY })
    expect((await failure(other.getBalance())).code).toBe('BAD_OPTION')
  })
})

test('a key that is missing, and options that are wrong, are named', async () => {
  expect((await failure(lumenfallCatalogue({}, {}).listModels())).code).toBe('KEY_MISSING')
  expect(() => lumenfallCatalogue({ baseUrl: 'x' } as object, {})).toThrow('did you mean "baseURL"?')
})
