import { deflateSync, gzipSync } from 'node:zlib'
import sharp from 'sharp'
import { header, PNG_SIGNATURE, pngChunk, scanlines } from './png.ts'
import { type Draft, either, paint, type Refused, refused, SCENE, SIZE } from './scene.ts'

/** Files that must be refused with a code, and damaged ones that must at least not end in a crash or a hang. */
export async function drawRefusals(): Promise<Draft[]> {
  const wholes = await drawWholes()
  return [
    ...(await otherKinds()),
    ...(await animations()),
    ...(await bombs()),
    ...wholes.flatMap(truncated),
    ...wholes.flatMap(flipped),
    ...wholes.flatMap(headOnly),
    ...wholes.flatMap(takenForText),
    [
      'pointer-windows.png',
      Buffer.from('version https://git-lfs.github.com/spec/v1\r\noid sha256:00\r\nsize 9\r\n'),
      refused('SOURCE_UNSUPPORTED', 'git lfs pull'),
    ],
  ]
}

type Whole = readonly [extension: string, bytes: Buffer]

/** One file a format, with detail everywhere, so that damage anywhere is in the picture. */
async function drawWholes(): Promise<Whole[]> {
  const noise = Buffer.from(
    Array.from({ length: 64 * 64 * 4 }, (_, index) => (index * 7919 + (index >> 7) * 31) % 251),
  )
  const image = sharp(noise, { raw: { width: 64, height: 64, channels: 4 } })
  const opaque = image.clone().removeAlpha()
  return [
    ['png', await opaque.clone().png().toBuffer()],
    ['rgba.png', await image.clone().png({ progressive: true }).toBuffer()],
    ['jpg', await opaque.clone().jpeg({ quality: 90 }).toBuffer()],
    ['progressive.jpg', await opaque.clone().jpeg({ quality: 90, progressive: true }).toBuffer()],
    ['webp', await opaque.clone().webp().toBuffer()],
    ['lossless.webp', await image.clone().webp({ lossless: true }).toBuffer()],
    ['avif', await opaque.clone().avif().toBuffer()],
    ['gif', await opaque.clone().gif().toBuffer()],
  ]
}

function truncated([extension, bytes]: Whole): Draft[] {
  return [0.05, 0.2, 0.4, 0.6, 0.8, 0.95].map(part => [
    `cut-at-${Math.round(part * 100)}.${extension}`,
    bytes.subarray(0, Math.floor(bytes.length * part)),
    refused('SOURCE_CORRUPT'),
  ])
}

function headOnly([extension, bytes]: Whole): Draft[] {
  const early: Draft[] = [1, 3, 8, 11, 12, 20, 31].map(length => [
    `first-${length}.${extension}`,
    bytes.subarray(0, length),
    either,
  ])
  return [...early, [`last-byte-missing.${extension}`, bytes.subarray(0, -1), either]]
}

/** As tools do that read an image with an encoding, and as a transfer does that knows line ends. */
function takenForText([extension, bytes]: Whole): Draft[] {
  const withPairs = Buffer.from(bytes.toString('latin1').replace(/\r?\n/g, '\r\n'), 'latin1')
  return [
    [
      `as-utf-8.${extension}`,
      Buffer.from(bytes.toString('utf8')),
      refused('SOURCE_CORRUPT', 'as text (UTF-8)'),
    ],
    [`with-crlf.${extension}`, withPairs, refused('SOURCE_CORRUPT', 'as text (line ends)')],
  ]
}

function flipped([extension, bytes]: Whole): Draft[] {
  return Array.from({ length: 16 }, (_, index) => {
    const damaged = Buffer.from(bytes)
    const at = Math.floor(((index * 0.61803 + 0.013) % 1) * bytes.length)
    damaged[at] = damaged[at]! ^ (1 << (index % 8))
    return [`flipped-${index}.${extension}`, damaged, either]
  })
}

