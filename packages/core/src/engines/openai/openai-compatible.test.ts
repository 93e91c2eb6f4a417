import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isUpscaleError } from '../../errors.ts'
import { type OpenaiCompatibleOptions, openaiCompatible } from './openai-compatible.ts'

const KEY = 'team-canary-0123456789'

interface Seen {
  readonly path: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly form: FormData
}

const seen: Seen[] = []
const statuses: number[] = []
const server = createServer(async (request, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const type = { 'content-type': request.headers['content-type'] ?? '' }
  const form = await new Response(Buffer.concat(chunks), { headers: type }).formData()
  seen.push({ path: request.url, headers: request.headers, form })
  const body = { data: [{ b64_json: Buffer.from('large').toString('base64') }] }
  const status = statuses.shift() ?? 200
  response.writeHead(status, { 'x-request-id': 'r1' }).end(status === 200 ? JSON.stringify(body) : '{}')
})
let baseURL = ''

beforeAll(async () => {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
})

afterAll(() => {
  server.close()
})

const GOOD = { baseURL: 'https://gateway.example/v1', model: 'big', price: 0.02, scales: [2, 4] } as const

async function order(options: Partial<OpenaiCompatibleOptions> = {}, env: Record<string, string> = {}) {
  seen.length = 0
  const engine = openaiCompatible({ ...GOOD, baseURL, ...options })
  const request = {
    png: Buffer.from('a picture'),
    name: 'hero.png',
    width: 4,
    height: 3,
    scale: 4,
    params: engine.checkParams({}),
    idempotencyKey: 'pay-1',
    onJob: async () => {},
  }
  try {
    const answer = await engine.upscale(request, { signal: new AbortController().signal, env })
    return { answer, seen: seen[0] ?? expect.fail('nothing arrived') }
  } finally {
    await engine.close?.()
  }
}

