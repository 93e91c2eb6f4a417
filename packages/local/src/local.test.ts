import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { enlarge } from './enlarge.ts'
import { type LocalOptions, local } from './local.ts'
import { mirrored } from './mirror.ts'
import { parseModel } from './model.ts'
import { compileNetwork } from './network.ts'
import { createPool } from './pool.ts'
import { noise, paint } from './test-support/pictures.ts'
import { EXPERTS, readWeights, SCALES, weightFileName } from './weights.ts'

const engine = local({ threads: 1 })
const context = { signal: new AbortController().signal, env: {} }
afterEach(() => engine.close?.())

describe('options', () => {
  it.each([
    [{ model: 'bets' }, '"bets"'],
    [{ model: 2 }, 'model 2'],
    [{ threads: 0 }, 'threads 0 (number)'],
    [{ threads: 1.5 }, 'threads 1.5'],
    [{ threads: 65 }, 'threads 65'],
    [{ threads: '2' }, 'threads "2" (string)'],
    [{ thread: 2 }, 'no option "thread"'],
  ])('%j are refused', (options, why) => {
    expect(() => local(options as LocalOptions)).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringContaining(why) }),
    )
  })

  it('default to the choice by the picture', () => {
    expect(local()).toMatchObject({
      id: 'local',
      model: 'auto',
      billing: 'free',
      exchange: 'pixels',
      priceMicros: 0,
    })
  })
})

describe('the scale', () => {
  it.each([
    [1.2, 2],
    [2, 2],
    [3.5, 4],
    [4, 4],
    [4.5, undefined],
    [1, undefined],
    [Number.NaN, undefined],
  ])('for a factor of %d is %s', (factor, scale) => {
    expect(engine.scaleFor(factor)).toBe(scale)
  })

  it.each([2.01, 3])('for a factor of %d is enough for it, and works', async factor => {
    const scale = engine.scaleFor(factor) ?? 0
    const result = await engine.upscale({ image: noise(3, 2), scale, params: {} }, context)
    expect(scale).toBeGreaterThanOrEqual(factor)
    expect(result).toMatchObject({ width: 3 * scale, height: 2 * scale })
  })

  it('has to be one there is a network for', async () => {
    const request = { image: noise(2, 2), scale: 5, params: {} }
    await expect(engine.upscale(request, context)).rejects.toMatchObject({ code: 'FACTOR_UNSUPPORTED' })
  })
})

it('takes a model as its only parameter', () => {
  expect(engine.checkParams({})).toEqual({})
  expect(engine.checkParams({ model: 'photo' })).toEqual({ model: 'photo' })
  expect(() => engine.checkParams({ model: 'foto' })).toThrow(
    expect.objectContaining({ code: 'BAD_DIRECTIVE', message: expect.stringContaining('photo') }),
  )
  expect(() => engine.checkParams({ detail: '60' })).toThrow(
    expect.objectContaining({ code: 'BAD_DIRECTIVE' }),
  )
})

it('refuses samples that do not fill the picture', async () => {
  const request = { image: { ...noise(4, 4), width: 5 }, scale: 2, params: {} }
  await expect(engine.upscale(request, context)).rejects.toMatchObject({ code: 'ENGINE_FAILED' })
})

it('enlarges with the weights that come with the package', async () => {
  const { width, height, data } = await engine.upscale({ image: noise(9, 5), scale: 2, params: {} }, context)
  expect([width, height, data.length]).toEqual([18, 10, 18 * 10 * 3])
})

describe('the model', () => {
  // Hardly two neighbours are of one colour, so the picture counts as a photograph.
  const image = noise(40, 32)
  const larger = (params: Record<string, string>) => engine.upscale({ image, scale: 2, params }, context)

  it('that auto chose is told, and is the one of that name', async () => {
    const { chosen = '', ...picture } = await larger({})
    expect(EXPERTS).toContain(chosen)
    expect(picture).toEqual(await larger({ model: chosen }))
  })

  it('that is named is not told again', async () => {
    expect(await larger({ model: 'design' })).not.toHaveProperty('chosen')
  })

  it.each(EXPERTS.flatMap(model => SCALES.map(scale => [model, scale] as const)))(
    '%s is there for x%i, and is another than the others',
    async (model, scale) => {
      const made = async (name: string) =>
        (await engine.upscale({ image, scale, params: { model: name } }, context)).data
      const own = Buffer.from(await made(model))
      for (const other of EXPERTS) expect(own.equals(await made(other))).toBe(other === model)
    },
  )
})

describe('quality', () => {
  const image = noise(40, 32)
  const larger = (picture: typeof image, scale: number) =>
    engine.upscale({ image: picture, scale, params: { model: 'quality' } }, context)

  it.each(SCALES)(
    'is the mean of what the chosen network makes of a picture and its mirror images at x%d',
    async scale => {
      const { data, chosen } = await larger(image, scale)
      expect(chosen).toBe('photo')
      const name = weightFileName('photo', scale)
      const model = parseModel(readWeights(name), name)
      const pool = createPool(1)
      const made = [0, 1, 2, 3].map(async bits =>
        enlarge(
          image,
          await compileNetwork(mirrored(model, { across: (bits & 1) > 0, down: (bits & 2) > 0 })),
          pool,
          { ...context, threads: 1 },
        ),
      )
      const each = await Promise.all(made)
      await pool.close()
      const means = data.map((_, i) => {
        const mean = each.reduce((sum, one) => sum + (one.data[i] ?? 0), 0) / 4
        // Halves to the even number.
        return mean % 1 === 0.5 ? 2 * Math.round(mean / 2) : Math.round(mean)
      })
      expect(Buffer.compare(data, means)).toBe(0)
    },
  )

  it('leaves a drawing as it is with auto', async () => {
    const drawing = paint(64, 48, 3, (x, y) => (((x >> 2) + (y >> 2)) % 3 === 0 ? 20 : 250))
    const { data, chosen } = await larger(drawing, 2)
    expect(chosen).toBe('design')
    expect(data).toEqual((await engine.upscale({ image: drawing, scale: 2, params: {} }, context)).data)
  })

  it('asks both networks where a picture is drawn and photographed, and keeps flat colours', async () => {
    const photograph = noise(160, 64)
    const page = paint(160, 64, 3, (x, y, c) =>
      x < 80
        ? ((x >> 2) + (y >> 2)) % 3 === 0
          ? 20 * c
          : 250
        : (photograph.data[(y * 160 + x) * 3 + c] ?? 0),
    )
    const framed = paint(160, 64, 3, (x, y, c) => (y < 16 ? 90 + c : (page.data[(y * 160 + x) * 3 + c] ?? 0)))
    const { data, chosen } = await larger(framed, 2)
    expect(chosen).toBe('design and photo')
    expect([...data.subarray(0, 320 * 3)]).toEqual(Array.from({ length: 320 }, () => [90, 91, 92]).flat())
  })

  it('is told apart from auto by the revision', () => {
    expect(local({ model: 'quality' }).revision).not.toBe(local().revision)
  })
})

describe('the revision', () => {
  it('is the same for every engine of a model and differs between models', () => {
    expect(local().revision).toBe(local({ threads: 3 }).revision)
    expect(local({ model: 'fast' }).revision).not.toBe(local().revision)
    expect(local().revision).toMatch(/^3\.2-[0-9a-f]{16}$/)
  })
})

it('ships within a megabyte of weights', () => {
  const folder = new URL('../weights/', import.meta.url)
  expect(readFileSync(new URL(weightFileName('design', 2), folder)).length).toBeLessThan(1e6)
})
