import { expect, test } from 'vitest'
import { priceOf } from './call-price.ts'

const size = { width: 1024, height: 1024, scale: 2 }

test('a price by the picture is that of every picture', () => {
  expect(priceOf({ priceMicros: 60_000 }, size)).toBe(60_000)
  expect(priceOf({ priceMicros: 60_000, pricedBy: 'picture' }, { ...size, scale: 8 })).toBe(60_000)
})

test('a price by the megapixel is that of the result, and its begun millionth counts', () => {
  // What Ideogram quotes for a picture of 1024 x 1024 pixels at x2.
  expect(priceOf({ priceMicros: 30_000, pricedBy: 'megapixel' }, size)).toBe(125_830)
  expect(priceOf({ priceMicros: 30_000, pricedBy: 'megapixel' }, { ...size, scale: 4 })).toBe(503_317)
  expect(priceOf({ priceMicros: 1000, pricedBy: 'megapixel' }, { width: 3, height: 1, scale: 1.5 })).toBe(1)
  expect(priceOf({ priceMicros: 0, pricedBy: 'megapixel' }, size)).toBe(0)
})
