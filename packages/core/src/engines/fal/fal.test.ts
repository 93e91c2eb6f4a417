import { describe, expect, test } from 'vitest'
import { isUpscaleError } from '../../errors.ts'
import { type FalOptions, fal } from './fal.ts'

const KEY = 'canary-c0ffee:0123456789'

function failure(act: () => unknown) {
  try {
    act()
  } catch (error) {
    if (isUpscaleError(error)) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

test('what the engine says about itself', () => {
  expect(fal()).toMatchObject({
    id: 'fal',
    model: 'fal-ai/ideogram/upscale',
    exchange: 'file',
    billing: 'paid',
    priceMicros: 60_000,
    recovery: 'job',
  })
  expect(fal({ price: 0.07 }).priceMicros).toBe(70_000)
  expect([1.5, 2, 2.1].map(factor => fal().scaleFor(factor))).toEqual([2, 2, undefined])
})

test('the key is nowhere on the engine', () => {
  const engine = fal({ apiKey: KEY })
  expect([JSON.stringify(engine), ...Object.values(engine).map(String)].join(' ')).not.toContain('canary')
})

test('the cache key is made of what decides about the picture', () => {
  const plain = fal({ detail: 60 })
  const other = fal({
    detail: 60,
    apiKey: KEY,
    baseURL: 'https://proxy.example',
    maxInlineBytes: 0,
    keepSeconds: 3600,
  })
  expect(other.checkParams({})).toEqual(plain.checkParams({}))
  expect(plain.checkParams({ seed: '1' })).toEqual({ detail: 60, seed: 1 })
})

describe('options that are refused', () => {
  test.each<[Record<string, unknown>, string]>([
    [{ detail: 0 }, 'detail is 0 (number), expected a whole number from 1 to 100'],
    [{ resemblance: 101 }, 'resemblance is 101'],
    [{ seed: -1 }, 'seed is -1'],
    [{ expandPrompt: true }, 'expandPrompt without a prompt'],
    [{ expand_prompt: true }, 'did you mean "expandPrompt"?'],
    [{ model: 'fal-ai/esrgan' }, 'unknown option "model"'],
    [{ apikey: KEY }, 'did you mean "apiKey"?'],
    [{ apiKey: 'two words' }, 'apiKey is no text that could be a key'],
    [{ baseURL: 'http://queue.fal.run' }, 'baseURL must start with https:'],
    [{ uploadURL: 'queue' }, 'uploadURL is no address'],
    [{ mediaHosts: ['*.'] }, 'expected a list of hosts'],
    [{ mediaHosts: ['*'] }, 'expected a list of hosts'],
    [{ keepSeconds: 60 }, 'expected a whole number from 3600'],
    [{ maxInlineBytes: -1 }, 'expected a whole number from 0'],
    [{ timeoutMs: 0 }, 'expected a whole number from 1'],
    [{ price: -1 }, 'expected a number from 0 to 1000'],
  ])('%j', (options, expected) => {
    const error = failure(() => fal(options as FalOptions))
    expect(error.code).toBe('BAD_OPTION')
    expect(error.message).toContain(expected)
    expect(error.message).not.toContain('canary')
  })
})

test.each<[Record<string, string>, string]>([
  [{ detail: '500' }, 'expected a whole number from 1 to 100 for fal-ai/ideogram/upscale'],
  [{ expand_prompt: 'true' }, 'expand_prompt without a prompt'],
  [{ creativity: '1' }, 'unknown parameter "creativity"'],
])('a directive with %j is refused', (written, expected) => {
  const error = failure(() => fal().checkParams(written))
  expect(error.code).toBe('BAD_DIRECTIVE')
  expect(error.message).toContain(expected)
})
