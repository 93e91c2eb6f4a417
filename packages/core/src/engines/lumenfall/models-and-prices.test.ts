import { describe, expect, test } from 'vitest'
import { MODELS, scaleFor } from './models-and-prices.ts'

function model(slug: string) {
  const found = MODELS.find(candidate => candidate.slug === slug)
  if (found === undefined) throw new Error(`no model ${slug}`)
  return found
}

describe('the factor a model is asked for', () => {
  test.each([
    ['ideogram-upscale', 1.1, 2],
    ['ideogram-upscale', 2, 2],
    ['ideogram-upscale', 2.01, undefined],
    ['ideogram-upscale', 4, undefined],
    ['google-upscaler', 3, 4],
    ['aura-sr', 2, 4],
    ['aura-sr', 5, undefined],
    ['seedvr-image-upscale', 1.5, 1.5],
    ['seedvr-image-upscale', 8, 8],
    ['seedvr-image-upscale', 10.5, undefined],
  ])('%s for %d is %s', (slug, factor, expected) => {
    expect(scaleFor(model(slug).scales, factor)).toBe(expected)
  })
})

test('the table is in order: names once and in lower case, factors above 1 and rising, prices whole', () => {
  expect(new Set(MODELS.map(({ slug }) => slug)).size).toBe(MODELS.length)
  for (const { slug, scales, priceMicros } of MODELS) {
    expect(slug).toMatch(/^[a-z0-9-]+$/)
    if (!('min' in scales)) {
      expect([...scales].sort((a, b) => a - b)).toEqual(scales)
      expect(scales.every(scale => scale > 1)).toBe(true)
    }
    expect(priceMicros === undefined || Number.isInteger(priceMicros)).toBe(true)
  }
})
