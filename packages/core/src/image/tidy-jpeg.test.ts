import sharp from 'sharp'
import { beforeAll, expect, test } from 'vitest'
import { normalise } from './codec.ts'
import { tidyJpeg } from './tidy-jpeg.ts'

let base: Buffer
let cmyk: Buffer
beforeAll(async () => {
  const data = Buffer.alloc(48 * 32 * 3).map((_, at) => (at * 7) & 255)
  const image = sharp(data, { raw: { width: 48, height: 32, channels: 3 } })
  base = await image.clone().jpeg({ quality: 90 }).toBuffer()
  cmyk = await image.clone().toColourspace('cmyk').jpeg({ quality: 90 }).toBuffer()
})

/** Where the first segment of a marker starts. */
function at(file: Buffer, marker: number): number {
  let place = 2
  while (file[place + 1] !== marker) place += 2 + file.readUInt16BE(place + 2)
  return place
}

function insert(file: Buffer, place: number, bytes: ArrayLike<number>): Buffer {
  return Buffer.concat([file.subarray(0, place), Uint8Array.from(bytes), file.subarray(place)])
}

function change(file: Buffer, place: number, bytes: readonly number[]): Buffer {
  const changed = Buffer.from(file)
  changed.set(bytes, place)
  return changed
}

const JFIF = [0xff, 0xe0, 0, 16, 0x4a, 0x46, 0x49, 0x46, 0, 2, 1, 0, 0, 1, 0, 1, 0, 0]
const ADOBE = [0xff, 0xee, 0, 14, 0x41, 0x64, 0x6f, 0x62, 0x65, 0, 100, 0, 0, 0, 0, 9]

function pixels(bytes: Uint8Array) {
  const source = {
    file: '/a.jpg',
    name: 'a.jpg',
    stem: 'a',
    size: bytes.length,
    bytes,
    digest: '',
    format: 'jpeg' as const,
  }
  return normalise(source, { maxPixels: 1e6, factor: 2 })
}

/** Files whose warnings every viewer passes over. */
const FILES: Readonly<Record<string, () => Buffer>> = {
  'a byte before a marker': () => insert(base, at(base, 0xda), [0]),
  'several bytes before the first marker': () => insert(base, 2, [1, 2, 3]),
  'fill bytes and a byte before a marker': () => insert(base, at(base, 0xc4), [7, 0xff, 0xff]),
  'JFIF of version 2.01': () => insert(base, 2, JFIF),
  'an unknown colour transform of Adobe': () => insert(base, 2, ADOBE),
  'scan parameters of a progressive file': () => {
    const scan = at(base, 0xda)
    return change(base, scan + 2 + base.readUInt16BE(scan + 2) - 3, [0, 0, 0])
  },
  'zeros behind the last scan': () => insert(base, base.length - 2, [0, 0, 0, 0]),
  'all of it': () => insert(insert(insert(base, at(base, 0xda), [0]), 2, JFIF), 2, ADOBE),
}

test.each(Object.entries(FILES))('a file with %s has the pixels that viewers show', async (_, make) => {
  const file = make()
  const shown = await sharp(file, { failOn: 'truncated' }).raw().toBuffer()
  expect(shown.equals(await sharp(base).raw().toBuffer())).toBe(true)
  const { colour } = await pixels(file)
  expect(Buffer.from(colour.data).equals(shown)).toBe(true)
})

test('four channels with an unknown transform are what they are with the usual one', async () => {
  const adobe = at(cmyk, 0xee)
  const odd = change(cmyk, adobe + 15, [9])
  const usual = change(cmyk, adobe + 15, [2])
  expect((await pixels(odd)).colour.data).toEqual((await pixels(usual)).colour.data)
})

test('damage is refused beside what is harmless, and by itself', async () => {
  const scan = at(base, 0xda)
  const damaged = change(base, scan + 60, [0xff, 0xd5, 0x13, 0x88, 0xff, 0xd1])
  await expect(pixels(damaged)).rejects.toMatchObject({ code: 'SOURCE_CORRUPT' })
  await expect(pixels(insert(damaged, 2, JFIF))).rejects.toMatchObject({ code: 'SOURCE_CORRUPT' })
  const cut = insert(base, 2, JFIF).subarray(0, base.length - 300)
  await expect(pixels(cut)).rejects.toMatchObject({ code: 'SOURCE_CORRUPT' })
})

test('a file without any of it, half of one and no JPEG at all are left alone', async () => {
  expect(await tidyJpeg(base)).toBeUndefined()
  for (let length = 0; length < at(base, 0xda); length += 7) {
    expect(await tidyJpeg(base.subarray(0, length))).toBeUndefined()
  }
  expect(await tidyJpeg(Buffer.from('no picture'))).toBeUndefined()
})

const MANY = 100_000

test.each([
  ['stray bytes between its segments', [0xff, 0xe1, 0, 2, 0]],
  ['segments to mend', JFIF],
])('a file with very many %s is left alone', async (_, part) => {
  expect(await tidyJpeg(insert(base, 2, Buffer.alloc(part.length * MANY, Buffer.from(part))))).toBeUndefined()
})

test.each([
  ['stray bytes', () => insert(base, 2, Buffer.alloc(MANY))],
  ['zeros behind the last scan', () => insert(base, base.length - 2, Buffer.alloc(MANY))],
])('a file with very many %s is the same without them', async (_, make) => {
  expect(Buffer.from((await tidyJpeg(make())) ?? []).equals(base)).toBe(true)
})
