import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isUpscaleError } from '../../errors.ts'
import { type LumenfallOptions, lumenfall } from './lumenfall.ts'

const KEY = 'lmnfl_canary.0123456789'
const PNG = Buffer.from('a picture, for all that the wire knows')

interface Seen {
  readonly path: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly form: FormData
}

const seen: Seen[] = []
const server = createServer(async (request, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const type = { 'content-type': request.headers['content-type'] ?? '' }
  const form = await new Response(Buffer.concat(chunks), { headers: type }).formData()
  seen.push({ path: request.url, headers: request.headers, form })
  const body = { data: [{ b64_json: Buffer.from('large').toString('base64') }], metadata: { cost: 0.06 } }
  response.writeHead(200, { 'x-lumenfall-request-id': 'req_1' }).end(JSON.stringify(body))
})
let baseURL = ''

beforeAll(async () => {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/openai/v1`
})

afterAll(() => {
  server.close()
})

function failure(act: () => unknown) {
  try {
    act()
  } catch (error) {
    if (isUpscaleError(error)) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

async function order(
  options: LumenfallOptions,
  written: Record<string, string> = {},
  env: Record<string, string> = { LUMENFALL_API_KEY: KEY },
) {
  const engine = lumenfall(options)
  const params = engine.checkParams(written)
  const request = {
    png: PNG,
    name: 'hero.png',
    width: 40,
    height: 30,
    scale: 2,
    params,
    idempotencyKey: 'pay-1',
    onJob: async () => {},
  }
  try {
    return await engine.upscale(request, { signal: new AbortController().signal, env })
  } finally {
    await engine.close?.()
  }
}

async function fieldsOf(
  options: LumenfallOptions,
  written?: Record<string, string>,
): Promise<Record<string, unknown>> {
  seen.length = 0
  await order({ baseURL, ...options }, written)
  return Object.fromEntries([...(seen[0]?.form ?? [])].filter(([name]) => name !== 'image'))
}

describe('the order', () => {
  test('has the documented shape', async () => {
    seen.length = 0
    const answer = await order({ baseURL })
    const [{ path, headers, form } = expect.fail('nothing arrived')] = seen
    expect(path).toBe('/openai/v1/images/edits')
    expect(headers.authorization).toBe(`Bearer ${KEY}`)
    expect(headers['idempotency-key']).toBe('pay-1')
    expect(Object.keys(headers).filter(name => name.startsWith('x-'))).toEqual([])
    expect(Object.fromEntries([...form].filter(([name]) => name !== 'image'))).toEqual({
      model: 'ideogram-upscale',
      scale_factor: '2',
      response_format: 'b64_json',
      output_format: 'png',
    })
    const image = form.get('image')
    if (!(image instanceof File)) return expect.fail('no file part called image')
    expect(image.name).toBe('hero.png')
    expect(image.type).toBe('image/png')
    expect(Buffer.from(await image.arrayBuffer())).toEqual(PNG)
    expect(answer).toEqual({ bytes: Buffer.from('large'), costMicros: 60_000, requestId: 'req_1' })
  })

  test('carries every parameter of the model page, under its name on the wire', async () => {
    const options: LumenfallOptions = {
      model: 'fal/ideogram-upscale',
      outputFormat: 'webp',
      outputCompression: 80,
      n: 2,
      detail: 60,
      resemblance: 70,
      prompt: 'a "poster"\r\nwith ümlauts',
      expandPrompt: true,
      seed: 7,
      syncMode: false,
    }
    expect(await fieldsOf(options)).toEqual({
      model: 'fal/ideogram-upscale',
      scale_factor: '2',
      response_format: 'b64_json',
      output_format: 'webp',
      output_compression: '80',
      n: '2',
      detail: '60',
      resemblance: '70',
      prompt: 'a "poster"\r\nwith ümlauts',
      expand_prompt: 'true',
      seed: '7',
      sync_mode: 'false',
    })
  })

  test("a directive's keys win over the options", async () => {
    const fields = await fieldsOf(
      { detail: 60, seed: 1 },
      { detail: '61', prompt: 'x', expand_prompt: 'true' },
    )
    expect(fields).toMatchObject({ detail: '61', seed: '1', prompt: 'x', expand_prompt: 'true' })
  })

  test('goes to LUMENFALL_BASE_URL, with or without a slash at its end', async () => {
    seen.length = 0
    await order({}, {}, { LUMENFALL_API_KEY: KEY, LUMENFALL_BASE_URL: `${baseURL}/` })
    expect(seen[0]?.path).toBe('/openai/v1/images/edits')
  })

  test("takes the engine's own key before the environment's", async () => {
    seen.length = 0
    await order({ baseURL, apiKey: 'lmnfl_own.key' })
    expect(seen[0]?.headers.authorization).toBe('Bearer lmnfl_own.key')
  })
})

describe('what the cache key is made of', () => {
  test('decides about the picture, not about its delivery', () => {
    const plain = lumenfall({ detail: 60 })
    const other = lumenfall({
      detail: 60,
      n: 3,
      responseFormat: 'url',
      syncMode: true,
      apiKey: KEY,
      baseURL: 'https://a.example/v1',
    })
    expect(other.checkParams({})).toEqual(plain.checkParams({}))
    expect(plain.checkParams({})).toEqual({ detail: 60, output_format: 'png' })
  })

  test('names the model as it was asked for', () => {
    expect(lumenfall({ model: 'fal/ideogram-upscale' }).model).toBe('fal/ideogram-upscale')
  })
})

describe('Record & Replay', () => {
  test('is chosen by the documented headers', async () => {
    seen.length = 0
    const replayRecording = 'rec_1'
    await order({ baseURL, replay: 'replay-or-error', replayMatch: 'pinned', replayRecording })
    await order({ baseURL, replay: 'record', replayMatch: 'specific', replayFields: ['model', 'detail'] })
    expect(seen[0]?.headers).toMatchObject({
      'x-lumenfall-replay': 'replay-or-error',
      'x-lumenfall-replay-match': 'pinned',
      'x-lumenfall-replay-recording': 'rec_1',
    })
    expect(seen[1]?.headers).toMatchObject({
      'x-lumenfall-replay': 'record',
      'x-lumenfall-replay-fields': 'model, detail',
    })
  })

  test.each([
    [undefined, 'paid', 60_000, '1'],
    ['off', 'paid', 60_000, '1'],
    ['record', 'paid', 60_000, '1'],
    ['replay-or-live', 'paid', 60_000, '1-replay'],
    ['replay-or-record', 'paid', 60_000, '1-replay'],
    ['replay-or-mock', 'free', 0, '1-replay'],
    ['replay-or-error', 'free', 0, '1-replay'],
    ['mock', 'free', 0, '1-replay'],
  ] as const)('%s is %s at %d, under keys of revision %s', (replay, billing, priceMicros, revision) => {
    expect(lumenfall(replay === undefined ? {} : { replay })).toMatchObject({
      billing,
      priceMicros,
      revision,
    })
  })
})

test('the price is known before the call', () => {
  expect(lumenfall().priceMicros).toBe(60_000)
  expect(lumenfall({ n: 3 }).priceMicros).toBe(180_000)
  expect(lumenfall({ price: 0.07 }).priceMicros).toBe(70_000)
  expect(lumenfall({ model: 'topaz-image-upscale', price: 0.05 }).priceMicros).toBe(50_000)
  const megapixel = { priceMicros: 1000, pricedBy: 'megapixel' }
  expect(lumenfall({ model: 'fal/seedvr-image-upscale' })).toMatchObject(megapixel)
  expect(lumenfall({ model: 'fal/clarity-upscaler', n: 2 })).toMatchObject({
    ...megapixel,
    priceMicros: 60_000,
  })
  expect(lumenfall({ model: 'fal/seedvr-image-upscale', price: 0.05 })).toMatchObject({
    priceMicros: 50_000,
    pricedBy: 'picture',
  })
})

test('the key is nowhere on the engine', async () => {
  const engine = lumenfall({ apiKey: KEY })
  const reachable = [
    JSON.stringify(engine),
    ...Object.values(engine).map(String),
    ...Object.getOwnPropertyNames(engine),
  ]
  expect(reachable.join(' ')).not.toContain('canary')
})

describe('options that are refused', () => {
  test.each<[Record<string, unknown>, string]>([
    [{ detail: 0 }, 'detail is 0 (number), expected a whole number from 1 to 100'],
    [{ detail: '60' }, 'detail is "60" (string)'],
    [{ resemblance: 1.5 }, 'resemblance is 1.5'],
    [{ seed: 2 ** 31 }, 'seed is 2147483648'],
    [{ prompt: 'x'.repeat(1001) }, 'expected text of 1 to 1000 characters'],
    [{ expandPrompt: true }, 'expandPrompt without a prompt'],
    [{ outputFormat: 'jpg' }, 'expected one of png, jpeg, gif, webp, avif'],
    [{ outputCompression: 50 }, 'outputCompression without outputFormat jpeg, webp or avif'],
    [{ outputCompression: 101, outputFormat: 'webp' }, 'expected a whole number from 0 to 100'],
    [{ n: 11 }, 'expected a whole number from 1 to 10'],
    [{ syncMode: 'yes' }, 'expected true or false'],
    [{ responseFormat: 'base64' }, 'expected one of b64_json, url'],
    [{ timeoutMs: 0 }, 'expected a whole number from 1 to 3600000'],
    [{ resemblence: 50 }, 'did you mean "resemblance"?'],
    [{ expand_prompt: true }, 'did you mean "expandPrompt"?'],
    [{ creativity: 0.5 }, 'unknown option "creativity"'],
    [{ constructor: 1 }, 'unknown option "constructor"'],
    [{ model: 'ideogram-upscaler' }, 'did you mean "ideogram-upscale"?'],
    [{ model: 'Ideogram-Upscale' }, 'unknown model'],
    [{ model: '' }, 'unknown model'],
    [{ model: 5 }, 'unknown model'],
    [{ model: 'fal-ai/ideogram/upscale' }, 'fal-ai'],
    [{ model: 'fal-ai/ideogram-upscale' }, 'did you mean "fal"?'],
    [{ model: 'a/fal/ideogram-upscale' }, 'unknown model'],
    [{ model: 'topaz-image-upscale' }, 'no fixed price'],
    [{ model: 'seedvr-image-upscale' }, 'or pin it: "fal/seedvr-image-upscale"'],
    [{ model: 'replicate/clarity-upscaler' }, 'no fixed price'],
    [{ model: 'clarity-upscaler', price: 0.03, resemblance: 50 }, 'expected a number from 0 to 3'],
    [{ baseURL: 'lumenfall' }, 'baseURL is no address'],
    [{ baseURL: 'http://api.lumenfall.ai/openai/v1' }, 'must start with https:'],
    [{ baseURL: 'https://a:b@api.lumenfall.ai' }, 'must not carry credentials'],
    [{ baseURL: 'https://api.lumenfall.ai/?a=1' }, 'must not have a query'],
    [{ baseURL: 5 }, 'baseURL is 5'],
    [{ mediaHosts: 'media.lumenfall.ai' }, 'expected a list of hosts'],
    [{ mediaHosts: ['https://media.lumenfall.ai/'] }, 'expected a list of hosts'],
    [{ price: -1 }, 'expected a number from 0 to 1000'],
    [{ replay: 'replay' }, 'expected one of off, record, replay-or-mock'],
    [{ replay: 'mock', replayMatch: 'exact' }, 'expected one of standard, strict, specific, pinned'],
    [{ replayMatch: 'strict' }, 'replayMatch without replay'],
    [{ replay: 'mock', replayMatch: 'specific' }, 'replayFields belong together'],
    [{ replay: 'mock', replayFields: ['model'] }, 'replayFields belong together'],
    [{ replay: 'mock', replayMatch: 'pinned' }, 'replayRecording belong together'],
    [{ replay: 'mock', replayMatch: 'pinned', replayRecording: 'a\r\nb' }, 'the id of a recording'],
    [{ replay: 'mock', replayMatch: 'specific', replayFields: ['a b'] }, 'a list of field names'],
  ])('%j', (options, expected) => {
    const error = failure(() => lumenfall(options as LumenfallOptions))
    expect(error.code).toBe('BAD_OPTION')
    expect(error.message).toContain(expected)
  })

  test('all problems are in one message', () => {
    expect(failure(() => lumenfall({ detail: 0, n: 0 })).message).toMatch(/detail is 0.*n is 0/)
  })

  test.each(['', 'with blank canary', 'canary\r\nx-evil: 1', 'canary'.repeat(100), 5])(
    'a bad key is not quoted',
    apiKey => {
      const error = failure(() => lumenfall({ apiKey: apiKey as string }))
      expect(error.code).toBe('BAD_OPTION')
      expect(error.message).not.toContain('canary')
    },
  )
})

describe('directives that are refused', () => {
  test.each<[Record<string, string>, string]>([
    [{ detail: '500' }, 'expected a whole number from 1 to 100 for ideogram-upscale'],
    [{ expand_prompt: 'true' }, 'expand_prompt without a prompt'],
    [{ creativity: '1' }, 'unknown parameter "creativity"'],
  ])('%j', (written, expected) => {
    const error = failure(() => lumenfall().checkParams(written))
    expect(error.code).toBe('BAD_DIRECTIVE')
    expect(error.message).toContain(expected)
  })
})

describe('before anything is sent', () => {
  test.each([{}, { LUMENFALL_API_KEY: '' }, { LUMENFALL_API_KEY: 'two words canary' }])(
    'a key that is missing or unusable says where to put it: %j',
    async env => {
      seen.length = 0
      const error = await order({ baseURL }, {}, env as Record<string, string>).catch(reason => reason)
      expect(error).toMatchObject({ code: 'KEY_MISSING' })
      expect(error.message).toContain('LUMENFALL_API_KEY=')
      expect(error.message).not.toContain('canary')
      expect(seen).toEqual([])
    },
  )

  test('an address in the environment that is no address is named', async () => {
    const env = { LUMENFALL_API_KEY: KEY, LUMENFALL_BASE_URL: 'http://api.lumenfall.ai/openai/v1' }
    const error = await order({}, {}, env).catch(reason => reason)
    expect(error).toMatchObject({ code: 'BAD_OPTION' })
    expect(error.message).toContain('LUMENFALL_BASE_URL must start with https:')
  })
})
