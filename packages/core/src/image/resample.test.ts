import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { PixelImage } from './pixel-image.ts'
import { area, lanczos3, resample } from './resample.ts'

const SIZES = [
  [1, 1],
  [2, 1],
  [3, 200],
  [200, 3],
  [37, 53],
] as const

function draw(
  width: number,
  height: number,
  channels: 1 | 3,
  sample: (x: number, y: number, channel: number) => number,
): PixelImage {
  const data = new Uint8Array(width * height * channels)
  for (let at = 0; at < data.length; at++) {
    const pixel = Math.floor(at / channels)
    data[at] = sample(pixel % width, Math.floor(pixel / width), at % channels)
  }
  return { data, width, height, channels }
}

/** Deterministic noise, 0 to 255. */
const noise = (x: number, y: number, channel: number): number =>
  ((x * 374761 + y * 668265 + channel * 974711) ^ (x * y * 31)) & 255

/** The definition, in plain floating point. */
function reference(image: PixelImage, width: number, height: number): PixelImage {
  const weights = (from: number, to: number, at: number): number[] => {
    const step = from / to
    const stretch = Math.max(1, step)
    const all = Array.from({ length: from }, (_, i) => lanczos3.weight(i + 0.5 - (at + 0.5) * step, stretch))
    const sum = all.reduce((total, weight) => total + weight)
    return all.map(weight => weight / sum)
  }
  return draw(width, height, image.channels, (x, y, channel) => {
    const across = weights(image.width, width, x)
    const sum = weights(image.height, height, y).reduce((total, down, row) => {
      const inRow = across.reduce(
        (part, weight, i) => part + weight * image.data[(row * image.width + i) * image.channels + channel]!,
        0,
      )
      return total + down * inRow
    }, 0)
    return Math.min(255, Math.max(0, Math.round(sum)))
  })
}

function farthest(one: PixelImage, other: PixelImage): number {
  return one.data.reduce((most, value, at) => Math.max(most, Math.abs(value - other.data[at]!)), 0)
}

describe('resample', () => {
  it.each(SIZES)('keeps a flat colour exactly, %i × %i', async (width, height) => {
    const colour = [7, 128, 255]
    const image = draw(width, height, 3, (_x, _y, channel) => colour[channel]!)
    for (const kernel of [lanczos3, area]) {
      for (const factor of [0.3, 1.5, 2, 3.7]) {
        const [w, h] = [Math.ceil(width * factor), Math.ceil(height * factor)]
        const same = draw(w, h, 3, (_x, _y, channel) => colour[channel]!)
        expect(farthest(await resample(image, w, h, kernel), same)).toBe(0)
      }
    }
  })

  it.each([
    [40, 30],
    [31, 17],
    [10, 7],
    [20, 45],
  ])('agrees with the definition within one level, 20 × 15 to %i × %i', async (width, height) => {
    for (const channels of [1, 3] as const) {
      const image = draw(20, 15, channels, noise)
      expect(
        farthest(await resample(image, width, height), reference(image, width, height)),
      ).toBeLessThanOrEqual(1)
    }
  })

  it.each([0.5, 1.5, 2, 3, 4])('moves nothing: a ramp stays where it is at factor %d', async factor => {
    const image = draw(120, 1, 1, x => x * 2)
    const enlarged = await resample(image, 120 * factor, 1)
    for (let x = Math.ceil(12 * factor); x < 108 * factor; x++) {
      const expected = ((x + 0.5) / factor - 0.5) * 2
      expect(Math.abs(enlarged.data[x]! - expected)).toBeLessThanOrEqual(1)
    }
  })

  it('gives the mirrored picture of a mirrored picture', async () => {
    const image = draw(23, 19, 3, noise)
    const mirrored = draw(23, 19, 3, (x, y, channel) => noise(22 - x, y, channel))
    const enlarged = await resample(image, 46, 38)
    const back = draw(46, 38, 3, (x, y, channel) => enlarged.data[(y * 46 + 45 - x) * 3 + channel]!)
    expect(farthest(await resample(mirrored, 46, 38), back)).toBeLessThanOrEqual(1)
  })

  it('reduces fine lines to their mean instead of aliasing them', async () => {
    const lines = draw(512, 512, 1, x => (x % 2) * 200)
    const middle = (await resample(lines, 50, 50)).data.slice(50 * 20 + 10, 50 * 20 + 40)
    for (const value of middle) expect(Math.abs(value - 100)).toBeLessThanOrEqual(2)
  })

  it('reduces by the plain mean over the area', async () => {
    const image = draw(64, 32, 1, noise)
    const reduced = await resample(image, 2, 1, area)
    const mean = (from: number): number => {
      const half = image.data.filter((_, at) => at % 64 >= from && at % 64 < from + 32)
      return half.reduce((sum, value) => sum + value, 0) / half.length
    }
    expect(Math.abs(reduced.data[0]! - mean(0))).toBeLessThanOrEqual(1)
    expect(Math.abs(reduced.data[1]! - mean(32))).toBeLessThanOrEqual(1)
    const three: PixelImage = { data: Uint8Array.of(0, 60, 120), width: 3, height: 1, channels: 1 }
    expect([...(await resample(three, 2, 1, area)).data]).toEqual([20, 100])
  })

  it('clamps the overshoot at hard edges', async () => {
    const edge = draw(20, 4, 1, x => (x < 10 ? 0 : 255))
    const row = (await resample(edge, 80, 16)).data.slice(0, 80)
    expect([...row.slice(0, 24)].every(value => value <= 8)).toBe(true)
    expect([...row.slice(56)].every(value => value >= 247)).toBe(true)
  })

  it('returns an image that has the size already', async () => {
    const image = draw(4, 4, 3, noise)
    expect(await resample(image, 4, 4)).toBe(image)
  })

  it('gives these bytes on every machine', async () => {
    const enlarged = await resample(draw(33, 21, 3, noise), 71, 50)
    expect(createHash('sha256').update(enlarged.data).digest('hex')).toMatchInlineSnapshot(
      `"7c83acf9433a1f04e5c441fb23679a9d35714602c2a83a88d7df0d1c8a1aad3e"`,
    )
  })
})
