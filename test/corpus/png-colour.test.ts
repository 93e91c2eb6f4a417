import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import sharp from 'sharp'
import { createUpscaler, isUpscaleError } from 'upscale-core'
import { afterAll, expect, test } from 'vitest'
import { ADOBE_RGB, writeRgbProfile } from './icc.ts'
import { type PngParts, pngChunk, writePng } from './png.ts'

/*
 * Colours that a PNG tells by numbers. What is right is what Chromium 156 shows of the same file: each was drawn on a
 * canvas, and read.
 */

const root = realpathSync(mkdtempSync(join(tmpdir(), 'upscale-png-colour-')))
const upscaler = createUpscaler({ root, engine: 'resize' })
afterAll(async () => {
  await upscaler.close()
  rmSync(root, { recursive: true, force: true })
})

const COLOURS = [
  [0, 0, 0],
  [10, 10, 10],
  [40, 80, 120],
  [128, 128, 128],
  [200, 100, 50],
  [255, 255, 255],
] as const

/** Pixels of one colour, so that a resampled middle is the colour. */
const BLOCK = 8

function fileOf(before: readonly Buffer[], more: Partial<PngParts> = {}): Buffer {
  return writePng({
    width: COLOURS.length * BLOCK,
    height: BLOCK,
    bitDepth: 8,
    colourType: 2,
    sample: (x, _, channel) => COLOURS[Math.floor(x / BLOCK)]![channel]!,
    before,
    ...more,
  })
}

let count = 0

/** The colours of the upscaled picture. */
async function shown(bytes: Buffer): Promise<number[][]> {
  const file = join(root, `${count++}.png`)
  writeFileSync(file, bytes)
  const result = await upscaler.upscale(file, { factor: 2 })
  const pixels = sharp(readFileSync(result.file)).toColourspace('srgb').removeAlpha().raw()
  const { data, info } = await pixels.toBuffer({ resolveWithObject: true })
  return COLOURS.map((_, index) => {
    const at = (BLOCK * info.width + (2 * index + 1) * BLOCK) * info.channels
    return [...data.subarray(at, at + 3)]
  })
}

function numbers(...values: number[]): Buffer {
  const body = Buffer.alloc(4 * values.length)
  for (const [index, value] of values.entries()) body.writeUInt32BE(value, 4 * index)
  return body
}

const gama = (value: number): Buffer => pngChunk('gAMA', numbers(value))
const cicp = (...codes: number[]): Buffer => pngChunk('cICP', Buffer.from(codes))
const SRGB_PRIMARIES = pngChunk('cHRM', numbers(31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000))
const P3_PRIMARIES = pngChunk('cHRM', numbers(31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000))
const SRGB = pngChunk('sRGB', Buffer.from([0]))
const ADOBE = pngChunk(
  'iCCP',
  Buffer.concat([Buffer.from('x\0\0'), deflateSync(writeRgbProfile('Adobe', ADOBE_RGB))]),
)

const AS_THEY_ARE = COLOURS.map(colour => [...colour])
const LINEAR = [
  [0, 0, 0],
  [56, 56, 56],
  [110, 152, 183],
  [188, 188, 188],
  [229, 168, 122],
  [255, 255, 255],
]
const GAMMA_18 = [
  [0, 0, 0],
  [10, 10, 10],
  [53, 99, 139],
  [146, 146, 146],
  [210, 119, 65],
  [255, 255, 255],
]
const P3 = [
  [0, 0, 0],
  [10, 10, 10],
  [22, 81, 123],
  [128, 128, 128],
  [215, 93, 31],
  [255, 255, 255],
]

