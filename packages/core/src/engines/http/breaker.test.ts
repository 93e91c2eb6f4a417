import { expect, test } from 'vitest'
import { type ErrorCode, UpscaleError } from '../../errors.ts'
import { createBreaker, ENGINE_POLICY } from './breaker.ts'

const failure = (code: ErrorCode): UpscaleError => new UpscaleError(code, `it said ${code}`, { hint: 'wait' })

test('stops for good after a refused key', () => {
  let now = 0
  const breaker = createBreaker(ENGINE_POLICY, () => now)
  breaker.observe('a', failure('API_UNAUTHORIZED'))
  now = 1e9
  expect(() => breaker.check('a')).toThrow('not sent')
  breaker.check('b')
})

test('lets one call try again a minute after three outages in a row', () => {
  let now = 0
  const breaker = createBreaker(ENGINE_POLICY, () => now)
  for (let outage = 0; outage < 3; outage++) {
    breaker.check('a')
    breaker.observe('a', failure('API_UNAVAILABLE'))
  }
  expect(() => breaker.check('a')).toThrow('API_UNAVAILABLE')
  now = 60_000
  breaker.check('a')
  breaker.check('a')
  breaker.enter('a')
  expect(() => breaker.check('a')).toThrow('not sent')
  expect(() => breaker.enter('a')).toThrow('not sent')
  breaker.succeed('a')
  breaker.check('a')
})

test('a refusal of one picture is no outage', () => {
  const breaker = createBreaker(ENGINE_POLICY)
  for (const code of ['API_TIMEOUT', 'API_TIMEOUT', 'API_REJECTED', 'API_TIMEOUT', 'API_TIMEOUT'] as const) {
    breaker.observe('a', failure(code))
  }
  breaker.check('a')
})
