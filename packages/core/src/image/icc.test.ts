import sharp from 'sharp'
import { expect, test } from 'vitest'
import { finish } from './codec.ts'
import { srgbTagOf } from './icc.ts'

const size = { width: 40, height: 24 }
const samples = (channels: number): Uint8Array =>
  Uint8Array.from({ length: size.width * size.height * channels }, (_, at) => (at * 2_654_435_761) >>> 24)

const data = samples(3)
const picture = { colour: { data, ...size, channels: 3 as const } }
const tagged = sharp(data, { raw: { ...size, channels: 3 } }).withIccProfile('srgb')

test('a jpeg is the file that the encoder would have tagged, byte for byte', async () => {
  const { bytes } = await finish(picture, { ...size, format: 'jpeg', quality: undefined, lossless: false })
  expect(await tagged.jpeg({ quality: 85, chromaSubsampling: '4:4:4' }).toBuffer()).toEqual(bytes)
})

test('a sample without a profile is no sample', () => {
  expect(() => srgbTagOf(Buffer.alloc(64))).toThrow(TypeError)
})
