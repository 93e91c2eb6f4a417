import sharp from 'sharp'
import { type LumenfallOptions, lumenfall } from 'upscale-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  type Gateway,
  HEIGHT,
  inTurn,
  type Responder,
  type ResponseName,
  soldAt,
  startGateway,
  TestProject,
  WIDTH,
} from './gateway/index.ts'

const KEY = 'lmnfl_canary.dd41c0ffee5eca'

const project = new TestProject()
let gateway: Gateway

beforeAll(async () => {
  gateway = await startGateway({ key: KEY })
})

afterAll(() => gateway.close())

beforeEach(async () => {
  gateway.reset()
  await project.open()
})

afterEach(() => project.close())

describe('an honest answer', () => {
  test('is ordered as documented, checked, and becomes a picture of twice the size', async () => {
    const { width, height, file, origin } = await upscale()
    expect({ width, height, origin }).toEqual({ width: 2 * WIDTH, height: 2 * HEIGHT, origin: 'engine' })
    expect(await sharp(file).metadata()).toMatchObject({
      width: 2 * WIDTH,
      height: 2 * HEIGHT,
      format: 'png',
    })

    const [order = expect.fail('no order')] = gateway.orders
    expect(order.path).toBe('/openai/v1/images/edits')
    expect(order.headers.authorization).toBe(`Bearer ${KEY}`)
    expect(order.headers['content-type']).toMatch(/^multipart\/form-data; boundary=/)
    expect(order.headers['content-length']).toMatch(/^\d+$/)
    expect(order.fields).toEqual({
      model: 'ideogram-upscale',
      scale_factor: '2',
      response_format: 'b64_json',
      output_format: 'png',
    })
    expect(order.image).toMatchObject({ part: 'image', type: 'image/png' })
    expect(order.image?.fileName).toMatch(/^hero[\w.-]*\.png$/)
    const sent = await sharp(order.image?.bytes).metadata()
    expect(sent).toMatchObject({ width: WIDTH, height: HEIGHT, format: 'png', channels: 3 })
  })

  test('is paid for once: a second run orders nothing', async () => {
    const first = await upscale()
    const second = await upscale()
    expect(second).toMatchObject({ origin: 'cache', digest: first.digest })
    expect(gateway.charges).toHaveLength(1)
  })

  test('may come as an address, which is fetched at once and without the key', async () => {
    const { width } = await upscale({ responseFormat: 'url' })
    expect(width).toBe(2 * WIDTH)
    const [download = expect.fail('no download')] = gateway.requests.filter(({ method }) => method === 'GET')
    expect(download.headers.authorization).toBeUndefined()
  })

  test('takes parameters from the options and from the directive', async () => {
    await upscale({ detail: 60, resemblance: 70 }, { detail: '61' })
    expect(gateway.orders[0]?.fields).toMatchObject({ detail: '61', resemblance: '70' })
  })

  test('of a factor between 1 and 2 is ordered at 2 and reduced', async () => {
    const { width, height } = await upscale({}, {}, 1.5)
    expect([width, height]).toEqual([WIDTH * 1.5, HEIGHT * 1.5])
    expect(gateway.orders[0]?.fields.scale_factor).toBe('2')
  })

  test('above 2 is refused before anything is sent', async () => {
    expect((await refusal(() => upscale({}, {}, 3))).code).toBe('FACTOR_UNSUPPORTED')
    expect(gateway.requests).toEqual([])
  })
})

describe('a passable answer becomes a picture of the exact size', () => {
  test.each<ResponseName>([
    'wrong-size',
    'double-size',
    'one-pixel-off',
    'jpeg-for-png',
    'two-pictures',
    'no-metadata',
    'other-content-type',
  ])('%s', async name => {
    gateway.respondWith(name)
    const { file } = await upscale()
    expect(await sharp(file).metadata()).toMatchObject({
      width: 2 * WIDTH,
      height: 2 * HEIGHT,
      format: 'png',
    })
    expect(gateway.charges).toHaveLength(1)
  })
})

