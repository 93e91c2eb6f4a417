import { describe, expect, test } from 'vitest'
import { isUpscaleError } from '../../errors.ts'
import type { HttpResponse } from '../http/client.ts'
import { costMicrosOf, decodeBase64, readEditAnswer } from './edit-answer.ts'

const KEY = 'lmnfl_canary.0123456789'
const SERVICE = { name: 'Lumenfall', keyName: 'LUMENFALL_API_KEY', secrets: [KEY] }

function answer(status: number, body: unknown, headers: Record<string, string> = {}): HttpResponse {
  return { status, headers, body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)) }
}

async function failure(act: () => unknown) {
  try {
    await act()
  } catch (error) {
    if (isUpscaleError(error)) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

const refusal = (status: number, body: unknown, headers?: Record<string, string>) =>
  failure(() => readEditAnswer(answer(status, body, headers), SERVICE))

describe('a good answer', () => {
  test('gives the picture, the charge, the id and the model that ran', async () => {
    const metadata = { cost: 0.06, cost_currency: 'USD', executed_model: 'fal/fal-ai/ideogram/upscale' }
    const body = { id: 'req_body', data: [{ b64_json: 'AAAA', url: 'https://a' }], metadata }
    expect(await readEditAnswer(answer(200, body), SERVICE)).toEqual({
      picture: { base64: 'AAAA' },
      receipt: { costMicros: 60_000, requestId: 'req_body', executedModel: 'fal/fal-ai/ideogram/upscale' },
    })
  })

  test('may have an address instead, and no metadata', async () => {
    const read = await readEditAnswer(answer(200, { data: [{ url: 'https://a' }] }), SERVICE)
    expect(read).toEqual({ picture: { url: 'https://a' }, receipt: {} })
  })

  test.each([
    [{ 'x-lumenfall-request-id': 'req_1', 'x-request-id': 'req_2' }, 'req_1'],
    [{ 'x-request-id': 'req_2' }, 'req_2'],
    [{ 'x-request-id': '\u001b[31mreq_3' }, 'req_3'],
    [{ 'x-request-id': KEY }, '[secret]'],
  ])('takes the id from %j', async (headers, expected) => {
    const { receipt } = await readEditAnswer(answer(200, { data: [{ b64_json: 'AAAA' }] }, headers), SERVICE)
    expect(receipt.requestId).toBe(expected)
  })

  test('an error that is null is none', async () => {
    const body = { error: null, data: [{ b64_json: 'AAAA' }, { b64_json: 'BBBB' }] }
    expect((await readEditAnswer(answer(200, body), SERVICE)).picture).toEqual({ base64: 'AAAA' })
  })
})

describe('dollars become whole millionths', () => {
  test.each([
    [0.06, 60_000],
    [0.07, 70_000],
    [0.1 + 0.2, 300_000],
    [0.000001, 1],
    [1.005, 1_005_000],
    [0, 0],
    [12.345678, 12_345_678],
  ])('%d is %d', (cost, expected) => {
    expect(costMicrosOf({ cost })).toBe(expected)
  })

  test.each([[-1], ['0.06'], [null], [Number.NaN], [Number.POSITIVE_INFINITY], [1e300], [{}]])(
    '%j is no cost',
    cost => {
      expect(costMicrosOf({ cost })).toBeUndefined()
    },
  )

  test('other money is no cost', () => {
    expect(costMicrosOf({ cost: 1, cost_currency: 'EUR' })).toBeUndefined()
    expect(costMicrosOf({ cost: 1, cost_currency: 'usd' })).toBe(1_000_000)
    expect(costMicrosOf({ cost: 1, cost_currency: { toString: 1 } })).toBe(1_000_000)
    expect(costMicrosOf(undefined)).toBeUndefined()
  })
})

describe('a 200 without a picture', () => {
  test.each<[string, unknown]>([
    ['empty', ''],
    ['a web page', '<html>'],
    ['cut JSON', '{"data":[{"b64_json":"AAA'],
    ['null', 'null'],
    ['a number', '1'],
    ['a list', '[]'],
    ['no data', {}],
    ['empty data', { data: [] }],
    ['data of another type', { data: { b64_json: 'AAAA' } }],
    ['an empty picture', { data: [{ b64_json: '' }] }],
    ['a picture of another type', { data: [{ b64_json: 5 }] }],
    ['an array that is inherited', '{"__proto__":{"data":[{"b64_json":"AAAA"}]}}'],
    ['endless nesting', '['.repeat(200_000)],
  ])('%s', async (_, body) => {
    expect((await refusal(200, body)).code).toBe('API_BAD_ANSWER')
  })

  test('names the charge and the id', async () => {
    const error = await refusal(200, { data: [], metadata: { cost: 0.06 } }, { 'x-request-id': 'req_9' })
    expect(error.message).toMatch(/US\$0\.06 were charged/)
    expect(error.details.requestId).toBe('req_9')
  })
})

describe('refusals', () => {
  const envelope = (code?: string) => ({ error: { message: 'because', type: 'any', ...(code && { code }) } })

  test.each([
    [400, 'INVALID_REQUEST', 'API_REJECTED', true],
    [400, undefined, 'API_REJECTED', true],
    [400, 'CONTENT_POLICY_VIOLATION', 'API_MODERATED', true],
    [200, 'CONTENT_POLICY_VIOLATION', 'API_MODERATED', true],
    [200, undefined, 'API_BAD_ANSWER', undefined],
    [401, 'AUTHENTICATION_FAILED', 'API_UNAUTHORIZED', undefined],
    [402, 'INSUFFICIENT_BALANCE', 'API_NO_BALANCE', undefined],
    [403, undefined, 'API_FORBIDDEN', undefined],
    [404, 'MODEL_NOT_FOUND', 'API_NOT_FOUND', undefined],
    [404, 'MODEL_DISABLED', 'API_NOT_FOUND', undefined],
    [413, undefined, 'API_REJECTED', true],
    [422, 'UPSTREAM_ERROR', 'API_REJECTED', true],
    [429, 'RATE_LIMITED', 'API_RATE_LIMITED', undefined],
    [429, 'insufficient_quota', 'API_NO_BALANCE', undefined],
    [500, 'INTERNAL_ERROR', 'API_UNAVAILABLE', undefined],
    [502, 'ALL_PROVIDERS_EXHAUSTED', 'API_UNAVAILABLE', undefined],
    [524, undefined, 'API_UNAVAILABLE', undefined],
    [599, 'constructor', 'API_UNAVAILABLE', undefined],
    [307, undefined, 'API_BAD_ANSWER', undefined],
    [204, undefined, 'API_BAD_ANSWER', undefined],
  ])('%d %s is %s', async (status, code, expected, permanent) => {
    const error = await refusal(status, envelope(code), { 'x-request-id': 'req_7' })
    expect(error.code).toBe(expected)
    expect(error.details.permanent).toBe(permanent)
    expect(error.message).toContain('because')
    expect(error.message).toContain('req_7')
    expect(error.message).toContain(`HTTP ${status}`)
  })

  test.each([
    [{ error: { message: 'm', error_code: 'INSUFFICIENT_BALANCE' } }],
    [{ error: { message: 'm' }, error_code: 'INSUFFICIENT_BALANCE' }],
    [{ error_code: 'INSUFFICIENT_BALANCE' }],
  ])('the code is also found in %j', async body => {
    expect((await refusal(400, body)).code).toBe('API_NO_BALANCE')
  })

  test("a proxy's page is quoted without tags, and not remembered for the image", async () => {
    const page = '<html><body class="a"><h1>Bad\u001b[31m gateway</h1></body></html>'
    const error = await refusal(400, page, { 'content-type': 'text/html' })
    expect(error.message).toContain('a web page instead of JSON: Bad gateway')
    expect(error.details.permanent).toBeUndefined()
  })

  test('names a charge that it comes with', async () => {
    const error = await refusal(502, { ...envelope('ALL_PROVIDERS_EXHAUSTED'), metadata: { cost: 0.03 } })
    expect(error.message).toContain('US$0.03 were charged')
  })

  test.each(['<', '\u001b[', '\u001b[;', '<script'])(
    '64 KiB of %j are read like any other text',
    async piece => {
      const body = piece.repeat(65_536 / piece.length)
      expect((await refusal(500, body, { 'content-type': 'text/html' })).code).toBe('API_UNAVAILABLE')
    },
  )

  test('an echoed key is cut out of message, code and page', async () => {
    const bodies = [
      { error: { message: `key ${KEY}`, code: KEY } },
      { error: KEY },
      { detail: KEY },
      KEY,
      `<b>${KEY}</b>`,
    ]
    for (const body of bodies)
      expect((await refusal(401, body, { 'retry-after': KEY })).message).not.toContain('canary')
  })

  test('the hint is about the case', async () => {
    expect((await refusal(401, {})).message).toMatch(/check LUMENFALL_API_KEY/)
    expect((await refusal(402, {})).message).toMatch(/top up/)
    expect((await refusal(404, {})).message).toMatch(/model's name.*base URL/)
    expect((await refusal(429, {}, { 'retry-after': '3600' })).message).toMatch(/Retry-After 3600/)
    expect((await refusal(500, {})).message).toMatch(/request log/)
  })
})

describe('a picture in the place of the JSON', () => {
  test('is the answer, under any status of success', async () => {
    const png = Buffer.from('\x89PNG\r\n\x1a\n and so on', 'latin1')
    const response = { status: 201, headers: { 'x-request-id': 'req_4' }, body: png }
    expect(await readEditAnswer(response, SERVICE)).toEqual({
      picture: { bytes: png },
      receipt: { requestId: 'req_4' },
    })
  })

  test('is the answer under the status of a refusal, too; cut off, it leaves a doubt', async () => {
    const png = Buffer.from('\x89PNG\r\n\x1a\n and so on', 'latin1')
    const response = { status: 500, headers: {}, body: png }
    expect((await readEditAnswer(response, SERVICE)).picture).toEqual({ bytes: png })
    const error = await failure(() => readEditAnswer({ ...response, isCut: true }, SERVICE))
    expect(error.code).toBe('API_BAD_ANSWER')
  })
})

test('201 is a success like 200', async () => {
  const read = await readEditAnswer(answer(201, { data: [{ b64_json: 'AAAA' }] }), SERVICE)
  expect(read.picture).toEqual({ base64: 'AAAA' })
})

describe('base64', () => {
  test.each(['AAAA', 'AAA=', 'AA==', '+/+/'])('%s is decoded', async base64 => {
    expect((await decodeBase64(base64, SERVICE)).toString('base64')).toBe(base64)
  })

  test.each([
    ['+/+/', '-_-_'],
    ['+/+/', 'data:image/png;base64,+/+/'],
    ['+/+/', 'data:image/png;name=a.png;base64,-_-_'],
    ['AAAAAAAA', 'AAAA\r\nAAAA\n'],
    ['AAAAAAAA', '  AAAA AAAA'],
    ['AAA=', 'AAA'],
    ['AA==', 'AA'],
    ['AAAAAA==', 'data:image/webp;base64,AAAA\nAA'],
  ])('%s is also read as %j', async (base64, sent) => {
    expect((await decodeBase64(sent, SERVICE)).toString('base64')).toBe(base64)
  })

  test.each([
    'A',
    'AAAAA',
    'AA=A',
    'AA=',
    '====',
    'AA!A',
    'AAAA,AAAA',
    'data:image/png,AAAA',
    'data:image/png;base64,',
    'https://a/AAAA',
  ])('%j is refused', async base64 => {
    expect((await failure(() => decodeBase64(base64, SERVICE))).code).toBe('ANSWER_CORRUPT')
  })
})
