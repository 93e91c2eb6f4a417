import sharp from 'sharp'
import { expect, test } from 'vitest'
import { finish } from './codec.ts'
import { srgbTagOf } from './icc.ts'

const size = { width: 40, height: 24 }
const samples = (channels: number): Uint8Array =>
  Uint8Array.from({ length: size.width * size.height * channels }, (_, at) => (at * 2_654_435_761) >>> 24)

test.each(['png', 'jpeg'] as const)(
  'a %s is the file that the encoder would have tagged, byte for byte',
  async format => {
    const data = samples(3)
    const picture = { colour: { data, ...size, channels: 3 as const } }
    const { bytes } = await finish(picture, { ...size, format, quality: undefined, lossless: false })
    const tagged = sharp(data, { raw: { ...size, channels: 3 } }).withIccProfile('srgb')
    const expected = await Promise.all(
      format === 'jpeg'
        ? [tagged.jpeg({ quality: 85, chromaSubsampling: '4:4:4' }).toBuffer()]
        : [true, false].map(adaptiveFiltering =>
            tagged.clone().png({ compressionLevel: 4, adaptiveFiltering }).toBuffer(),
          ),
    )
    expect(expected.some(one => one.equals(bytes))).toBe(true)
    const { icc } = await sharp(bytes).metadata()
    expect(icc?.toString('latin1').replaceAll('\0', '')).toContain('sRGB')
  },
)

test('a sample without a profile is no sample', () => {
  expect(() => srgbTagOf(Buffer.alloc(64), 'png')).toThrow(TypeError)
  expect(() => srgbTagOf(Buffer.alloc(64), 'jpeg')).toThrow(TypeError)
})
