import { afterAll, describe, expect, it } from 'vitest'
import { enlarge } from './enlarge.ts'
import { compileNetwork } from './network.ts'
import { suitsWinograd } from './pack.ts'
import { createPool } from './pool.ts'
import { flat, noise, paint, randomModel } from './test-support/pictures.ts'
import { referenceUpscale } from './test-support/reference.ts'

const pool = createPool(2)
afterAll(() => pool.close())
const options = { signal: new AbortController().signal, threads: 2 }

const quiet = randomModel(2, [16, 16], { size: 250 })
const loud = randomModel(2, [16, 16], { size: 20000 })
const loudThenQuiet = { ...quiet, layers: [...loud.layers.slice(0, 1), ...quiet.layers.slice(1)] }
const mixed = {
  ...quiet,
  layers: [...quiet.layers.slice(0, 1), ...loud.layers.slice(1, 2), ...quiet.layers.slice(2)],
}

it('uses the form that each layer of these networks is meant to test', () => {
  expect(quiet.layers.map(suitsWinograd)).toEqual([false, true, true])
  expect(loudThenQuiet.layers.map(suitsWinograd)).toEqual([false, true, true])
  expect(mixed.layers.map(suitsWinograd)).toEqual([false, false, true])
})

describe('enlarge gives the bytes of the plain arithmetic', () => {
  it.each([
    ['for x2 and 16 channels', randomModel(2, [16, 16])],
    ["for x3 and channels that aren't a multiple of eight", randomModel(3, [12, 5])],
    ['for x4 and four layers', randomModel(4, [8, 8, 8])],
    ['for one layer alone', randomModel(2, [])],
    ['for the nearest anchor', randomModel(2, [8], { anchor: 'nearest' })],
    ['when every sum leaves int16, or even int32', randomModel(2, [16, 16], { size: 32767 })],
    ['when the weights hardly count', randomModel(3, [8], { size: 4 })],
    ["in Winograd's form", randomModel(2, [16, 24, 16], { size: 250 })],
    ["in Winograd's form, with inputs up to the end of int16", loudThenQuiet],
    ["in both forms, where weights don't fit Winograd's", mixed],
  ])('%s', async (_name, model) => {
    const image = noise(21, 13)
    const { data } = await enlarge(image, await compileNetwork(model), pool, options)
    expect(data).toEqual(referenceUpscale(model, image))
  })

  it.each([
    [1, 1],
    [1, 7],
    [3, 200],
    [200, 3],
    [5, 4],
    [257, 2],
  ])('for a picture of %i x %i', async (width, height) => {
    const model = randomModel(2, [8, 8])
    const image = noise(width, height)
    const result = await enlarge(image, await compileNetwork(model), pool, options)
    expect(result).toMatchObject({ width: width * 2, height: height * 2, channels: 3 })
    expect(result.data).toEqual(referenceUpscale(model, image))
  })
})

const network = await compileNetwork(randomModel(2, [16, 16, 16]))