async function otherKinds(): Promise<Draft[]> {
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect width="8" height="8"/></svg>'
  const rgb = sharp(paint(SCENE, 3), { raw: { ...SIZE, channels: 3 } })
  const jpeg = await rgb.clone().jpeg().toBuffer()
  /** Changes a byte of the frame header: 1 is the coding process, 4 the bits of a sample. */
  const jpegOf = (offset: 1 | 4, value: number): Buffer => {
    const changed = Buffer.from(jpeg)
    changed[changed.indexOf(Buffer.from([0xff, 0xc0])) + offset] = value
    return changed
  }
  const kind = (says: string): Refused => refused('SOURCE_UNSUPPORTED', says)
  const latin = (text: string): Buffer => Buffer.concat([Buffer.from(text, 'latin1'), Buffer.alloc(64, 7)])
  const boxes = (brand: string): Buffer => latin(`\0\0\0\x18ftyp${brand}\0\0\0\0${brand}mif1`)
  return [
    ['drawing.svg', Buffer.from(svg), kind('SVG')],
    ['drawing-prolog.svg', Buffer.from(`<?xml version="1.0"?>\n<!-- made by hand -->\n${svg}`), kind('SVG')],
    ['drawing-bom.svg', Buffer.from(`\ufeff${svg}`), kind('SVG')],
    ['drawing-utf16.svg', Buffer.from(`\ufeff${svg}`, 'utf16le'), kind('SVG')],
    ['drawing-named.png', Buffer.from(svg), kind('SVG')],
    ['drawing.svgz', gzipSync(svg), kind('gzip')],
    ['twelve-bits.jpg', jpegOf(4, 12), kind('precision 12')],
    ['hierarchical.jpg', jpegOf(1, 0xc5), kind('Unsupported JPEG process')],
    ['lossless.jpg', jpegOf(1, 0xc3), refused('SOURCE_CORRUPT')],
    ['scan.tiff', await rgb.clone().tiff().toBuffer(), kind('TIFF')],
    ['scan-big-endian.tiff', latin('MM\0*'), kind('TIFF')],
    ['scan-big.tiff', latin('II+\0'), kind('BigTIFF')],
    ['scan-named.jpg', await rgb.clone().tiff().toBuffer(), kind('TIFF')],
    ['old.bmp', latin('BM\x46\0\0\0\0\0\0\0\x36'), kind('BMP')],
    ['icon.ico', latin('\0\0\x01\0\x01\0'), kind('ICO')],
    ['cursor.cur', latin('\0\0\x02\0\x01\0'), kind('CUR')],
    ['phone.heic', boxes('heic'), kind('HEIC')],
    ['phone.heif', boxes('mif1'), kind('HEIF')],
    ['film.mp4', boxes('isom'), kind('video')],
    ['film.mov', boxes('qt  '), kind('QuickTime')],
    ['film.webm', latin('\x1a\x45\xdf\xa3'), kind('WebM')],
    ['new.jxl', latin('\xff\x0a'), kind('JPEG XL')],
    ['new-boxes.jxl', latin('\0\0\0\x0cJXL \r\n\x87\n'), kind('JPEG XL')],
    ['film.jp2', latin('\0\0\0\x0cjP  \r\n\x87\n'), kind('JPEG 2000')],
    ['film.j2k', latin('\xff\x4f\xff\x51'), kind('JPEG 2000')],
    ['paper.pdf', latin('%PDF-1.7\n'), kind('PDF')],
    ['layers.psd', latin('8BPS\0\x01'), kind('Photoshop')],
    ['page.png', Buffer.from('<!DOCTYPE html>\n<html><body>404</body></html>'), kind('HTML')],
    [
      'pointer.png',
      Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n'),
      kind('Git LFS'),
    ],
    ['annex.png', Buffer.from('/annex/objects/SHA256E-s1--00.png\n'), kind('git-annex')],
    ['text.png', Buffer.from('nothing but text\n'), kind('a text file')],
    [
      'random.png',
      Buffer.from(Array.from({ length: 500 }, (_, index) => (index * 89 + 5) % 256)),
      kind('unknown'),
    ],
    ['empty.png', Buffer.alloc(0), refused('SOURCE_CORRUPT', 'empty')],
    ['zeros.png', Buffer.alloc(4096), refused('SOURCE_CORRUPT', 'zero bytes')],
    [
      'newlines.png',
      Buffer.from('\x89PNG\n\x1a\n\0\0\0\rIHDR', 'latin1'),
      refused('SOURCE_CORRUPT', 'line ends'),
    ],
  ]
}

