import sharp, { type Sharp } from 'sharp'
import { expect, test } from 'vitest'
import { enlargementLikeness, type Pixels, pixelsOf } from './enlargements.ts'

/** Waves of several lengths in three directions, as a photograph has them. */
function scene(width: number, height: number, scale: number): Sharp {
  const data = Buffer.alloc(width * height * 3)
  for (let at = 0; at < data.length; at++) {
    const [x, y] = [(Math.floor(at / 3) % width) / scale, Math.floor(at / 3 / width) / scale]
    const wave = Math.sin(x / 3 + y / 7) + Math.sin(y / 2.1 - x / 5) + Math.sin((x * y) / 900 + at)
    data[at] = Math.round(128 + 40 * wave)
  }
  return sharp(data, { raw: { width, height, channels: 3 } })
}

async function pixels(picture: Sharp): Promise<Pixels> {
  const { data, info } = await sharp(await picture.png().toBuffer())
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
  return pixelsOf(data, info.width, info.height)
}

const small = await pixels(scene(70, 50, 1))

test.each([2, 3, 4])('what libvips enlarged %s times is an enlargement', async factor => {
  for (const kernel of ['nearest', 'linear', 'cubic'] as const) {
    const options = { kernel, fit: 'fill' } as const
    const raw = await scene(70, 50, 1).png().toBuffer()
    const large = await pixels(sharp(raw).resize(70 * factor, 50 * factor, options))
    expect(enlargementLikeness(small, large, factor)).toBeGreaterThan(45)
  }
})

test('a picture of more pixels is none', async () => {
  const original = scene(280, 200, 2)
  const half = await pixels(sharp(await original.png().toBuffer()).resize(140, 100))
  expect(enlargementLikeness(half, await pixels(original), 2)).toBeLessThan(32)
})

test('what cannot be seen makes no difference', async () => {
  const clear = { width: 40, height: 40, channels: 4, background: '#f000' } as const
  const other = { ...clear, width: 80, height: 80, background: '#00f0' }
  expect(
    enlargementLikeness(await pixels(sharp({ create: clear })), await pixels(sharp({ create: other })), 2),
  ).toBeGreaterThan(100)
})
