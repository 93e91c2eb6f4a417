import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import type { Format } from '../source/format.ts'
import type { SourceImage } from '../source/source.ts'
import { encodeAnswer, finish, normalise } from './codec.ts'
import type { Output } from './output.ts'
import { pixelDigest } from './pixel-digest.ts'
import type { Picture, PixelImage } from './pixel-image.ts'
import { resample } from './resample.ts'

const LIMITS = { maxPixels: 10_000_000, factor: 2 }

function asSource(bytes: Uint8Array, format: Format): SourceImage {
  return {
    file: `/a.${format}`,
    name: `a.${format}`,
    stem: 'a',
    size: bytes.length,
    bytes,
    digest: '',
    format,
  }
}

function draw(
  width: number,
  height: number,
  channels: 1 | 3,
  sample: (x: number, y: number, channel: number) => number,
): PixelImage {
  const data = Uint8Array.from({ length: width * height * channels }, (_, at) => {
    const pixel = Math.floor(at / channels)
    return sample(pixel % width, Math.floor(pixel / width), at % channels)
  })
  return { data, width, height, channels }
}

/** What the pipeline does, with the resampler as the engine. */
async function enlarge(bytes: Uint8Array, format: Format, output: Partial<Output> = {}): Promise<Uint8Array> {
  const image = await normalise(asSource(bytes, format), LIMITS)
  const size = { width: image.width * 2, height: image.height * 2 }
  const picture: Picture = {
    colour: await resample(image.colour, size.width, size.height),
    ...(image.alpha === undefined ? {} : { alpha: await resample(image.alpha, size.width, size.height) }),
  }
  return (await finish(picture, { ...size, format, lossless: image.lossless, ...output })).bytes
}

describe('a logo with transparent surroundings', () => {
  const RED = [220, 40, 60]
  const WIDTH = 96
  const HEIGHT = 80

  /** A red disc with a soft rim; behind its transparent pixels lies `behind`. */
  function logo(behind: number): Promise<Uint8Array> {
    const alpha = draw(WIDTH, HEIGHT, 1, (x, y) => {
      const inside = 30 - Math.hypot(x - 47.3, y - 40.2)
      return Math.round(255 * Math.min(1, Math.max(0, inside + 0.5)))
    })
    const colour = draw(WIDTH, HEIGHT, 3, (x, y, channel) => {
      return alpha.data[y * WIDTH + x] === 0 ? behind : RED[channel]!
    })
    return encodeAnswer({ colour, alpha })
  }

  it.each([
    ['white', 255],
    ['black', 0],
  ])('gets no halo from %s behind it, on any ground', async (_name, behind) => {
    for (const format of ['png', 'webp', 'avif'] as const) {
      const tolerance = format === 'png' ? 1 : 16
      const bytes = await enlarge(await logo(behind), 'png', {
        format,
        ...(format === 'png' ? {} : { quality: 95 }),
      })
      for (const ground of [0, 255]) {
        const flattened = sharp(bytes).flatten({ background: { r: ground, g: ground, b: ground } })
        const data = await flattened.raw().toBuffer()
        // Between the logo's colour and the ground there is nothing darker than both or lighter than both.
        const beyond = data.map((value, at) => {
          const red = RED[at % 3]!
          return Math.max(0, Math.min(red, ground) - value, value - Math.max(red, ground))
        })
        expect(Math.max(...beyond)).toBeLessThanOrEqual(tolerance)
      }
    }
  })

  it('looks the same whatever is behind it', async () => {
    const [white, black] = await Promise.all(
      [255, 0].map(async behind => normalise(asSource(await logo(behind), 'png'), LIMITS)),
    )
    expect(await pixelDigest(white!)).toBe(await pixelDigest(black!))
  })

  it('survives without a visible pixel', async () => {
    const clear = await encodeAnswer({
      colour: draw(40, 30, 3, (x, y) => x + y),
      alpha: draw(40, 30, 1, () => 0),
    })
    const { data, info } = await sharp(await enlarge(clear, 'png'))
      .raw()
      .toBuffer({ resolveWithObject: true })
    expect([info.width, info.height, info.channels]).toEqual([80, 60, 4])
    expect(data.every((value, at) => at % 4 < 3 || value === 0)).toBe(true)
  })
})