describe('tiles', () => {
  const image = noise(90, 70)

  it.each([
    [90, 13],
    [17, 70],
    [16, 16],
    [1, 1],
  ])('of %i x %i leave no seam', async (width, height) => {
    const whole = await enlarge(image, network, pool, { ...options, tile: { width: 90, height: 70 } })
    const tiled = await enlarge(image, network, pool, { ...options, tile: { width, height } })
    expect(tiled.data).toEqual(whole.data)
  })

  it.each([
    [
      'flat strips',
      (x: number, y: number, c: number) => (y < 33 ? 10 * c : y < 70 ? (x * 37 + y * 91) & 255 : 200),
    ],
    ['one dot', (x: number, y: number) => (y === 50 && x === 20 ? 255 : 7)],
    [
      'boxes with borders',
      (x: number, y: number, c: number) => border(x % 40, y % 31, 1 + (x > 40 ? 2 : 0)) + c * 30,
    ],
    ['a fine grid', (x: number, y: number) => (x % 3 === 0 || y % 7 === 0 ? 255 : 12)],
    ['stripes, and a jog in them', (x: number, y: number) => ((x + (y > 30 ? 1 : 0)) % 2 === 0 ? 0 : 99)],
    ['flat bands', (_x: number, y: number, c: number) => Math.floor(y / 20) * 40 + c],
    [
      'a slow gradient with dots',
      (x: number, y: number) => (x % 41 === 40 && y % 47 === 3 ? 200 : (x + y) >> 2),
    ],
    ['a fast gradient with dots', (x: number, y: number) => (x % 41 === 40 && y % 47 === 3 ? 0 : x + y)],
    [
      'noise of a level',
      (x: number, y: number) => 90 + (Math.imul(x * 7919 + y, 2654435761) >>> 31) + (x === 60 ? 99 : 0),
    ],
  ])('with %s come out as the plain arithmetic says, however they are cut', async (_what, value) => {
    const model = randomModel(2, [8, 8, 8], { size: 1500 })
    const image = paint(72, 64, 3, value)
    const expected = referenceUpscale(model, image)
    for (const tile of [undefined, { width: 37, height: 21 }]) {
      const { data } = await enlarge(image, await compileNetwork(model), pool, {
        ...options,
        ...(tile && { tile }),
      })
      expect(Buffer.compare(data, expected)).toBe(0)
    }
  })

  it('give the same bytes on any number of threads', async () => {
    const single = createPool(1)
    const one = await enlarge(noise(300, 600), network, single, { ...options, threads: 1 })
    const two = await enlarge(noise(300, 600), network, pool, options)
    await single.close()
    expect(Buffer.compare(one.data, two.data)).toBe(0)
  })
})

function border(x: number, y: number, width: number): number {
  const depth = Math.min(x - 4, y - 4, 34 - x, 26 - y)
  return depth < 0 || depth >= width ? 180 : 20
}

describe('straight lines', () => {
  it.each([2, 3, 4])(
    'and edges of two colours keep them at x%i, in the middle and at both sides',
    async scale => {
      const network = await compileNetwork(randomModel(scale, [8, 8], { size: 20000 }))
      const ink = (x: number) => x === 5 || (x > 8 && x < 11) || x > 15
      const upright = paint(20, 9, 3, (x, _y, c) => (ink(x) ? 200 : 40) + c)
      const level = paint(9, 20, 3, (_x, y, c) => (ink(y) ? 200 : 40) + c)
      for (const image of [upright, level]) {
        const { data, width } = await enlarge(image, network, pool, options)
        const repeated = paint(image.width * scale, image.height * scale, 3, (x, y, c) => {
          const [column, row] = [Math.floor(x / scale), Math.floor(y / scale)]
          return image.data[(row * image.width + column) * 3 + c] ?? 0
        })
        expect(width).toBe(repeated.width)
        expect(Buffer.compare(data, repeated.data)).toBe(0)
      }
    },
  )

  it.each([
    ['of three colours, as a smoothed edge has', (x: number) => [10, 10, 10, 90, 200, 200, 200][x] ?? 0],
    ['that is shorter than five pixels', (x: number, y: number) => (x === 3 && y > 1 && y < 6 ? 200 : 10)],
  ])('leave the network its say beside one %s', async (_what, value) => {
    const model = randomModel(2, [8, 8], { size: 3000 })
    const image = paint(7, 8, 1, value)
    const { data } = await enlarge(image, await compileNetwork(model), pool, options)
    expect(data).toEqual(referenceUpscale(model, image))
    const middle = data.subarray(8 * 14 + 6, 8 * 14 + 8)
    expect([...middle]).not.toEqual([image.data[4 * 7 + 3], image.data[4 * 7 + 3]])
  })
})

