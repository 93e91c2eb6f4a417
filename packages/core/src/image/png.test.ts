import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import type { Samples } from './interleave.ts'
import { encodeQuickPng, encodeSmallPng as encodeWithFacts } from './png.ts'

const encodeSmallPng = async (samples: Samples): Promise<Uint8Array> =>
  (await encodeWithFacts(samples, { isSrgb: samples.channels >= 3 })).bytes

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
      const found = await decoded(await encode(samples), channels)
      // What a small one may change where something is transparent, is told below.
      if (encode === encodeSmallPng && channels % 2 === 0) expect(found.length).toBe(samples.data.length)
      else expect(Buffer.compare(found, samples.data)).toBe(0)
    }
  })

  it('gives back what is so large that it is deflated elsewhere', async () => {
    const [width, height] = [1100, 1000]
    for (const channels of [1, 3]) {
      const data = Uint8Array.from({ length: width * height * channels }, (_, at) => {
        const grain = Math.imul(at + 1, 2_654_435_761) >>> 28
        return (at % 5000 < 300 ? 7 : grain) + Math.floor(at / (width * channels * 8))
      })
      expect(
        Buffer.compare(await decoded(await encode({ data, width, height, channels }), channels), data),
      ).toBe(0)
    }
  })

  it('gives back rows that are longer than a batch', async () => {
    const samples = mixed(50_000, 3, 3)
    expect(Buffer.compare(await decoded(await encode(samples), 3), samples.data)).toBe(0)
  })
})

describe('a small PNG', () => {
  it('has all colours of a picture that has many in few of its rows', async () => {
    const [width, height] = [400, 300]
    const data = Uint8Array.from({ length: width * height * 3 }, (_, at) =>
      Math.floor(at / (width * 3)) === 20 ? (at * 7) & 255 : 40,
    )
    const found = await decoded(await encodeSmallPng({ data, width, height, channels: 3 }), 3)
    expect(data.findIndex((value, at) => Math.abs(value - (found[at] ?? 0)) > 1)).toBe(-1)
  })

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

  it('has no filter where it is large and mere noise', async () => {
    const [width, height] = [1100, 1000]
    const data = Uint8Array.from({ length: width * height * 3 }, (_, at) => {
      const bits = Math.imul(at + 1, 2_654_435_761) ^ Math.imul(at >> 3, 40_503)
      return 110 + ((bits >>> 29) & 7) + ((bits >>> 23) & 7) + ((bits >>> 17) & 7)
    })
    const image = sharp(data, { raw: { width, height, channels: 3 } })
    const peer = await image.png({ adaptiveFiltering: false }).toBuffer()
    const own = await encodeSmallPng({ data, width, height, channels: 3 })
    expect(own.length).toBeLessThan(1.01 * peer.length)
  })

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

describe('a small PNG of a drawing', () => {
  const [width, height] = [150, 170]
  const noise = (at: number): number => ((Math.imul(at + 1, 2_654_435_761) >>> 20) % 3) - 1

  /** A disc on a flat ground, with a level of noise in and beside its soft rim; a gradient below. */
  function drawing(channels: 1 | 2 | 3 | 4): Samples {
    const colours = channels - ((channels + 1) % 2)
    const data = Uint8Array.from({ length: width * height * channels }, (_, at) => {
      const pixel = Math.floor(at / channels)
      const [x, y, channel] = [pixel % width, Math.floor(pixel / width), at % channels]
      const inside = Math.min(1, Math.max(0, (50 - Math.hypot(x - 70, y - 60)) / 9))
      if (channel === colours) return Math.round(255 * inside)
      if (y >= 130) return 60 + Math.floor(x / 4) + channel * 20
      const isNearRim = inside > 0 || Math.hypot(x - 70, y - 60) < 53
      return Math.round(90 + channel * 30 + 100 * inside) + (isNearRim ? noise(at) : 0)
    })
    return { data, width, height, channels }
  }

  const alphaAt = ({ channels }: Samples, found: Uint8Array, at: number): number => {
    const colours = channels - ((channels + 1) % 2)
    return colours === channels ? 255 : (found[at - (at % channels) + colours] as number)
  }

  it.each([1, 2, 3, 4] as const)(
    'shows no colour more than a level off on any ground, with %i channels, and keeps alpha and what is hidden',
    async channels => {
      const samples = drawing(channels)
      const found = await decoded(await encodeSmallPng(samples), channels)
      const colours = channels - ((channels + 1) % 2)
      let changed = 0
      const wrong: string[] = []
      samples.data.forEach((value, at) => {
        const off = Math.abs((found[at] as number) - value)
        const alpha = alphaAt(samples, samples.data, at)
        if (off > 0) changed++
        if (off > 0 && (at % channels === colours || alpha === 0)) wrong.push(`${at}: alpha, or hidden`)
        if (off * alpha > 255) wrong.push(`${at}: ${off} at alpha ${alpha}`)
      })
      expect(wrong).toEqual([])
      expect(changed).toBeGreaterThan(100)
    },
  )

  it('keeps slopes, and all else that is not beside an edge', async () => {
    const samples = drawing(3)
    const found = await decoded(await encodeSmallPng(samples), 3)
    const sample = (x: number, y: number, channel: number): number =>
      samples.data[(y * width + x) * 3 + channel] as number
    const isOff = (x: number, y: number, column: number, row: number): boolean =>
      column >= 0 &&
      column < width &&
      row >= 0 &&
      row < height &&
      [0, 1, 2].some(channel => Math.abs(sample(column, row, channel) - sample(x, y, channel)) > 3)
    const isBesideEdge = (x: number, y: number): boolean =>
      [-4, -3, -2, -1, 1, 2, 3, 4].some(reach => isOff(x, y, x + reach, y) || isOff(x, y, x, y + reach))
    const wrong = []
    for (let at = 0; at < samples.data.length; at++) {
      const [x, y] = [Math.floor(at / 3) % width, Math.floor(at / 3 / width)]
      if (found[at] !== samples.data[at] && !isBesideEdge(x, y)) wrong.push([x, y])
    }
    expect(wrong).toEqual([])
  })

  it('does not say that it is exact', async () => {
    expect(await encodeWithFacts(drawing(3), { isSrgb: true })).toMatchObject({ isExact: false })
  })

  it('is lighter than one without loss', async () => {
    const samples = drawing(3)
    const exact = await Promise.all(
      [true, false].map(adaptiveFiltering =>
        sharp(samples.data, { raw: { width, height, channels: 3 } })
          .png({ compressionLevel: 9, adaptiveFiltering })
          .toBuffer(),
      ),
    )
    const lightest = Math.min(...exact.map(({ length }) => length))
    expect((await encodeSmallPng(samples)).length).toBeLessThan(0.85 * lightest)
  })

  it('says that it is sRGB', async () => {
    expect(Buffer.from(await encodeSmallPng(drawing(3))).includes('sRGB')).toBe(true)
  })
})
