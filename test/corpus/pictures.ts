import { deflateSync } from 'node:zlib'
import sharp, { type Sharp } from 'sharp'
import { ADOBE_RGB, encodeSrgb, toSrgb, writeGreyProfile, writeRgbProfile } from './icc.ts'
import { pngChunk, writePng } from './png.ts'
import { everyPngLayout, oddPngChunks } from './png-pictures.ts'
import {
  CLEAR,
  type Colour,
  type Corners,
  CUT,
  cornerAt,
  type Draft,
  GREYS,
  LOSSY,
  paint,
  SCENE,
  SIZE,
  upscaled,
} from './scene.ts'

/** Files that must be upscaled, with right sizes and colours. */
export async function drawPictures(): Promise<Draft[]> {
  return [
    ...(await everyEncoder()),
    ...everyPngLayout(),
    ...oddPngChunks(),
    ...(await everyOrientation()),
    ...(await everyProfile()),
    ...(await cmyk()),
    ...(await sizes()),
    ...(await harmlessDefects()),
  ]
}

const rgb = (): Sharp => sharp(paint(SCENE, 3), { raw: { ...SIZE, channels: 3 } })
const rgba = (corners: Corners): Sharp => sharp(paint(corners, 4), { raw: { ...SIZE, channels: 4 } })
const grey = (): Sharp => sharp(paint(GREYS, 1), { raw: { ...SIZE, channels: 1 } }).toColourspace('b-w')

async function everyEncoder(): Promise<Draft[]> {
  const lossy = (format: 'jpeg' | 'webp' | 'avif'): ReturnType<typeof upscaled> => upscaled(format, LOSSY)
  const greyJpeg = upscaled('jpeg', { ...LOSSY, corners: GREYS })
  return [
    ['png-rgb.png', await rgb().png().toBuffer(), upscaled('png')],
    ['png-interlaced.png', await rgb().png({ progressive: true }).toBuffer(), upscaled('png')],
    ['png-palette.png', await rgb().png({ palette: true, colours: 4 }).toBuffer(), upscaled('png', LOSSY)],
    ['png-rgba.png', await rgba(CLEAR).png().toBuffer(), upscaled('png', { corners: CLEAR })],
    ['png-named.jpg', await rgb().png().toBuffer(), upscaled('png')],
    ['jpeg-baseline.jpg', await rgb().jpeg({ quality: 95 }).toBuffer(), lossy('jpeg')],
    ['jpeg-progressive.jpg', await rgb().jpeg({ progressive: true }).toBuffer(), lossy('jpeg')],
    ['jpeg-444.jpg', await rgb().jpeg({ chromaSubsampling: '4:4:4' }).toBuffer(), lossy('jpeg')],
    ['jpeg-mozjpeg.jpeg', await rgb().jpeg({ mozjpeg: true }).toBuffer(), lossy('jpeg')],
    ['jpeg-grey.jpg', await grey().jpeg({ quality: 95 }).toBuffer(), greyJpeg],
    ['jpeg-grey-progressive.jpg', await grey().jpeg({ progressive: true }).toBuffer(), greyJpeg],
    ['jpeg-named.png', await rgb().jpeg({ quality: 95 }).toBuffer(), lossy('jpeg')],
    ['webp-lossy.webp', await rgb().webp({ quality: 90 }).toBuffer(), lossy('webp')],
    ['webp-lossless.webp', await rgb().webp({ lossless: true }).toBuffer(), upscaled('webp')],
    ['webp-near-lossless.webp', await rgb().webp({ nearLossless: true }).toBuffer(), lossy('webp')],
    [
      'webp-alpha.webp',
      await rgba(CLEAR).webp({ quality: 95 }).toBuffer(),
      { ...lossy('webp'), corners: CLEAR },
    ],
    [
      'webp-alpha-lossless.webp',
      await rgba(CLEAR).webp({ lossless: true }).toBuffer(),
      upscaled('webp', { corners: CLEAR }),
    ],
    ['webp-named.gif', await rgb().webp({ lossless: true }).toBuffer(), upscaled('webp')],
    ['avif-8.avif', await rgb().avif({ quality: 90 }).toBuffer(), lossy('avif')],
    [
      'avif-420.avif',
      await rgb().avif({ quality: 80, chromaSubsampling: '4:2:0' }).toBuffer(),
      lossy('avif'),
    ],
    ['avif-10.avif', await rgb().avif({ quality: 90, bitdepth: 10 }).toBuffer(), lossy('avif')],
    ['avif-12.avif', await rgb().avif({ quality: 90, bitdepth: 12 }).toBuffer(), lossy('avif')],
    ['avif-lossless.avif', await rgb().avif({ lossless: true }).toBuffer(), lossy('avif')],
    [
      'avif-alpha.avif',
      await rgba(CLEAR).avif({ quality: 90 }).toBuffer(),
      { ...lossy('avif'), corners: CLEAR },
    ],
    ['gif.gif', await rgb().gif().toBuffer(), upscaled('gif', LOSSY)],
    ['gif-interlaced.gif', await rgb().gif({ progressive: true }).toBuffer(), upscaled('gif', LOSSY)],
    ['gif-clear.gif', await rgba(CUT).gif().toBuffer(), upscaled('gif', { ...LOSSY, corners: CUT })],
    ['gif-two-colours.gif', await rgb().gif({ colours: 2 }).toBuffer(), upscaled('gif', { tolerance: 255 })],
    ['no-extension', await rgb().png().toBuffer(), upscaled('png')],
    ['UPPER.PNG', await rgb().png().toBuffer(), upscaled('png')],
  ]
}

