import { afterAll, describe, expect, it } from 'vitest'
import { choose } from './choose-network.ts'
import { enlarge } from './enlarge.ts'
import { FULL } from './mix.mjs'
import { compileNetwork } from './network.ts'
import { createPool } from './pool.ts'
import { BLOCK } from './survey.mjs'
import { paint, randomModel } from './test-support/pictures.ts'

const pool = createPool(2)
afterAll(() => pool.close())
const { signal } = new AbortController()

/** A page: dark glyphs of a few pixels on a light ground. */
const page = (x: number, y: number, c: number): number =>
  (x % 7 < 3 && y % 11 < 6) || x % 53 === 0 ? 30 + 20 * c : 240 - 5 * c
/** A page that a tool has halved, with the overshoot beside every edge that sharp reductions leave. */
const reducedPage = (x: number, y: number, c: number): number => {
  const taps = [-1, 9, 9, -1]
  const sum = taps.reduce(
    (rows, down, j) =>
      rows +
      taps.reduce(
        (row, across, i) => row + down * across * text(2 * x + i - 1 + 1000, 2 * y + j - 1 + 1000, c),
        0,
      ),
    0,
  )
  return Math.min(Math.max(Math.round(sum / 256), 0), 255)
}
/** Larger glyphs, with room between them. */
const text = (x: number, y: number, c: number): number =>
  x % 31 < 9 && y % 37 < 13 ? 30 + 20 * c : 240 - 5 * c
/** Smooth and nowhere twice the same. */
const photo = (x: number, y: number, c: number): number =>
  Math.round(
    128 +
      50 * Math.sin(x / 5 + c) +
      40 * Math.cos(y / 7 + x / 23) +
      ((Math.imul(x * 31 + y * 57 + c, 40503) >>> 7) % 9),
  )
/** What JPEG at a low quality does to a grey picture: cosines in steps. */
function quantised(value: typeof photo, step: number): typeof photo {
  const blocks = new Map<string, number[]>()
  const cosine = (k: number, x: number): number =>
    (k === 0 ? Math.SQRT1_2 : 1) * 0.5 * Math.cos(((2 * x + 1) * k * Math.PI) / 16)
  const eight = [0, 1, 2, 3, 4, 5, 6, 7]
  const blockAt = (left: number, top: number): number[] => {
    const coefficients = eight.map(v =>
      eight.map(u => {
        const sum = eight.reduce(
          (total, y) =>
            total +
            eight.reduce((row, x) => row + value(left + x, top + y, 0) * cosine(u, x) * cosine(v, y), 0),
          0,
        )
        return Math.round(sum / step) * step
      }),
    )
    return eight.flatMap(y =>
      eight.map(x =>
        eight.reduce(
          (total, v) =>
            total +
            eight.reduce((row, u) => row + (coefficients[v]?.[u] ?? 0) * cosine(u, x) * cosine(v, y), 0),
          0,
        ),
      ),
    )
  }
  return (x, y) => {
    const [left, top] = [x & ~7, y & ~7]
    const key = `${left} ${top}`
    const block = blocks.get(key) ?? blockAt(left, top)
    blocks.set(key, block)
    return Math.min(Math.max(Math.round(block[(y - top) * 8 + (x - left)] ?? 0), 0), 255)
  }
}

describe('the choice', () => {
  it.each([
    ['a page', page, 'design'],
    ['a page that was made smaller', reducedPage, 'design'],
    ['a photograph', photo, 'photo'],
    ['a photograph that was a JPEG', quantised(photo, 10), 'compressed'],
    [
      'a photograph that was a JPEG and then cropped',
      (x: number, y: number) => quantised10(x + 3, y + 5, 0),
      'compressed',
    ],
    ['one colour', () => 7, 'design'],
  ])('for %s', async (_what, value, expert) => {
    expect(await choose(paint(320, 256, 3, value), pool, { signal, threads: 2 })).toEqual({ base: expert })
  })

  it('gives each its part where a page has a photograph', async () => {
    const { base, over } = await choose(
      paint(640, 320, 3, (x, y, c) => (x < 320 ? page(x, y, c) : photo(x, y, c))),
      pool,
      { signal, threads: 2 },
    )
    expect({ base, over: over?.expert }).toEqual({ base: 'design', over: 'photo' })
    const { weights, columns } = over?.mix ?? { weights: new Uint8Array(), columns: 0 }
    const row = weights.subarray(4 * columns, 5 * columns)
    expect([row[0], row[16], row[columns - 1]]).toEqual([0, 0, FULL])
    expect([...row]).toEqual([...row].sort((a, b) => a - b))
  })

  it('ends when nobody wants it any more', async () => {
    await expect(
      choose(paint(64, 64, 3, photo), pool, { signal: AbortSignal.abort('no'), threads: 2 }),
    ).rejects.toBe('no')
  })

  it.each([
    [1, 1],
    [5, 300],
    [16, 16],
  ])('is made for %i x %i pixels too', async (width, height) => {
    expect(await choose(paint(width, height, 1, photo), pool, { signal, threads: 2 })).toHaveProperty('base')
  })
})

const quantised10 = quantised(photo, 10)

const first = await compileNetwork(randomModel(2, [8, 8]))
const second = await compileNetwork(randomModel(2, [16, 8, 8, 8, 8, 8]))

describe('two networks', () => {
  const [width, height] = [90, 70]
  const [columns, rows] = [Math.ceil(width / BLOCK), Math.ceil(height / BLOCK)]
  const image = paint(width, height, 3, photo)
  const mixed = (weight: (column: number) => number, tile?: { width: number; height: number }) => {
    const weights = Uint8Array.from({ length: columns * rows }, (_, i) => weight(i % columns))
    const over = { network: second, mix: { weights, columns, rows } }
    return enlarge(image, first, pool, { signal, threads: 2, over, ...(tile && { tile }) })
  }
  const alone = (network: typeof first) => enlarge(image, network, pool, { signal, threads: 1 })

  it('have all or nothing at the ends of their weights', async () => {
    expect((await mixed(() => 0)).data).toEqual((await alone(first)).data)
    expect((await mixed(() => FULL)).data).toEqual((await alone(second)).data)
  })

  it('are blended by weights between the centres of blocks, however the picture is cut', async () => {
    const [a, b] = [await alone(first), await alone(second)]
    const ramp = (column: number): number => [0, 0, 20, FULL, FULL, FULL][column] ?? FULL
    const expected = a.data.map((value, i) => {
      const x = (Math.floor(i / 3) % (2 * width)) / 2 + 0.25
      const place = Math.min(Math.max((x - BLOCK / 2) / BLOCK, 0), columns - 1)
      const left = Math.floor(place)
      const weight =
        ramp(left) * (1 - (place - left)) + ramp(Math.min(left + 1, columns - 1)) * (place - left)
      return Math.floor((value * (FULL - weight) + (b.data[i] ?? 0) * weight) / FULL + 0.5)
    })
    for (const tile of [
      undefined,
      { width: 90, height: 13 },
      { width: 17, height: 70 },
      { width: 1, height: 1 },
    ]) {
      expect(Buffer.compare((await mixed(ramp, tile)).data, expected)).toBe(0)
    }
  })
})
