import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import type { Format } from '../source/format.ts'
import type { SourceImage } from '../source/source.ts'
import { decodeAnswer, encodeAnswer, encodePng, finish, normalise } from './codec.ts'
import { pixelDigest } from './pixel-digest.ts'
import type { Picture, PixelImage } from './pixel-image.ts'

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

const noise = draw(40, 30, 3, (x, y, channel) => (x * 37 + y * 101 + channel * 53) & 255)
const holes = draw(40, 30, 1, (x, y) => (x * 11 + y * 7) & 255)
const same = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0

describe('normalise', () => {
  it('hands out the samples of a plain picture as they are', async () => {
    const image = await normalise(asSource(await encodePng(noise), 'png'), LIMITS)
    expect(image).toMatchObject({ width: 40, height: 30, lossless: false })
    expect(image.alpha).toBeUndefined()
    expect(same(image.colour.data, noise.data)).toBe(true)
  })

  it('keeps grey pictures at one channel, with and without alpha', async () => {
    const grey = draw(20, 10, 1, (x, y) => x * 12 + y)
    const plain = await normalise(asSource(await encodePng(grey), 'png'), LIMITS)
    expect(plain.colour.channels).toBe(1)
    expect(same(plain.colour.data, grey.data)).toBe(true)
    const alpha = draw(20, 10, 1, x => 255 - x)
    const clear = await normalise(asSource(await encodeAnswer({ colour: grey, alpha }), 'png'), LIMITS)
    expect(clear.colour.channels).toBe(1)
    expect(clear.alpha && same(clear.alpha.data, alpha.data)).toBe(true)
  })

  it('rounds 16 bits to the nearest of 8', async () => {
    const deep = Uint16Array.from({ length: 66 }, (_, at) => at * 1000)
    const image = sharp(deep, { raw: { width: 22, height: 1, channels: 3 } }).toColourspace('rgb16')
    const { colour } = await normalise(asSource(await image.png().toBuffer(), 'png'), LIMITS)
    expect([...colour.data]).toEqual([...deep].map(value => Math.round(value / 257)))
  })

  it.each(['png', 'webp', 'avif'] as const)(
    'drops an alpha channel that is opaque everywhere: %s',
    async format => {
      const bytes = await sharp(noise.data, { raw: { width: 40, height: 30, channels: 3 } })
        .ensureAlpha()
        .toFormat(format)
        .toBuffer()
      expect((await normalise(asSource(bytes, format), LIMITS)).alpha).toBeUndefined()
    },
  )

  it('tells a lossless WebP from a lossy one', async () => {
    const image = sharp(noise.data, { raw: { width: 40, height: 30, channels: 3 } })
    const lossless = await image.clone().webp({ lossless: true }).toBuffer()
    expect((await normalise(asSource(lossless, 'webp'), LIMITS)).lossless).toBe(true)
    const lossy = await image.clone().webp().toBuffer()
    expect((await normalise(asSource(lossy, 'webp'), LIMITS)).lossless).toBe(false)
  })

  it('says how large the picture would be, and what to set, before decoding anything', async () => {
    const cut = Buffer.from(await encodePng(noise)).fill(0, 100)
    const refusal = normalise(asSource(cut, 'png'), { maxPixels: 4799, factor: 2 })
    await expect(refusal).rejects.toMatchObject({
      code: 'SOURCE_TOO_LARGE',
      problem: expect.stringContaining('40 × 30 px times 2 is 80 × 60 px'),
      details: { hint: expect.stringContaining('maxPixels to 4800') },
    })
    await expect(
      normalise(asSource(await encodePng(noise), 'png'), { maxPixels: 4800, factor: 2 }),
    ).resolves.toBeDefined()
  })

  it.each([
    ['colour primaries', 12, 13, 'Display P3'],
    ['a transfer curve', 9, 16, 'PQ'],
  ])('refuses an AVIF whose numbers name %s it can not convert', async (_what, primaries, transfer, name) => {
    const image = sharp(noise.data, { raw: { width: 40, height: 30, channels: 3 } }).withIccProfile('srgb')
    const bytes = await image.avif().toBuffer()
    const at = bytes.indexOf('colrrICC')
    bytes.write('nclx', at + 4, 'latin1')
    bytes.writeUInt16BE(primaries, at + 8)
    bytes.writeUInt16BE(transfer, at + 10)
    await expect(normalise(asSource(bytes, 'avif'), LIMITS)).rejects.toThrow(name)
  })

  it('names the reason of the decoder, in one line', async () => {
    const bytes = (
      await sharp(noise.data, { raw: { width: 40, height: 30, channels: 3 } })
        .avif()
        .toBuffer()
    ).subarray(0, -60)
    await expect(normalise(asSource(bytes, 'avif'), LIMITS)).rejects.toMatchObject({
      code: 'SOURCE_CORRUPT',
      problem: expect.stringMatching(/^the AVIF can't be decoded: (?!source: bad seek)[^\n]+$/),
    })
  })
})

describe('pixelDigest', () => {
  const wide: PixelImage = { data: Uint8Array.of(1, 2, 3, 4, 5, 6), width: 2, height: 1, channels: 3 }
  const opaque = (colour: PixelImage): Picture => ({ colour })

  it('is the same for the same pixels in another file', async () => {
    const image = sharp(noise.data, { raw: { width: 40, height: 30, channels: 3 } })
    const files: [Uint8Array, Format][] = [
      [await image.clone().png().toBuffer(), 'png'],
      [
        await image.clone().png({ progressive: true, compressionLevel: 0 }).withIccProfile('srgb').toBuffer(),
        'png',
      ],
      [await image.clone().webp({ lossless: true }).toBuffer(), 'webp'],
    ]
    const digests = files.map(async ([bytes, format]) =>
      pixelDigest(await normalise(asSource(bytes, format), LIMITS)),
    )
    expect(new Set(await Promise.all(digests)).size).toBe(1)
  })

  it('differs for another shape, another channel count and another alpha', async () => {
    const pictures: Picture[] = [
      opaque(wide),
      opaque({ ...wide, width: 1, height: 2 }),
      opaque({ ...wide, width: 6, channels: 1 }),
      { colour: wide, alpha: { data: Uint8Array.of(9, 9), width: 2, height: 1, channels: 1 } },
    ]
    expect(new Set(await Promise.all(pictures.map(pixelDigest))).size).toBe(pictures.length)
  })
})

describe('decodeAnswer', () => {
  it.each([
    ['colour', { colour: noise }],
    ['colour with alpha', { colour: noise, alpha: holes }],
    ['grey', { colour: holes }],
    ['grey with alpha', { colour: holes, alpha: draw(40, 30, 1, x => x) }],
  ] as [string, Picture][])('gives back exactly what encodeAnswer took: %s', async (_name, picture) => {
    const decoded = await decodeAnswer(await encodeAnswer(picture), { maxPixels: Number.POSITIVE_INFINITY })
    expect(decoded.colour.channels).toBe(picture.colour.channels)
    expect(same(decoded.colour.data, picture.colour.data)).toBe(true)
    expect(decoded.alpha === undefined).toBe(picture.alpha === undefined)
    if (decoded.alpha && picture.alpha) expect(same(decoded.alpha.data, picture.alpha.data)).toBe(true)
  })

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['a web page', Buffer.from('<!doctype html><html>502 Bad Gateway</html>')],
    ['text', Buffer.from('{"error":"something went wrong"}')],
    ['a drawing', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')],
    ['bytes', Buffer.from(Array.from({ length: 99 }, (_, at) => (at * 89 + 5) & 255))],
  ])('refuses %s', async (_name, bytes) => {
    await expect(decodeAnswer(bytes, LIMITS)).rejects.toMatchObject({ code: 'ANSWER_CORRUPT' })
  })

  it.each(['png', 'jpeg', 'webp', 'avif'] as const)('refuses a %s that was cut short', async format => {
    const bytes = await sharp(noise.data, { raw: { width: 40, height: 30, channels: 3 } })
      .toFormat(format)
      .toBuffer()
    await expect(decodeAnswer(bytes.subarray(0, bytes.length / 2), LIMITS)).rejects.toMatchObject({
      code: 'ANSWER_CORRUPT',
    })
  })

  it('refuses a picture that is too large before decoding it', async () => {
    const cut = Buffer.from(await encodePng(noise)).fill(0, 100)
    await expect(decodeAnswer(cut, { maxPixels: 1199 })).rejects.toMatchObject({ code: 'ANSWER_TOO_LARGE' })
  })

  it('turns an answer upright', async () => {
    const image = sharp(noise.data, { raw: { width: 40, height: 30, channels: 3 } }).withMetadata({
      orientation: 6,
    })
    const { colour } = await decodeAnswer(await image.png().toBuffer(), LIMITS)
    expect([colour.width, colour.height]).toEqual([30, 40])
  })
})