test.each<[string, Buffer[], number[][]]>([
  ['gAMA of sRGB', [gama(45455)], AS_THEY_ARE],
  ['gAMA near that of sRGB', [gama(47000)], AS_THEY_ARE],
  ['gAMA 1 / 1.8, of old Macs', [gama(55555)], GAMMA_18],
  ['gAMA 1, linear', [gama(100000)], LINEAR],
  ['gAMA 0, which is none', [gama(0)], AS_THEY_ARE],
  [
    'gAMA with cHRM of sRGB',
    [gama(45455), SRGB_PRIMARIES],
    [
      [0, 0, 0],
      [3, 3, 3],
      [35, 79, 121],
      [129, 129, 129],
      [201, 100, 46],
      [255, 255, 255],
    ],
  ],
  ['gAMA 1 / 1.8 with cHRM of sRGB', [gama(55555), SRGB_PRIMARIES], GAMMA_18],
  [
    'gAMA with cHRM of Display P3',
    [gama(45455), P3_PRIMARIES],
    [
      [0, 0, 0],
      [3, 3, 3],
      [11, 80, 124],
      [129, 129, 129],
      [216, 93, 24],
      [255, 255, 255],
    ],
  ],
  ['cHRM alone', [P3_PRIMARIES], AS_THEY_ARE],
  ['sRGB, which counts before gAMA', [SRGB, gama(100000)], AS_THEY_ARE],
  ['cICP of sRGB', [cicp(1, 13, 0, 1)], AS_THEY_ARE],
  ['cICP of Display P3', [cicp(12, 13, 0, 1)], P3],
  ['cICP, which counts before sRGB', [cicp(12, 13, 0, 1), SRGB], P3],
  ['cICP, which counts before a profile', [cicp(1, 13, 0, 1), ADOBE], AS_THEY_ARE],
  [
    'cICP of BT.2020',
    [cicp(9, 1, 0, 1)],
    [
      [0, 0, 0],
      [1, 1, 1],
      [0, 73, 117],
      [121, 121, 121],
      [239, 63, 5],
      [255, 255, 255],
    ],
  ],
  [
    'cICP of BT.709',
    [cicp(1, 1, 0, 1)],
    [
      [0, 0, 0],
      [1, 1, 1],
      [28, 70, 113],
      [121, 121, 121],
      [197, 91, 39],
      [255, 255, 255],
    ],
  ],
  ['cICP of light', [cicp(1, 8, 0, 1)], LINEAR],
  ['a cICP that says nothing', [cicp(2, 2, 0, 1)], AS_THEY_ARE],
  ['a cICP that is cut off', [pngChunk('cICP', Buffer.from([12, 13]))], AS_THEY_ARE],
  ['a cHRM that is cut off', [gama(55555), pngChunk('cHRM', numbers(31270))], GAMMA_18],
  ['a cHRM of zeros', [gama(55555), pngChunk('cHRM', Buffer.alloc(32))], GAMMA_18],
])('%s', async (_, before, right) => {
  expect(await shown(fileOf(before))).toEqual(right.map(colour => colour.map(near)))
})

const near = (value: number): unknown =>
  expect.toSatisfy((got: number) => Math.abs(got - value) <= 1, `${value} ± 1`)

test('a 16-bit picture is converted before its samples are narrowed', async () => {
  const sample: PngParts['sample'] = (x, _, channel) => COLOURS[Math.floor(x / BLOCK)]![channel]! * 257
  const bytes = fileOf([gama(100000)], { bitDepth: 16, sample })
  expect(await shown(bytes)).toEqual(LINEAR.map(colour => colour.map(near)))
})

test.each([0, 4] as const)(
  'grey pictures of colour type %d stay grey, alpha stays as it is',
  async colourType => {
    const sample: PngParts['sample'] = (x, _, channel) =>
      channel === 1 ? 128 : COLOURS[Math.floor(x / BLOCK)]![0]
    const greys = [0, 56, 110, 188, 229, 255].map(value => [value, value, value])
    const bytes = fileOf([gama(100000), P3_PRIMARIES], { colourType, sample })
    expect(await shown(bytes)).toEqual(greys.map(colour => colour.map(near)))
    const { file: result } = await upscaler.upscale(join(root, `${count - 1}.png`), { factor: 2 })
    const { hasAlpha } = await sharp(result).metadata()
    expect(hasAlpha).toBe(colourType === 4)
  },
)

test.each([
  ['PQ (HDR)', cicp(9, 16, 0, 1)],
  ['HLG (HDR)', cicp(9, 18, 0, 1)],
  ['cICP 12/13/1', cicp(12, 13, 1, 1)],
  ['cICP 12/99/0', cicp(12, 99, 0, 1)],
])('%s is refused by name', async (name, chunk) => {
  const error = await shown(fileOf([chunk])).catch((reason: unknown) => reason)
  expect(isUpscaleError(error)).toBe(true)
  expect(error).toMatchObject({ code: 'SOURCE_UNSUPPORTED', details: { hint: 'convert it to sRGB first' } })
  expect(String(error)).toContain(name)
})
