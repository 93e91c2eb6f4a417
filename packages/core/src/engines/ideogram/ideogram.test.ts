import { describe, expect, test } from 'vitest'
import { isUpscaleError } from '../../errors.ts'
import { type IdeogramOptions, ideogram } from './ideogram.ts'

const KEY = 'canary-c0ffee-0123456789'

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
  expect(ideogram()).toMatchObject({
    id: 'ideogram',
    model: 'topaz-text-refine',
    exchange: 'file',
    billing: 'paid',
    priceMicros: 30_000,
    pricedBy: 'megapixel',
    recovery: 'job',
  })
  expect(ideogram({ pricePerMegapixel: 0.05 }).priceMicros).toBe(50_000)
  expect([1.5, 2, 3, 8, 8.5].map(factor => ideogram().scaleFor(factor))).toEqual([2, 2, 4, 8, undefined])
  expect(ideogram({ model: 'topaz-wonder-4', pricePerMegapixel: 0.1 }).scaleFor(8)).toBeUndefined()
})

test('the key is nowhere on the engine', () => {
  const engine = ideogram({ apiKey: KEY })
  expect([JSON.stringify(engine), ...Object.values(engine).map(String)].join(' ')).not.toContain('canary')
})

test('the cache key is made of what decides about the picture', () => {
  const plain = ideogram({ model: 'topaz-bloom-2', prompt: 'a chart' })
  const other = ideogram({
    model: 'topaz-bloom-2',
    prompt: 'a chart',
    apiKey: KEY,
    baseURL: 'https://proxy.example',
    pricePerMegapixel: 1,
  })
  expect(other.checkParams({})).toEqual(plain.checkParams({}))
  expect(plain.checkParams({ prompt: 'a map' })).toEqual({ prompt: 'a map' })
  const strong = ideogram({ model: 'topaz-wonder-3-5', enhancementStrength: 'high' })
  expect(strong.checkParams({})).toEqual({ enhancement_strength: 'high' })
})

test('a result that the model does not make is refused before anything else', () => {
  const context = { signal: new AbortController().signal, env: { IDEOGRAM_API_KEY: KEY } }
  const engine = ideogram()
  engine.checkAccess?.(context, { width: 4096, height: 10, scale: 2 })
  const error = failure(() => engine.checkAccess?.(context, { width: 10, height: 4097, scale: 2 }))
  expect(error).toMatchObject({ code: 'SOURCE_TOO_LARGE' })
  expect(error.message).toContain('8192')
})

describe('options that are refused', () => {
  test.each<[Record<string, unknown>, string]>([
    [{ model: 'auto' }, 'unknown model "auto"'],
    [{ model: 'topaz-text-refin' }, 'did you mean "topaz-text-refine"?'],
    [{ model: 'topaz-wonder-4' }, 'say the most a megapixel may cost'],
    [{ prompt: 'a chart' }, 'unknown option "prompt"'],
    [{ model: 'topaz-wonder-3-5', enhancementStrength: 'some' }, 'expected one of low, medium, high'],
    [{ pricePerMegapixel: -1 }, 'expected a number from 0 to 1000'],
    [{ price: 0.1 }, 'unknown option "price"'],
    [{ apiKey: 'two words' }, 'apiKey is no text that could be a key'],
    [{ baseURL: 'http://api.ideogram.ai' }, 'baseURL must start with https:'],
    [{ mediaHosts: ['*.'] }, 'expected a list of hosts'],
  ])('%o', (options, said) => {
    const error = failure(() => ideogram(options as IdeogramOptions))
    expect(error.code).toBe('BAD_OPTION')
    expect(error.message).toContain(said)
  })
})

test('a directive may not set what the model does not know', () => {
  expect(failure(() => ideogram().checkParams({ prompt: 'a' })).code).toBe('BAD_DIRECTIVE')
})