describe('finish', () => {
  const few = draw(40, 30, 3, (x, y) => ((x + y) % 200) + 20)
  const photograph = draw(
    200,
    90,
    3,
    (x, y, channel) => (x * 7 + ((x * y * (channel + 1)) % 61) + y * 3) & 255,
  )
  const greyPhotograph = draw(200, 90, 1, (x, y) => (x * 7 + ((x * y) % 61) + y * 3) & 255)

  it.each([
    ['a palette', few],
    ['a photograph', photograph],
    ['grey', greyPhotograph],
  ] as [string, PixelImage][])('makes a PNG that says it is exact, and is: %s', async (_name, colour) => {
    const { width, height } = colour
    const { bytes, isExact } = await finish({ colour }, { width, height, format: 'png' })
    expect(isExact).toBe(true)
    const decoded = await decodeAnswer(bytes, { maxPixels: Number.POSITIVE_INFINITY })
    expect(decoded.alpha).toBeUndefined()
    expect(decoded.colour).toMatchObject({ width, height, channels: colour.channels })
    expect(same(decoded.colour.data, colour.data)).toBe(true)
  })

  it('says so of no other file', async () => {
    const size = { width: 40, height: 30 }
    const files = await Promise.all([
      finish({ colour: noise }, { ...size, format: 'webp', lossless: true }),
      finish({ colour: noise, alpha: holes }, { ...size, format: 'png' }),
      finish({ colour: noise }, { width: 20, height: 15, format: 'png' }),
    ])
    expect(files.map(({ isExact }) => isExact)).toEqual([false, false, false])
  })

  it.each(['png', 'jpeg', 'webp', 'avif', 'gif'] as const)(
    'makes the exact size and reports it: %s',
    async format => {
      const made = await finish({ colour: noise }, { width: 61, height: 47, format })
      const facts = await sharp(made.bytes).metadata()
      expect(made).toMatchObject({ width: 61, height: 47, format })
      expect([facts.width, facts.height, facts.format]).toEqual([61, 47, format === 'avif' ? 'heif' : format])
    },
  )

  it.each(['png', 'jpeg', 'webp', 'avif'] as const)(
    'tags %s as sRGB without changing colours',
    async format => {
      const flat = draw(32, 32, 3, (_x, _y, channel) => [200, 100, 50][channel]!)
      const { bytes } = await finish({ colour: flat }, { width: 32, height: 32, format })
      const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true })
      const facts = await sharp(bytes).metadata()
      if (format === 'png') expect(Buffer.from(bytes).includes('sRGB')).toBe(true)
      else expect(facts.icc?.toString('latin1').replaceAll('\0', '')).toContain('sRGB')
      expect([facts.exif, facts.xmp, facts.iptc]).toEqual([undefined, undefined, undefined])
      for (const [channel, value] of [200, 100, 50].entries()) {
        expect(Math.abs(data[info.channels * 100 + channel]! - value)).toBeLessThanOrEqual(2)
      }
    },
  )

  it('is exact for lossless files; a PNG that is partly transparent is for its alpha', async () => {
    const alpha = draw(40, 30, 1, x => 128 + x)
    for (const format of ['png', 'webp'] as const) {
      const picture = format === 'png' ? { colour: noise } : { colour: noise, alpha }
      const { bytes } = await finish(picture, { width: 40, height: 30, format, lossless: true })
      if (format === 'png') {
        expect(new Uint8Array(await sharp(bytes).raw().toBuffer())).toEqual(noise.data)
        const seen = await finish({ colour: noise, alpha }, { width: 40, height: 30, format })
        const channel = await sharp(seen.bytes).extractChannel('alpha').raw().toBuffer()
        expect(new Uint8Array(channel)).toEqual(alpha.data)
        continue
      }
      const data = await sharp(bytes).raw().toBuffer()
      expect(
        data.every((value, at) =>
          at % 4 === 3 ? value === 128 + ((at >> 2) % 40) : value === noise.data[(at >> 2) * 3 + (at % 4)],
        ),
      ).toBe(true)
    }
  })

  it('keeps grey pictures grey in PNG and JPEG', async () => {
    const grey = draw(20, 10, 1, x => x * 12)
    for (const format of ['png', 'jpeg'] as const) {
      const { bytes } = await finish({ colour: grey }, { width: 40, height: 20, format })
      expect((await sharp(bytes).metadata()).channels).toBe(1)
    }
  })

  it('writes JPEGs without subsampling colours', async () => {
    const { bytes } = await finish({ colour: noise }, { width: 80, height: 60, format: 'jpeg' })
    expect((await sharp(bytes).metadata()).chromaSubsampling).toBe('4:4:4')
  })

  it('takes a quality for the lossy formats, and then writes a lossless WebP as a lossy one', async () => {
    for (const format of ['jpeg', 'webp', 'avif'] as const) {
      const size = { width: 80, height: 60, format, lossless: true }
      const [low, high] = await Promise.all([
        finish({ colour: noise }, { ...size, quality: 20 }),
        finish({ colour: noise }, { ...size, quality: 95 }),
      ])
      expect(low.bytes.length).toBeLessThan(high.bytes.length)
    }
  })
})
