import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { createUpscaler, isUpscaleError } from 'upscale-core'
import { afterAll, describe, expect, it } from 'vitest'
import { buildCorpus } from './build.ts'
import { type Colour, FACTOR, type Upscaled } from './scene.ts'

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'upscale-corpus-')))
const { root, specimens } = await buildCorpus(folder)
const upscaler = createUpscaler({ root, engine: 'resize', maxPixels: 50_000_000 })

afterAll(async () => {
  await upscaler.close()
  rmSync(folder, { recursive: true, force: true })
})

const upscale = (file: string): ReturnType<typeof upscaler.upscale> =>
  upscaler.upscale(file, { factor: FACTOR })

const refusalOf = (file: string): Promise<unknown> =>
  upscale(file).then(
    () => 'it was upscaled',
    (error: unknown) => error,
  )

function sort<Outcome extends 'upscaled' | 'refused' | 'either'>(outcome: Outcome) {
  return specimens.flatMap(({ name, file, expected }) =>
    expected.outcome === outcome
      ? [{ name, file, expected: expected as Extract<typeof expected, { outcome: Outcome }> }]
      : [],
  )
}

it('has some hundreds of files', () => expect(specimens.length).toBeGreaterThan(400))

describe('is upscaled, with right size and colours', () => {
  it.each(sort('upscaled'))('$name', async ({ file, expected }) => {
    const { width, height, format } = expected
    const result = await upscale(file)
    expect(result).toMatchObject({ width, height, format })
    const bytes = readFileSync(result.file)
    const facts = await sharp(bytes).metadata()
    expect([facts.width, facts.height]).toEqual([width, height])
    expect(facts.format === 'heif' ? 'avif' : facts.format).toBe(format)
    expect([facts.exif, facts.xmp, facts.iptc, facts.orientation]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ])
    await expectColours(bytes, expected)
  })
})

describe('is refused with a code and a remedy', () => {
  it.each(sort('refused'))('$name', async ({ file, expected }) => {
    const error = await refusalOf(file)
    expect(error).toMatchObject({ code: expected.code, details: { hint: expect.stringMatching(/\w/) } })
    expect(String(error)).toContain(expected.says ?? '')
  })
})

describe('is upscaled or refused with a code, whatever is broken', () => {
  it.each(sort('either'))('$name', async ({ file }) => {
    const error = await refusalOf(file)
    if (error === 'it was upscaled') return
    expect(isUpscaleError(error), String(error)).toBe(true)
    expect(error).toMatchObject({ code: expect.stringMatching(/^SOURCE_/) })
  })
})

/** Looks at the middle of each quarter. What is behind a transparent pixel doesn't count. */
async function expectColours(bytes: Buffer, { corners, tolerance = 2 }: Upscaled): Promise<void> {
  if (corners === undefined) return
  const pixels = sharp(bytes).toColourspace('srgb').ensureAlpha().raw()
  const { data, info } = await pixels.toBuffer({ resolveWithObject: true })
  const middles = [
    [0.25, 0.25],
    [0.75, 0.25],
    [0.25, 0.75],
    [0.75, 0.75],
  ] as const
  const found = middles.map(([x, y]) => {
    const at = (Math.floor(y * info.height) * info.width + Math.floor(x * info.width)) * 4
    return [...data.subarray(at, at + 4)] as unknown as Colour
  })
  for (const [index, colour] of corners.entries()) {
    const off = colour.map((value, channel) =>
      colour[3] === 0 && channel < 3 ? 0 : Math.abs(value - found[index]![channel]!),
    )
    expect(Math.max(...off), `found ${JSON.stringify(found)}`).toBeLessThanOrEqual(tolerance)
  }
}
