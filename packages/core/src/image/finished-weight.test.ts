import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { finish } from './codec.ts'
import type { Picture, PixelImage } from './pixel-image.ts'

const WIDTH = 150
const HEIGHT = 130

function draw(channels: 1 | 3, sample: (x: number, y: number, channel: number) => number): PixelImage {
  const data = Uint8Array.from({ length: WIDTH * HEIGHT * channels }, (_, at) => {
    const pixel = Math.floor(at / channels)
    return sample(pixel % WIDTH, Math.floor(pixel / WIDTH), at % channels)
  })
  return { data, width: WIDTH, height: HEIGHT, channels }
}

const noise = (x: number, y: number, channel: number): number =>
  ((x * 374761 + y * 668265 + channel * 974711) ^ (x * y * 31)) & 255

async function finished(picture: Picture, format: 'png' | 'webp' = 'png') {
  const { bytes } = await finish(picture, { width: WIDTH, height: HEIGHT, format, lossless: true })
  const facts = await sharp(bytes).metadata()
  return { facts, bytes, data: await sharp(bytes).ensureAlpha().raw().toBuffer() }
}

/** True when no channel is off by more than `most` once it is weighted by alpha (255 · 255 is a channel's whole range). */
function isAsSeen(found: Uint8Array, own: Uint8Array, most: number): boolean {
  return own.every((value, channel) => Math.abs(found[channel]! - value) * found[3]! <= most)
}

describe('pixels that can not be seen', () => {
  const alpha = draw(1, x => (x < 50 ? 0 : x < 60 ? 1 : 255))

  it.each(['png', 'webp'] as const)('have one colour in a %s, and all others keep theirs', async format => {
    const colour = draw(3, noise)
    const { data } = await finished({ colour, alpha }, format)
    const hidden = new Set<string>()
    const changed: number[] = []
    for (let pixel = 0; pixel < WIDTH * HEIGHT; pixel++) {
      const found = data.subarray(pixel * 4, pixel * 4 + 4)
      const own = colour.data.subarray(pixel * 3, pixel * 3 + 3)
      if (found[3] === 0) hidden.add(found.toString('hex'))
      else if (!isAsSeen(found, own, format === 'png' ? 255 : 0)) changed.push(pixel)
      if (found[3] !== alpha.data[pixel]) changed.push(pixel)
    }
    expect(changed).toEqual([])
    expect(hidden.size).toBe(1)
  })

  it('have the colour of a picture that has one, so that no mixing shows them', async () => {
    const colour = draw(3, (_x, _y, channel) => [200, 30, 90][channel]!)
    const { data } = await finished({ colour, alpha })
    expect([...data.subarray(0, 4)]).toEqual([200, 30, 90, 0])
  })

  it('are black where nothing can be seen', async () => {
    const { data } = await finished({ colour: draw(3, noise), alpha: draw(1, () => 0) })
    expect(data.every(value => value === 0)).toBe(true)
  })
})

describe('a PNG of few colours', () => {
  it.each([1, 2, 3, 4, 5, 16, 17, 256])(
    'has a palette where there are %i, and the same pixels',
    async count => {
      // A level apart in one channel would be evened out; these never are.
      const at = (x: number, y: number): number => (((x * 31) ^ (y * 17)) * 7) % count
      const colour = draw(3, (x, y, channel) =>
        channel === 0 ? (at(x, y) * 83) & 255 : at(x, y) < 128 ? 9 : 200,
      )
      const alpha = draw(1, (x, y) => 255 - (at(x, y) % 2) * 100)
      for (const picture of [{ colour }, { colour, alpha }]) {
        const { data, facts, bytes } = await finished(picture)
        expect(facts.isPalette).toBe(true)
        expect(Buffer.from(bytes).includes('sRGB')).toBe(true)
        const differs = data.findIndex((value, at) => {
          const opaque = 'alpha' in picture ? alpha.data[at >> 2] : 255
          return value !== (at % 4 === 3 ? opaque : colour.data[(at >> 2) * 3 + (at % 4)])
        })
        expect(differs).toBe(-1)
      }
    },
  )

  it('has none where there are 257', async () => {
    const at = (x: number, y: number): number => (y * WIDTH + x) % 257
    const colour = draw(3, (x, y, channel) =>
      channel === 0 ? (at(x, y) * 83) & 255 : at(x, y) === 256 ? 90 : 200,
    )
    expect((await finished({ colour })).facts.isPalette ?? false).toBe(false)
  })
})