/** Where a stored pixel is shown, by EXIF orientation; `width` and `height` are those of the stored picture. */
const SHOWN_AT: Readonly<
  Record<number, (x: number, y: number, width: number, height: number) => [number, number]>
> = {
  1: (x, y) => [x, y],
  2: (x, y, width) => [width - 1 - x, y],
  3: (x, y, width, height) => [width - 1 - x, height - 1 - y],
  4: (x, y, _, height) => [x, height - 1 - y],
  5: (x, y) => [y, x],
  6: (x, y, _, height) => [height - 1 - y, x],
  7: (x, y, width, height) => [height - 1 - y, width - 1 - x],
  8: (x, y, width) => [y, width - 1 - x],
}

async function everyOrientation(): Promise<Draft[]> {
  const drafts: Draft[] = []
  for (const [orientation, shownAt] of Object.entries(SHOWN_AT)) {
    const turned = Number(orientation) > 4
    const [width, height] = turned ? [SIZE.height, SIZE.width] : [SIZE.width, SIZE.height]
    const data: number[] = []
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++)
        data.push(...cornerAt(SCENE, ...shownAt(x, y, width, height)).slice(0, 3))
    }
    const stored = sharp(Buffer.from(data), { raw: { width, height, channels: 3 } }).withMetadata({
      orientation: Number(orientation),
    })
    drafts.push([
      `exif-${orientation}.jpg`,
      await stored.clone().jpeg({ quality: 95 }).toBuffer(),
      upscaled('jpeg', LOSSY),
    ])
    drafts.push([`exif-${orientation}.png`, await stored.clone().png().toBuffer(), upscaled('png')])
    drafts.push([
      `exif-${orientation}.webp`,
      await stored.clone().webp({ lossless: true }).toBuffer(),
      upscaled('webp'),
    ])
  }
  const odd = [0, 9, 255].map(async orientation => {
    const bytes = await rgb().withMetadata({ orientation: 1 }).jpeg({ quality: 95 }).toBuffer()
    // The tag's value follows its number 0x0112, its type and its count, in either byte order.
    const little = bytes.indexOf(Buffer.from('1201030001000000', 'hex'))
    const big = bytes.indexOf(Buffer.from('0112000300000001', 'hex'))
    bytes.fill(orientation, Math.max(little, big) + 8, Math.max(little, big) + 10)
    return [`exif-${orientation}-unknown.jpg`, bytes, upscaled('jpeg', LOSSY)] as const
  })
  return [...drafts, ...(await Promise.all(odd))]
}

async function everyProfile(): Promise<Draft[]> {
  const p3 = (): Sharp => rgb().withIccProfile('p3')
  const deep = Uint16Array.from(paint(SCENE, 3), value => value * 257)
  const p3Deep = sharp(deep, { raw: { ...SIZE, channels: 3 } })
    .toColourspace('rgb16')
    .withIccProfile('p3')
  const pngWith = (profile: Buffer, corners: Corners, colourType: 0 | 2): Buffer =>
    writePng({
      ...SIZE,
      bitDepth: 8,
      colourType,
      sample: (x, y, channel) => cornerAt(corners, x, y)[channel]!,
      before: [pngChunk('iCCP', Buffer.concat([Buffer.from('x\0\0'), deflateSync(profile)]))],
    })
  const adobe = SCENE.map(([red, green, blue]) => [
    ...toSrgb([red, green, blue], ADOBE_RGB),
    255,
  ]) as unknown as Corners
  const tone = GREYS.map(([value]) => {
    const shown = encodeSrgb((value / 255) ** 1.8)
    return [shown, shown, shown, 255] as Colour
  }) as unknown as Corners
  const adobeProfile = writeRgbProfile('Adobe RGB', ADOBE_RGB)
  const close = { tolerance: 3 }
  return [
    ['icc-srgb.png', await rgb().withIccProfile('srgb').png().toBuffer(), upscaled('png')],
    ['icc-p3.png', await p3().png().toBuffer(), upscaled('png', close)],
    ['icc-p3-16.png', await p3Deep.png().toBuffer(), upscaled('png', close)],
    ['icc-p3.jpg', await p3().jpeg({ quality: 95 }).toBuffer(), upscaled('jpeg', LOSSY)],
    ['icc-p3.webp', await p3().webp({ lossless: true }).toBuffer(), upscaled('webp', close)],
    ['icc-p3.avif', await p3().avif({ quality: 90 }).toBuffer(), upscaled('avif', LOSSY)],
    ['icc-adobe-rgb.png', pngWith(adobeProfile, SCENE, 2), upscaled('png', { ...close, corners: adobe })],
    [
      'icc-grey-1.8.png',
      pngWith(writeGreyProfile('Grey 1.8', 1.8), GREYS, 0),
      upscaled('png', { ...close, corners: tone }),
    ],
    [
      'icc-rgb-on-grey.png',
      pngWith(adobeProfile, GREYS, 0),
      upscaled('png', { tolerance: 40, corners: GREYS }),
    ],
    ['icc-grey-on-rgb.png', pngWith(writeGreyProfile('Grey', 2.2), SCENE, 2), upscaled('png')],
  ]
}