describe('colours', () => {
  it.each([2, 3, 4])('stay exactly flat at x%i, however loud the network is', async scale => {
    const network = await compileNetwork(randomModel(scale, [8], { size: 20000 }))
    for (const colour of [[0, 128, 255], [51, 153, 204], [1, 2, 254], [77]]) {
      const framed = paint(12, 9, colour.length === 1 ? 1 : 3, (x, _y, c) => (x < 3 ? 255 : (colour[c] ?? 0)))
      const { data, width } = await enlarge(framed, network, pool, options)
      const channels = colour.length
      // The colour changes at pixel 3, so pixel 4 on has only itself around it.
      const row = data.subarray(4 * scale * channels, width * channels)
      expect([...row]).toEqual(Array.from({ length: 8 * scale }, () => colour).flat())
    }
  })

  it('of a wholly flat picture are kept', async () => {
    const network = await compileNetwork(randomModel(2, [8], { size: 20000 }))
    const { data } = await enlarge(flat(300, 2, [9, 99, 199]), network, pool, options)
    expect(data).toEqual(flat(600, 4, [9, 99, 199]).data)
  })

  it('of a grey picture are the mean of the same picture in RGB', async () => {
    const network = await compileNetwork(randomModel(2, [8, 8]))
    const grey = noise(40, 30, 1)
    const rgb = paint(40, 30, 3, (x, y) => grey.data[y * 40 + x] ?? 0)
    const result = await enlarge(grey, network, pool, options)
    const expected = await enlarge(rgb, network, pool, options)
    const means = result.data.map((_, i) => {
      const [red = 0, green = 0, blue = 0] = expected.data.subarray(i * 3, i * 3 + 3)
      return Math.round((red + green + blue) / 3)
    })
    expect(result).toMatchObject({ width: 80, height: 60, channels: 1 })
    expect(result.data).toEqual(means)
  })
})

describe('registration', () => {
  it.each([2, 3, 4])('of an edge and of its mirror image agree at x%i', async scale => {
    const edge = paint(20, 20, 1, x => (x < 9 ? 20 : x === 9 ? 90 : 220))
    const mirrored = paint(20, 20, 1, x => edge.data[19 - x] ?? 0)
    const network = await compileNetwork(randomModel(scale, [8], { size: 0 }))
    const there = await enlarge(edge, network, pool, options)
    const back = await enlarge(mirrored, network, pool, options)
    expect([...there.data.subarray(0, there.width)].reverse()).toEqual([...back.data.subarray(0, back.width)])
  })

  it.each([2, 3, 4])('of a ramp keeps every pixel centred on its block at x%i', async scale => {
    const ramp = paint(20, 5, 1, x => x * 10)
    const { data, width } = await enlarge(
      ramp,
      await compileNetwork(randomModel(scale, [8], { size: 0 })),
      pool,
      options,
    )
    for (let x = 3; x < 17; x++) {
      const block = data.subarray(2 * scale * width + x * scale, 2 * scale * width + (x + 1) * scale)
      const mean = block.reduce((sum, value) => sum + value, 0) / scale
      expect(Math.abs(mean - x * 10)).toBeLessThan(0.6)
    }
  })

  it('of the nearest anchor repeats pixels', async () => {
    const image = noise(9, 6)
    const { data } = await enlarge(
      image,
      await compileNetwork(randomModel(2, [8], { anchor: 'nearest', size: 0 })),
      pool,
      options,
    )
    const repeated = paint(18, 12, 3, (x, y, c) => image.data[((y >> 1) * 9 + (x >> 1)) * 3 + c] ?? 0)
    expect(data).toEqual(repeated.data)
  })
})

it('is made ready layer by layer, while others go on', async () => {
  let rounds = 0
  const count = (): void => {
    rounds++
    timer = setImmediate(count)
  }
  let timer = setImmediate(count)
  await compileNetwork(randomModel(2, [8, 8, 8, 8]))
  clearImmediate(timer)
  expect(rounds).toBeGreaterThanOrEqual(4)
})