describe('a bad answer is refused under its code, and the image is named', () => {
  test.each<[ResponseName, string]>([
    ['same-size', 'ANSWER_WRONG_SIZE'],
    ['wrong-aspect', 'ANSWER_WRONG_ASPECT'],
    ['rotated', 'ANSWER_WRONG_ASPECT'],
    ['mirrored', 'ANSWER_DRIFTED'],
    ['upside-down', 'ANSWER_DRIFTED'],
    ['recoloured', 'ANSWER_DRIFTED'],
    ['black', 'ANSWER_DRIFTED'],
    ['truncated-picture', 'ANSWER_CORRUPT'],
    ['not-a-picture', 'ANSWER_CORRUPT'],
    ['bomb', 'ANSWER_CORRUPT'],
    ['truncated-base64', 'ANSWER_CORRUPT'],
    ['cut-base64-group', 'ANSWER_CORRUPT'],
    ['garbage-base64', 'ANSWER_CORRUPT'],
    ['empty-base64', 'API_BAD_ANSWER'],
    ['no-data', 'API_BAD_ANSWER'],
    ['empty-data', 'API_BAD_ANSWER'],
    ['data-of-wrong-type', 'API_BAD_ANSWER'],
    ['error-in-200', 'API_MODERATED'],
    ['unknown-error-in-200', 'API_BAD_ANSWER'],
    ['html', 'API_BAD_ANSWER'],
    ['empty', 'API_BAD_ANSWER'],
    ['no-content', 'API_BAD_ANSWER'],
    ['bare-picture', 'ANSWER_WRONG_SIZE'],
    ['cut-json', 'API_BAD_ANSWER'],
    ['deep-json', 'API_BAD_ANSWER'],
    ['null-json', 'API_BAD_ANSWER'],
    ['twice-the-key', 'API_BAD_ANSWER'],
    ['poisoned-prototype', 'API_BAD_ANSWER'],
    ['invalid-request', 'API_REJECTED'],
    ['moderated', 'API_MODERATED'],
    ['unauthorized', 'API_UNAUTHORIZED'],
    ['no-balance', 'API_NO_BALANCE'],
    ['no-quota', 'API_NO_BALANCE'],
    ['forbidden', 'API_FORBIDDEN'],
    ['model-not-found', 'API_NOT_FOUND'],
    ['model-disabled', 'API_NOT_FOUND'],
    ['plain-404', 'API_NOT_FOUND'],
    ['too-large', 'API_REJECTED'],
    ['server-error', 'API_UNAVAILABLE'],
    ['providers-exhausted', 'API_UNAVAILABLE'],
    ['bad-gateway-page', 'API_UNAVAILABLE'],
    ['unavailable', 'API_UNAVAILABLE'],
    ['unavailable-page-wait', 'API_UNAVAILABLE'],
    ['too-slow', 'API_UNAVAILABLE'],
    ['still-working', 'API_UNAVAILABLE'],
    ['cloud-timeout', 'API_UNAVAILABLE'],
    ['redirect', 'API_BAD_ANSWER'],
    ['rude-message', 'API_REJECTED'],
    ['reset-before-answer', 'API_INTERRUPTED'],
    ['reset-in-body', 'API_INTERRUPTED'],
    ['reset-in-chunks', 'API_INTERRUPTED'],
    ['close-in-body', 'API_BAD_ANSWER'],
    ['hang', 'API_TIMEOUT'],
    ['drip', 'API_TIMEOUT'],
    ['media-gone', 'API_INTERRUPTED'],
  ])('%s is %s', async (name, code) => {
    gateway.respondWith(name)
    const error = await refusal(() => upscale({ timeoutMs: 500 }))
    expect(error.code).toBe(code)
    expect(error.message).toContain('assets/hero.png')
    expect(error.details.hint).not.toBe('')
    expect(gateway.orders).toHaveLength(1)
  })
})

describe('an address that must not be opened is refused', () => {
  test.each([
    'http://media.lumenfall.ai/a.png',
    'https://evil.example/a.png',
    'https://127.0.0.1/a.png',
    'http://169.254.169.254/latest/meta-data',
    'http://127.0.0.1:1/a.png',
    'file:///etc/passwd',
    'data:image/png,AAAA',
  ])('%s', async address => {
    gateway.respondWith(soldAt(address))
    const error = await refusal(() => upscale({ responseFormat: 'url' }))
    expect(error.code).toBe('API_BAD_ANSWER')
    expect(error.message).toContain('assets/hero.png')
    expect(gateway.orders).toHaveLength(1)
    expect(gateway.requests.filter(({ method }) => method !== 'POST')).toEqual([])
  })

  test('a data: address is the picture itself, and is not fetched', async () => {
    gateway.respondWith(soldAt('data:image/png;base64,AAAA'))
    const error = await refusal(() => upscale({ responseFormat: 'url' }))
    expect(error.code).toBe('ANSWER_CORRUPT')
    expect(gateway.orders).toHaveLength(1)
    expect(gateway.requests.filter(({ method }) => method !== 'POST')).toEqual([])
  })
})

