import { deflateSync } from 'node:zlib'
import { type PngParts, pngChunk, writePng } from './png.ts'
import { CLEAR, type Corners, CUT, cornerAt, type Draft, SCENE, SIZE, upscaled } from './scene.ts'

/** Every colour type and bit depth that PNG has, each plain, with transparent colours, and with alpha where it can. */
export function everyPngLayout(): Draft[] {
  const drafts: Draft[] = []
  for (const bitDepth of [1, 2, 4, 8, 16] as const) {
    const most = 2 ** bitDepth - 1
    const steps: Corners = [0, 1, 2, 3].map(step => {
      const value = Math.round((Math.round((most * step) / 3) * 255) / most)
      return [value, value, value, 255]
    }) as unknown as Corners
    const level = (x: number, y: number): number => Math.round((cornerAt(steps, x, y)[0] * most) / 255)
    drafts.push(layout(`grey-${bitDepth}`, { bitDepth, colourType: 0, sample: level }, steps))
    const clear: Corners = [[0, 0, 0, 0], ...steps.slice(1)] as unknown as Corners
    if (bitDepth > 1) {
      const before = [pngChunk('tRNS', Buffer.from([0, 0]))]
      drafts.push(layout(`grey-${bitDepth}-trns`, { bitDepth, colourType: 0, sample: level, before }, clear))
    }
  }
  for (const bitDepth of [2, 4, 8] as const) {
    const palette = pngChunk('PLTE', Buffer.from(SCENE.flatMap(colour => colour.slice(0, 3))))
    const sample: PngParts['sample'] = (x, y) => SCENE.indexOf(cornerAt(SCENE, x, y))
    drafts.push(layout(`palette-${bitDepth}`, { bitDepth, colourType: 3, sample, before: [palette] }, SCENE))
    const before = [palette, pngChunk('tRNS', Buffer.from([255, 128, 255, 0]))]
    drafts.push(layout(`palette-${bitDepth}-trns`, { bitDepth, colourType: 3, sample, before }, CLEAR))
  }
  for (const bitDepth of [8, 16] as const) {
    const wide = bitDepth === 16 ? 257 : 1
    const from =
      (corners: Corners, picks: readonly number[]): PngParts['sample'] =>
      (x, y, channel) =>
        cornerAt(corners, x, y)[picks[channel]!]! * wide
    const see: Corners = [
      [20, 20, 20, 255],
      [90, 90, 90, 128],
      [160, 160, 160, 255],
      [0, 0, 0, 0],
    ]
    drafts.push(layout(`rgb-${bitDepth}`, { bitDepth, colourType: 2, sample: from(SCENE, [0, 1, 2]) }, SCENE))
    drafts.push(
      layout(`rgba-${bitDepth}`, { bitDepth, colourType: 6, sample: from(CLEAR, [0, 1, 2, 3]) }, CLEAR),
    )
    drafts.push(layout(`grey-alpha-${bitDepth}`, { bitDepth, colourType: 4, sample: from(see, [0, 3]) }, see))
    const key = Buffer.alloc(6)
    for (const [index, value] of [230, 220, 200].entries()) key.writeUInt16BE(value * wide, index * 2)
    const before = [pngChunk('tRNS', key)]
    drafts.push(
      layout(
        `rgb-${bitDepth}-trns`,
        { bitDepth, colourType: 2, sample: from(SCENE, [0, 1, 2]), before },
        CUT,
      ),
    )
  }
  // 16-bit values that cutting to the upper byte would round down by one.
  const high = (x: number, y: number, channel: number): number => cornerAt(SCENE, x, y)[channel]! * 257 - 120
  drafts.push([
    'png-rgb-16-rounded.png',
    writePng({ ...SIZE, bitDepth: 16, colourType: 2, sample: high }),
    upscaled('png', { tolerance: 0 }),
  ])
  return drafts
}

function layout(name: string, parts: Omit<PngParts, 'width' | 'height'>, corners: Corners): Draft {
  return [`png-${name}.png`, writePng({ ...SIZE, ...parts }), upscaled('png', { corners })]
}

/** Chunks that decoders must put up with. */
export function oddPngChunks(): Draft[] {
  const sample: PngParts['sample'] = (x, y, channel) => cornerAt(SCENE, x, y)[channel]!
  const put = (name: string, ...before: Buffer[]): Draft => [
    `png-${name}.png`,
    writePng({ ...SIZE, bitDepth: 8, colourType: 2, sample, before }),
    upscaled('png'),
  ]
  const badSum = pngChunk('tEXt', Buffer.from('a\0b'))
  badSum[badSum.length - 1] = badSum.at(-1)! ^ 1
  const named = (body: Buffer): Buffer => pngChunk('iCCP', Buffer.concat([Buffer.from('x\0\0'), body]))
  const one = Buffer.from([0, 0, 0, 1, 0, 0, 0, 0])
  return [
    put('text-chunk', pngChunk('tEXt', Buffer.from('Comment\0hello'))),
    put('text-bad-checksum', badSum),
    put(
      'text-bomb',
      pngChunk('zTXt', Buffer.concat([Buffer.from('a\0\0'), deflateSync(Buffer.alloc(50_000_000))])),
    ),
    put('srgb-twice', pngChunk('sRGB', Buffer.from([0])), pngChunk('sRGB', Buffer.from([0]))),
    put('gamma', pngChunk('gAMA', Buffer.from([0, 0, 0xb1, 0x8f]))),
    put('density', pngChunk('pHYs', Buffer.from([0, 0, 0x2e, 0x23, 0, 0, 0x2e, 0x23, 1]))),
    put('private-chunk', pngChunk('vpAg', Buffer.alloc(9))),
    put('profile-garbage', named(Buffer.from('garbage'))),
    put('profile-not-one', named(deflateSync(Buffer.from('not a profile')))),
    put('profile-bomb', named(deflateSync(Buffer.alloc(50_000_000)))),
    put('exif-garbage', pngChunk('eXIf', Buffer.from('garbage that is not TIFF'))),
    put('apng-of-one-frame', pngChunk('acTL', one)),
  ]
}
