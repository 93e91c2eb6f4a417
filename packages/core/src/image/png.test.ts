import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import type { Samples } from './interleave.ts'
import { encodeQuickPng, encodeSmallPng } from './png.ts'

/** A picture in which each row asks for another filter: noise, steps across, steps down, slopes, flat. */
function mixed(width: number, height: number, channels: number): Samples {
  const kinds: ((x: number, y: number) => number)[] = [
    (x, y) => Math.imul(x * 7919 + y, 2_654_435_761) >>> 24,
    x => x * 3,
    (x, y) => (x % 5) * 40 + y,
    (x, y) => x * 2 + y * 5 + ((x * y) % 3),
    () => 255,
    () => 0,
    (x, y) => (((x >> 3) ^ (y >> 2)) & 1 ? 255 : 0),
  ]
  const data = Uint8Array.from({ length: width * height * channels }, (_, at) => {
    const pixel = Math.floor(at / channels)
    const y = Math.floor(pixel / width)
    return (kinds[y % kinds.length]!(pixel % width, y) + (at % channels) * 50) & 255
  })
  return { data, width, height, channels }
}

/** Another decoder's opinion, which may not warn about anything. It would turn grey with alpha into grey. */
async function decoded(bytes: Uint8Array, channels: number): Promise<Uint8Array> {
  const image = sharp(bytes, { failOn: 'warning' }).toColourspace(channels === 1 ? 'b-w' : 'srgb')
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true })
  if (channels !== 2) return new Uint8Array(data)
  expect(info.channels).toBe(4)
  return Uint8Array.from({ length: info.width * info.height * 2 }, (_, at) => data[at * 2 + (at % 2)]!)
}

describe.each([
  ['small', encodeSmallPng],
  ['quick', encodeQuickPng],
] as const)('a %s PNG', (_kind, encode) => {
  it.each([1, 2, 3, 4])('gives back its samples, with %i channels at any width', async channels => {
    for (const [width, height] of [
      [1, 1],
      [5, 9],
      [16, 64],
      [33, 65],
      [257, 300], // several batches
    ] as const) {
      const samples = mixed(width, height, channels)
      expect(Buffer.compare(await decoded(await encode(samples), channels), samples.data)).toBe(0)
    }
  })

  it('gives back rows that are longer than a batch', async () => {
    const samples = mixed(50_000, 3, 3)
    expect(Buffer.compare(await decoded(await encode(samples), 3), samples.data)).toBe(0)
  })
})

describe('a small PNG', () => {
  const sizeOf = async (draw: (x: number, y: number) => number): Promise<[own: number, peer: number]> => {
    const [width, height] = [300, 200]
    const data = Uint8Array.from({ length: width * height * 3 }, (_, at) => {
      const pixel = Math.floor(at / 3)
      const [x, y] = [pixel % width, Math.floor(pixel / width)]
      return at % 3 === 2 ? y : draw(x, y) + (at % 3) * 40
    })
    const image = sharp(data, { raw: { width, height, channels: 3 } })
    const peers = await Promise.all(
      [true, false].map(adaptiveFiltering => image.clone().png({ adaptiveFiltering }).toBuffer()),
    )
    const own = await encodeSmallPng({ data, width, height, channels: 3 })
    return [own.length, Math.min(...peers.map(({ length }) => length))]
  }
  const grain = (x: number, y: number): number =>
    (Math.imul(x * 7919 + y * 104_729, 2_654_435_761) >>> 26) & 15

  it.each([
    ['grain', (x: number, y: number) => 90 + x / 4 + grain(x, y)],
    ['a slope', (x: number, y: number) => x / 2 + (y * y) / 400 + (x * y) / 3000],
    ['a pattern', (x: number, y: number) => ((x * x * 5 + y * 3) % 17) * 9 + (y % 11) * 3],
  ])(
    'of %s is as small as the better of what another encoder makes, give or take a tenth',
    async (_what, draw) => {
      const [own, peer] = await sizeOf(draw)
      expect(own).toBeLessThan(peer * 1.1)
    },
  )
})
