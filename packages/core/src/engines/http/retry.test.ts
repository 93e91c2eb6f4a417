import { describe, expect, test } from 'vitest'
import { UpscaleError } from '../../errors.ts'
import type { HttpRequest, HttpResponse } from './client.ts'
import { startDeadline } from './deadline.ts'
import { parseRetryAfter, type Repeats, repeatsFree, repeatsOrder, withRetry } from './retry.ts'

const NOW = Date.UTC(2026, 0, 1)

type Step = HttpResponse | UpscaleError

const status = (code: number, headers: Record<string, string> = {}, body = ''): HttpResponse => ({
  status: code,
  headers,
  body: Buffer.from(body),
})

const failed = (code: 'API_UNREACHABLE' | 'API_INTERRUPTED' | 'API_TIMEOUT' | 'ABORTED'): UpscaleError =>
  new UpscaleError(code, 'failed', { hint: 'none' })

/** Plays the steps, the last one for ever, and records the pauses between them. */
async function play(steps: readonly Step[], repeats: Repeats, timeoutMs = 1_000_000, random = 0.5) {
  const deadline = startDeadline(timeoutMs, new AbortController().signal)
  const request: HttpRequest = {
    method: 'POST',
    isOrder: true,
    url: new URL('http://a'),
    headers: {},
    maxBytes: 1,
    deadline,
  }
  const pauses: number[] = []
  let sent = 0
  const send = withRetry(
    async () => {
      const step = steps[Math.min(sent++, steps.length - 1)]
      if (step === undefined || step instanceof Error) throw step
      return step
    },
    repeats,
    { sleep: async ms => void pauses.push(ms), random: () => random, now: () => NOW },
  )
  const outcome = await send(request).then(
    response => response.status,
    error => error.code,
  )
  deadline.clear()
  return { sent, pauses, outcome }
}

describe('an order is repeated only where the service certainly did no work', () => {
  test.each([
    ['never connected', failed('API_UNREACHABLE'), 4],
    ['408 before the order was sent', { ...status(408), isEarly: true }, 4],
    ['408 after it', status(408), 1],
    ['425', status(425), 4],
    ['429', status(429), 4],
    ['503 with Retry-After', status(503, { 'retry-after': '1' }, ' {"error":{}}'), 4],
    ['503 with Retry-After on a page', status(503, { 'retry-after': '1' }, '<!doctype html>'), 1],
    ['503 with Retry-After and nothing else', status(503, { 'retry-after': '1' }), 1],
    ['503 without', status(503), 1],
    ['500', status(500), 1],
    ['502', status(502), 1],
    ['504', status(504), 1],
    ['524', status(524), 1],
    ['500 with Retry-After', status(500, { 'retry-after': '1' }), 1],
    ['lost after sending', failed('API_INTERRUPTED'), 1],
    ['deadline', failed('API_TIMEOUT'), 1],
    ['stopped', failed('ABORTED'), 1],
    ['400', status(400), 1],
    ['401', status(401), 1],
    ['402', status(402), 1],
    ['403', status(403), 1],
    ['404', status(404), 1],
    ['409', status(409), 1],
    ['422', status(422), 1],
    ['200', status(200), 1],
    ['307', status(307), 1],
  ])('%s', async (_, step, expected) => {
    expect((await play([step], repeatsOrder)).sent).toBe(expected)
  })
})

describe('a download is free to repeat', () => {
  test.each([
    ['500', status(500), 4],
    ['502', status(502), 4],
    ['429', status(429), 4],
    ['never connected, or cut off', failed('API_UNREACHABLE'), 4],
    ['404', status(404), 1],
    ['403', status(403), 1],
    ['deadline', failed('API_TIMEOUT'), 1],
  ])('%s', async (_, step, expected) => {
    expect((await play([step], repeatsFree)).sent).toBe(expected)
  })
})

test('the first good answer ends it', async () => {
  const played = await play([status(429), failed('API_UNREACHABLE'), status(200), status(429)], repeatsOrder)
  expect(played).toMatchObject({ sent: 3, outcome: 200 })
})

test('after the last repeat the last outcome stands, as an answer or as an error', async () => {
  expect((await play([status(429)], repeatsOrder)).outcome).toBe(429)
  expect((await play([failed('API_UNREACHABLE')], repeatsOrder)).outcome).toBe('API_UNREACHABLE')
})

test.each([
  [0, [375, 750, 1500]],
  [0.5, [500, 1000, 2000]],
  [1, [625, 1250, 2500]],
])('pauses double, a quarter off at most (random %d)', async (random, expected) => {
  expect((await play([status(429)], repeatsOrder, 1_000_000, random)).pauses).toEqual(expected)
})

test.each([
  ['1', 1000],
  ['60', 60_000],
  ['0', 0],
  ['Thu, 01 Jan 2026 00:00:05 GMT', 5000],
  ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
])('Retry-After %s is obeyed', async (value, expected) => {
  const played = await play([status(429, { 'retry-after': value }), status(200)], repeatsOrder, 1_000_000, 0)
  expect(played.pauses).toEqual([expected])
})

test.each(['61', '99999999999999999999', 'Fri, 02 Jan 2026 00:00:00 GMT'])(
  'Retry-After %s is too long to wait for',
  async value => {
    const played = await play([status(429, { 'retry-after': value }), status(200)], repeatsOrder)
    expect(played).toEqual({ sent: 1, pauses: [], outcome: 429 })
  },
)

test('a Retry-After with a date is one of the clock of the service, whatever time it is here', async () => {
  const headers = { 'retry-after': 'Thu, 01 Jan 2026 02:00:05 GMT', date: 'Thu, 01 Jan 2026 02:00:00 GMT' }
  const played = await play([status(429, headers), status(200)], repeatsOrder, 1_000_000, 0)
  expect(played).toEqual({ sent: 2, pauses: [5000], outcome: 200 })
})

test.each(['-5', 'soon', '', 'NaN', '1e3', '0x10'])('Retry-After "%s" counts as none', value => {
  expect(parseRetryAfter(value, NOW)).toBeUndefined()
})

test('no pause goes past the deadline', async () => {
  expect(await play([status(429)], repeatsOrder, 400)).toEqual({ sent: 1, pauses: [], outcome: 429 })
})

test('what is not coded is thrown on at once', async () => {
  const send = withRetry(() => Promise.reject(new TypeError('a bug')), repeatsOrder)
  await expect(send({} as HttpRequest)).rejects.toThrow(TypeError)
})