describe('Record & Replay', () => {
  test.each<[ResponseName, string]>([
    ['placeholder', 'ANSWER_WRONG_ASPECT'],
    ['placeholder-of-right-size', 'ANSWER_DRIFTED'],
  ])('a %s is refused by the checks as %s, and charged nothing', async (name, code) => {
    gateway.respondWith(name)
    const error = await refusal(() => upscale({ replay: 'replay-or-mock' }))
    expect(error.code).toBe(code)
    expect(error.message).toContain('assets/hero.png')
    expect(gateway.orders[0]?.headers['x-lumenfall-replay']).toBe('replay-or-mock')
    expect(gateway.charges).toEqual([])
  })

  test('that refusal does not stand in the way of buying the picture', async () => {
    gateway.respondWith('placeholder')
    await refusal(() => upscale({ replay: 'mock' }))
    gateway.respondWith('ok')
    expect((await upscale()).origin).toBe('engine')
    expect(gateway.charges).toHaveLength(1)
  })
})

test('every repetition of an order has the same idempotency key, and another picture has another', async () => {
  gateway.respondWith(inTurn('rate-limited-wait', 'ok'))
  await upscale()
  await upscale({ detail: 60 })
  const [first, again, other] = gateway.orders.map(({ headers }) => headers['idempotency-key'])
  expect(first).toMatch(/^[\w-]{1,200}$/)
  expect(again).toBe(first)
  expect(other).not.toBe(first)
})

describe('repeats', () => {
  test.each<[string, readonly (ResponseName | Responder)[], number]>([
    ['429, then a picture', ['rate-limited', 'ok'], 2],
    ['429 with Retry-After, then a picture', ['rate-limited-wait', 'ok'], 2],
    ['503 with Retry-After, then a picture', ['unavailable-wait', 'ok'], 2],
  ])('%s: one charge', async (_, answers, orders) => {
    gateway.respondWith(inTurn(...answers))
    await upscale()
    expect(gateway.orders).toHaveLength(orders)
    expect(gateway.charges).toHaveLength(1)
  })

  test('429 for good ends as API_RATE_LIMITED after four attempts', async () => {
    gateway.respondWith('rate-limited')
    expect((await refusal(() => upscale())).code).toBe('API_RATE_LIMITED')
    expect(gateway.orders).toHaveLength(4)
  })

  test.each<ResponseName>(['reset-before-answer', 'server-error', 'providers-exhausted', 'cut-json'])(
    '%s, then a picture: no second order, since the first may have been charged',
    async name => {
      gateway.respondWith(inTurn(name, 'ok'))
      await refusal(() => upscale())
      expect(gateway.orders).toHaveLength(1)
    },
  )
})

test('a service that is not there is named, and nothing was ordered', async () => {
  const error = await refusal(() => upscale({ baseURL: 'http://127.0.0.1:9/openai/v1', timeoutMs: 300 }))
  expect(error.code).toBe('API_UNREACHABLE')
  expect(error.message).toMatch(/assets\/hero\.png.*127\.0\.0\.1:9.*nothing was ordered/)
})

test('a missing key is asked for before anything is sent', async () => {
  const error = await refusal(() => upscale({}, {}, 2, {}))
  expect(error.code).toBe('KEY_MISSING')
  expect(error.message).toContain('LUMENFALL_API_KEY')
  expect(gateway.requests).toEqual([])
})

test('the key was in no message and no file of all these runs', () => {
  const { texts, files, found } = project.searchFor(KEY)
  expect(texts).toBeGreaterThan(50)
  expect(files).toBeGreaterThan(50)
  expect(found).toEqual([])
})

/** One run of its own: an upscaler made, used for one picture, and closed. */
function upscale(
  options: LumenfallOptions = {},
  params: Record<string, string> = {},
  factor = 2,
  env: Record<string, string> = { LUMENFALL_API_KEY: KEY },
) {
  const engine = lumenfall({ baseURL: gateway.url, ...options })
  return project.upscale({ engine, env, request: { factor, params } })
}

const refusal = (act: () => Promise<unknown>) => project.refusal(act)
