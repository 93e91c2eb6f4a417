import { describe, expect, it } from 'vitest'
import { fillTransparent } from './fill-transparent.ts'
import type { PixelImage } from './pixel-image.ts'

const WIDTH = 37
const HEIGHT = 23

function plane(sample: (x: number, y: number) => number): PixelImage {
  const data = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, at) =>
    sample(at % WIDTH, Math.floor(at / WIDTH)),
  )
  return { data, width: WIDTH, height: HEIGHT, channels: 1 }
}

function colours(sample: (x: number, y: number) => readonly number[]): PixelImage {
  const data = Uint8Array.from(
    Array.from({ length: WIDTH * HEIGHT }, (_, at) => sample(at % WIDTH, Math.floor(at / WIDTH))).flat(),
  )
  return { data, width: WIDTH, height: HEIGHT, channels: 3 }
}

const inside = (x: number, y: number): boolean => (x - 12) ** 2 + (y - 10) ** 2 < 30

describe('fillTransparent', () => {
  it('gives every transparent pixel the colour of a picture that has one colour', async () => {
    const logo = colours((x, y) => (inside(x, y) ? [200, 30, 90] : [255, 255, 255]))
    const grown = await fillTransparent(
      logo,
      plane((x, y) => (inside(x, y) ? 255 : 0)),
    )
    expect(Buffer.compare(grown.data, colours(() => [200, 30, 90]).data)).toBe(0)
  })

  it('leaves pixels with an alpha of 16 and more as they are', async () => {
    const picture = colours((x, y) => [x * 6, y * 10, (x * y) & 255])
    const alpha = plane((x, y) => (x * 7 + y * 13) & 255)
    const grown = await fillTransparent(picture, alpha)
    for (const [pixel, value] of alpha.data.entries()) {
      if (value < 16) continue
      expect(grown.data.slice(pixel * 3, pixel * 3 + 3)).toEqual(picture.data.slice(pixel * 3, pixel * 3 + 3))
    }
  })

  it('takes the colour of the near side', async () => {
    const picture = colours(x => (x < 5 ? [250, 0, 0] : x > 31 ? [0, 0, 250] : [255, 255, 255]))
    const grown = await fillTransparent(
      picture,
      plane(x => (x < 5 || x > 31 ? 255 : 0)),
    )
    const at = (x: number): number[] => [...grown.data.slice((11 * WIDTH + x) * 3, (11 * WIDTH + x) * 3 + 3)]
    expect(at(6)[0]).toBeGreaterThan(2 * at(6)[2]!)
    expect(at(30)[2]).toBeGreaterThan(1.5 * at(30)[0]!)
    for (let x = 0; x < WIDTH; x++) expect(at(x)[1]).toBe(0)
  })

  it('trusts faint pixels less, since their colour was rounded', async () => {
    const picture = colours((x, y) => (inside(x, y) ? [200, 30, 90] : [255, 0, 0]))
    const grown = await fillTransparent(
      picture,
      plane((x, y) => (inside(x, y) ? 255 : x === 18 && y === 10 ? 1 : 0)),
    )
    const at = (10 * WIDTH + 18) * 3
    expect(Math.abs(grown.data[at]! - 200)).toBeLessThan(6)
    expect(Math.abs(grown.data[at + 2]! - 90)).toBeLessThan(10)
  })

  it('leaves a picture without a visible pixel as it is', async () => {
    const picture = colours((x, y) => [x, y, 9])
    expect(
      Buffer.compare(
        (
          await fillTransparent(
            picture,
            plane(() => 0),
          )
        ).data,
        picture.data,
      ),
    ).toBe(0)
  })

  it('returns an opaque picture itself', async () => {
    const picture = colours((x, y) => [x, y, 9])
    expect(
      await fillTransparent(
        picture,
        plane(() => 255),
      ),
    ).toBe(picture)
  })

  it('works on one pixel and on grey', async () => {
    const pixel: PixelImage = { data: Uint8Array.of(77), width: 1, height: 1, channels: 1 }
    expect((await fillTransparent(pixel, { ...pixel, data: Uint8Array.of(3) })).data).toEqual(
      Uint8Array.of(77),
    )
    const two: PixelImage = { data: Uint8Array.of(77, 0), width: 2, height: 1, channels: 1 }
    expect((await fillTransparent(two, { ...two, data: Uint8Array.of(255, 0) })).data).toEqual(
      Uint8Array.of(77, 77),
    )
  })
})