function failure(act: () => unknown) {
  try {
    act()
  } catch (error) {
    if (isUpscaleError(error)) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('the order', () => {
  test('has the shape of the images API, and the fields that were listed', async () => {
    const ordered = await order({ params: { output_format: 'png', detail: 60 } })
    expect(ordered.seen.path).toBe('/v1/images/edits')
    expect(Object.fromEntries([...ordered.seen.form].filter(([name]) => name !== 'image'))).toEqual({
      model: 'big',
      scale_factor: '4',
      response_format: 'b64_json',
      output_format: 'png',
      detail: '60',
    })
    expect(ordered.seen.headers.authorization).toBeUndefined()
    expect(ordered.answer).toEqual({ bytes: Buffer.from('large'), requestId: 'r1' })
  })

  test('carries the key of the variable that was named, or the one given', async () => {
    const env = { TEAM_KEY: ` ${KEY}\n` }
    expect((await order({ keyVariable: 'TEAM_KEY' }, env)).seen.headers.authorization).toBe(`Bearer ${KEY}`)
    const given = await order({ keyVariable: 'TEAM_KEY', apiKey: 'another-key' }, env)
    expect(given.seen.headers.authorization).toBe('Bearer another-key')
  })

  test('is not sent without the key that was named', async () => {
    const error = await order({ keyVariable: 'TEAM_KEY' }).catch(reason => reason)
    expect(error).toMatchObject({ code: 'KEY_MISSING' })
    expect(error.message).toContain('TEAM_KEY=')
    expect(seen).toEqual([])
  })

  test('has the same idempotency key in every repetition', async () => {
    statuses.push(429)
    await order()
    expect(seen.map(({ headers }) => headers['idempotency-key'])).toEqual(['pay-1', 'pay-1'])
  })
})

describe('what the engine says about itself', () => {
  test('is what was configured', () => {
    expect(openaiCompatible({ ...GOOD })).toMatchObject({
      id: 'gateway.example',
      model: 'big',
      billing: 'paid',
      priceMicros: 20_000,
      recovery: 'none',
    })
    expect(openaiCompatible({ ...GOOD, name: 'team', price: 0, idempotent: true })).toMatchObject({
      id: 'team',
      billing: 'free',
      priceMicros: 0,
      recovery: 'idempotency-key',
    })
  })

  test('factors are those of the list or the range', () => {
    const list = openaiCompatible({ ...GOOD })
    expect([1.5, 2, 3, 4, 5].map(factor => list.scaleFor(factor))).toEqual([2, 2, 4, 4, undefined])
    const range = openaiCompatible({ ...GOOD, scales: { min: 1, max: 8 } })
    expect([1.5, 8, 9].map(factor => range.scaleFor(factor))).toEqual([1.5, 8, undefined])
  })

  test('a directive may set the listed fields, by values of their type', () => {
    const engine = openaiCompatible({ ...GOOD, params: { detail: 50, prompt: 'a', expand_prompt: false } })
    expect(engine.checkParams({ detail: '60', expand_prompt: 'true' })).toEqual({
      detail: 60,
      prompt: 'a',
      expand_prompt: true,
    })
    expect(failure(() => engine.checkParams({ detail: 'many' })).code).toBe('BAD_DIRECTIVE')
    expect(failure(() => engine.checkParams({ seed: '1' })).message).toContain('big at gateway.example takes')
  })

  test('changing the options object afterwards changes nothing', () => {
    const params: Record<string, number> = { detail: 50 }
    const engine = openaiCompatible({ ...GOOD, params })
    params.detail = 60
    expect(engine.checkParams({})).toEqual({ detail: 50 })
  })
})

describe('options that are refused', () => {
  test.each<[Record<string, unknown>, string]>([
    [{ baseURL: undefined }, 'baseURL is missing'],
    [{ model: undefined }, 'model is missing'],
    [{ price: undefined }, 'price is missing, expected a number from 0 to 1000'],
    [{ scales: undefined }, 'scales is missing, expected a rising list'],
    [{ scales: [] }, 'expected a rising list'],
    [{ scales: [4, 2] }, 'expected a rising list'],
    [{ scales: [2, 2] }, 'expected a rising list'],
    [{ scales: [1] }, 'expected a rising list'],
    [{ scales: { min: 2 } }, 'expected a rising list'],
    [{ scales: { min: 4, max: 2 } }, 'expected a rising list'],
    [{ scales: { min: 1, max: 2, step: 1 } }, 'expected a rising list'],
    [{ scale: 2 }, 'did you mean "scales"?'],
    [{ apikey: KEY }, 'did you mean "apiKey"?'],
    [{ apiKey: 'two words' }, 'apiKey is no text that could be a key'],
    [{ keyVariable: 'A-B' }, 'expected the name of a variable'],
    [{ name: 'fal' }, 'none of local, resize, lumenfall, fal'],
    [{ name: '../x' }, 'expected 1 to 80'],
    [{ params: { model: 'x' } }, 'params.model is set by the engine itself'],
    [{ params: { 'a"b': 1 } }, 'expected names of fields'],
    [{ params: { detail: { a: 1 } } }, 'params.detail is'],
    [{ params: { detail: Number.NaN } }, 'params.detail is NaN'],
    [{ responseFormat: 'png' }, 'expected one of b64_json, url'],
    [{ idempotent: 'yes' }, 'expected true or false'],
    [{ baseURL: 'http://gateway.example/v1' }, 'baseURL must start with https:'],
    [{ baseURL: 'https://a:b@gateway.example' }, 'must not carry credentials'],
  ])('%j', (options, expected) => {
    const error = failure(() => openaiCompatible({ ...GOOD, ...options } as OpenaiCompatibleOptions))
    expect(error.code).toBe('BAD_OPTION')
    expect(error.message).toContain(expected)
    expect(error.message).not.toContain('canary')
  })

  test.each([undefined, null, 'https://gateway.example'])('%j in place of options', options => {
    const error = failure(() => openaiCompatible(options as unknown as OpenaiCompatibleOptions))
    expect(error.message).toContain('openaiCompatible() was given')
  })
})