/** Colours that can be printed; the way to ink and back is not exact even so. */
const INKS: Corners = [
  [180, 75, 65, 255],
  [90, 140, 90, 255],
  [80, 90, 130, 255],
  [220, 215, 205, 255],
]

async function cmyk(): Promise<Draft[]> {
  const inks = sharp(paint(INKS, 3), { raw: { ...SIZE, channels: 3 } }).toColourspace('cmyk')
  const best = { quality: 100, chromaSubsampling: '4:4:4' }
  const expected = upscaled('jpeg', { corners: INKS, tolerance: 24 })
  return [
    ['cmyk.jpg', await inks.clone().jpeg(best).toBuffer(), expected],
    ['cmyk-icc.jpg', await inks.clone().withIccProfile('cmyk').jpeg(best).toBuffer(), expected],
  ]
}

async function sizes(): Promise<Draft[]> {
  const drafts: Draft[] = []
  const colour: Colour = [120, 80, 40, 255]
  const corners: Corners = [colour, colour, colour, colour]
  for (const [width, height] of [
    [1, 1],
    [1, 2],
    [2, 1],
    [3, 200],
    [200, 3],
    [1, 500],
    [7, 5],
    [257, 3],
  ] as const) {
    for (const format of ['png', 'jpeg', 'webp', 'avif', 'gif'] as const) {
      const image = sharp({ create: { width, height, channels: 3, background: '#785028' } }).toFormat(
        format,
        { quality: 90 },
      )
      const expected = upscaled(format, { width: width * 2, height: height * 2, corners, ...LOSSY })
      drafts.push([`size-${width}x${height}.${format}`, await image.toBuffer(), expected])
    }
  }
  const clear: Corners = [0, 1, 2, 3].map(() => [0, 0, 0, 0]) as unknown as Corners
  drafts.push(['all-clear.png', await rgba(clear).png().toBuffer(), upscaled('png', { corners: clear })])
  drafts.push(['all-clear.webp', await rgba(clear).webp().toBuffer(), upscaled('webp', { corners: clear })])
  const opaque = await rgba(SCENE).png().toBuffer()
  drafts.push(['opaque-alpha.png', opaque, upscaled('png')])
  return drafts
}

async function harmlessDefects(): Promise<Draft[]> {
  const jpeg = await rgb().jpeg({ quality: 95 }).toBuffer()
  const png = await rgb().png().toBuffer()
  const gif = await rgb().gif().toBuffer()
  const webp = await rgb().webp({ lossless: true }).toBuffer()
  const tail = Buffer.from('left over')
  const scan = Buffer.from(jpeg)
  const start = scan.indexOf(Buffer.from([0xff, 0xda]))
  const end = start + 2 + scan.readUInt16BE(start + 2)
  scan[end - 2] = 0
  const comment = Buffer.from([0xff, 0xfe, 0, 6, 0x68, 0x69, 0xff, 0xff])
  return [
    ['jpeg-bytes-after-end.jpg', Buffer.concat([jpeg, tail]), upscaled('jpeg', LOSSY)],
    [
      'jpeg-fill-before-end.jpg',
      Buffer.concat([jpeg.subarray(0, -2), Buffer.from([1, 2, 3]), jpeg.subarray(-2)]),
      upscaled('jpeg', LOSSY),
    ],
    ['jpeg-scan-parameters.jpg', scan, upscaled('jpeg', LOSSY)],
    [
      'jpeg-comment.jpg',
      Buffer.concat([jpeg.subarray(0, 2), comment, jpeg.subarray(2)]),
      upscaled('jpeg', LOSSY),
    ],
    ['png-bytes-after-end.png', Buffer.concat([png, tail]), upscaled('png')],
    ['png-without-end.png', png.subarray(0, -12), upscaled('png')],
    ['gif-bytes-after-end.gif', Buffer.concat([gif, tail]), upscaled('gif', LOSSY)],
    ['gif-without-end.gif', gif.subarray(0, -1), upscaled('gif', LOSSY)],
    ['webp-bytes-after-end.webp', Buffer.concat([webp, tail]), upscaled('webp')],
  ]
}