async function animations(): Promise<Draft[]> {
  const frames = sharp(paint(SCENE, 3), { raw: { ...SIZE, channels: 3, pageHeight: SIZE.height / 2 } })
  const still = await sharp(paint(SCENE, 3), { raw: { ...SIZE, channels: 3 } })
    .avif()
    .toBuffer()
  const sequence = Buffer.from(still)
  sequence.write('avis', 8, 'latin1')
  const kind = (says: string): Refused => refused('SOURCE_UNSUPPORTED', says)
  return [
    ['moving.gif', await frames.clone().gif().toBuffer(), kind('animated GIF')],
    ['moving.webp', await frames.clone().webp().toBuffer(), kind('animated WebP')],
    ['moving-lossless.webp', await frames.clone().webp({ lossless: true }).toBuffer(), kind('animated WebP')],
    ['moving.png', writeApng(), kind('animated PNG')],
    ['moving.avif', sequence, kind('AVIF image sequence')],
  ]
}

/** Two frames, the first of which is the still picture. */
function writeApng(): Buffer {
  const data = deflateSync(scanlines({ ...SIZE, bitDepth: 8, colourType: 0, sample: x => x }))
  const control = (sequence: number): Buffer => {
    const body = Buffer.alloc(26)
    for (const [index, value] of [sequence, SIZE.width, SIZE.height].entries())
      body.writeUInt32BE(value, index * 4)
    body.writeUInt16BE(1, 20)
    body.writeUInt16BE(10, 22)
    return pngChunk('fcTL', body)
  }
  return Buffer.concat([
    PNG_SIGNATURE,
    header({ ...SIZE, bitDepth: 8, colourType: 0 }),
    pngChunk('acTL', Buffer.from([0, 0, 0, 2, 0, 0, 0, 0])),
    control(0),
    pngChunk('IDAT', data),
    control(1),
    pngChunk('fdAT', Buffer.concat([Buffer.from([0, 0, 0, 2]), data])),
    pngChunk('IEND'),
  ])
}

async function bombs(): Promise<Draft[]> {
  const tooLarge = refused('SOURCE_TOO_LARGE', 'MP')
  const claim = (width: number, height: number): Buffer =>
    Buffer.concat([
      PNG_SIGNATURE,
      header({ width, height, bitDepth: 8, colourType: 2 }),
      pngChunk('IDAT'),
      pngChunk('IEND'),
    ])
  const jpeg = await sharp(paint(SCENE, 3), { raw: { ...SIZE, channels: 3 } })
    .jpeg()
    .toBuffer()
  const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0]))
  jpeg.writeUInt16BE(65_500, frame + 5)
  jpeg.writeUInt16BE(65_500, frame + 7)
  const webp = await sharp(paint(SCENE, 3), { raw: { ...SIZE, channels: 3 } })
    .webp()
    .toBuffer()
  const lossy = webp.indexOf('VP8 ')
  webp.writeUInt16LE(16_383, lossy + 14)
  webp.writeUInt16LE(16_383, lossy + 16)
  const gif = await sharp(paint(SCENE, 3), { raw: { ...SIZE, channels: 3 } })
    .gif()
    .toBuffer()
  gif.writeUInt16LE(65_000, 6)
  gif.writeUInt16LE(65_000, 8)
  const flat = { width: 16_000, height: 16_000, channels: 3, background: '#808080' } as const
  const full = await sharp({ create: flat, limitInputPixels: false }).toColourspace('b-w').png().toBuffer()
  return [
    ['claims-60000.png', claim(60_000, 60_000), tooLarge],
    ['claims-a-line.png', claim(900_000_000, 1), either],
    ['claims-nothing.png', claim(0, 0), refused('SOURCE_CORRUPT')],
    ['claims-65500.jpg', jpeg, tooLarge],
    ['claims-16383.webp', webp, tooLarge],
    // The decoder takes the size of the frame where that of the canvas can't be meant.
    ['claims-65000.gif', gif, either],
    ['flat-16000.png', full, tooLarge],
  ]
}
