import { UpscaleError } from '../errors.ts'
import { damageOf } from './damage.ts'
import type { Format } from './format.ts'
import { MOST_PARTS, pngChunks, tooManyParts } from './png-chunks.ts'

/*
 * What a file is, by its first bytes. Names and extensions are not asked: a JPEG called logo.png is a JPEG.
 */

/** Bytes from the start of a file that {@link sniffFormat} looks at. */
const HEAD = 1024
/** No image is shorter, in bytes. */
const SHORTEST = 12

const RASTERISE = 'an SVG stays sharp at any size: use it as it is, without ?upscale'
const CONVERT = 'convert it to PNG, JPEG, WebP, AVIF or GIF first'

/** Magic bytes of formats that are read; `?` stands for any byte. AVIF is told apart by {@link sniffBoxes}. */
const READ: readonly (readonly [Format, string])[] = [
  ['png', '\x89PNG\r\n\x1a\n'],
  ['jpeg', '\xff\xd8\xff'],
  ['webp', 'RIFF????WEBP'],
  ['gif', 'GIF87a'],
  ['gif', 'GIF89a'],
]

/** Magic bytes of formats that are not read, with their names and what to do, most specific first. */
const REFUSED: readonly (readonly [name: string, magic: string, hint?: string])[] = [
  ['a TIFF image', 'II*\0'],
  ['a TIFF image', 'MM\0*'],
  ['a BigTIFF image', 'II+\0'],
  ['a BigTIFF image', 'MM\0+'],
  ['a BMP image', 'BM????\0\0\0\0'],
  ['an icon file (ICO)', '\0\0\x01\0'],
  ['a cursor file (CUR)', '\0\0\x02\0'],
  ['a JPEG XL image', '\xff\x0a'],
  ['a JPEG XL image', '\0\0\0\x0cJXL \r\n\x87\n'],
  ['a JPEG 2000 image', '\0\0\0\x0cjP  \r\n\x87\n'],
  ['a JPEG 2000 image', '\xff\x4f\xff\x51'],
  ['a JPEG XR image', 'II\xbc'],
  ['an MNG animation', '\x8aMNG'],
  ['a Photoshop document', '8BPS'],
  ['a GIMP document', 'gimp xcf'],
  ['a PDF document', '%PDF-'],
  ['a PostScript document', '%!PS'],
  ['an OpenEXR image', 'v/1\x01'],
  ['a Radiance HDR image', '#?R'],
  ['a QOI image', 'qoif'],
  ['a DDS texture', 'DDS '],
  ['a KTX texture', '\xabKTX'],
  ['a WebM or Matroska video', '\x1a\x45\xdf\xa3'],
  ['a ZIP archive', 'PK\x03\x04'],
  ['a gzip file (a compressed SVG?)', '\x1f\x8b', RASTERISE],
  [
    'a Git LFS pointer, not the image itself',
    'version https://git-lfs',
    'fetch the images with "git lfs pull"; in CI let the checkout do it ("lfs: true" of actions/checkout)',
  ],
  ['a git-annex pointer, not the image itself', '/annex/objects/', 'fetch the image with "git annex get"'],
]

/** Brands of the ISO media container that holds AVIF and others. */
const BRANDS: Readonly<Record<string, string>> = {
  heic: 'a HEIC image',
  heix: 'a HEIC image',
  heim: 'a HEIC image',
  heis: 'a HEIC image',
  hevc: 'a HEIC sequence',
  hevx: 'a HEIC sequence',
  mif1: 'a HEIF image',
  msf1: 'a HEIF sequence',
  'crx ': 'a camera raw image',
  'qt  ': 'a QuickTime video',
}

/**
 * The format of a file that can be read.
 * @throws UpscaleError SOURCE_UNSUPPORTED with the name of what it is; SOURCE_CORRUPT for an empty or damaged file
 */
export function sniffFormat(bytes: Uint8Array): Format {
  for (const [format, magic] of READ) if (startsWith(bytes, magic)) return format
  if (bytes.length < SHORTEST) {
    const size = bytes.length === 0 ? 'is empty' : `has only ${bytes.length} bytes`
    throw new UpscaleError('SOURCE_CORRUPT', `the file ${size}`, { hint: 'save or fetch the image again' })
  }
  if (hasText(bytes, 4, 'ftyp')) return sniffBoxes(bytes)
  for (const [name, magic, hint = CONVERT] of REFUSED)
    if (startsWith(bytes, magic)) throw unsupported(name, hint)
  throw damageOf(bytes) ?? sniffText(bytes)
}

/** True for bytes that begin as a file does that can be read. */
export function looksLikePicture(bytes: Uint8Array): boolean {
  if (READ.some(([, magic]) => startsWith(bytes, magic))) return true
  const isBoxes = bytes.length >= SHORTEST && hasText(bytes, 4, 'ftyp')
  return isBoxes && brandsOf(bytes).some(brand => brand === 'avif' || brand === 'avis')
}

/** AVIF or something else in the same container. */
function sniffBoxes(bytes: Uint8Array): Format {
  const brands = brandsOf(bytes)
  if (brands.includes('avif') || brands.includes('avis')) return 'avif'
  const [major = ''] = brands
  const name = Object.hasOwn(BRANDS, major) ? BRANDS[major] : 'a video or an unknown kind of HEIF image'
  throw unsupported(name ?? major, CONVERT)
}

/** The major brand and the compatible ones of a file that begins with an `ftyp` box. */
function brandsOf(bytes: Uint8Array): string[] {
  const end = Math.min(new DataView(bytes.buffer, bytes.byteOffset).getUint32(0), bytes.length, HEAD)
  const brands: string[] = []
  for (let at = 8; at + 4 <= end; at += at === 8 ? 8 : 4) brands.push(latin(bytes, at, 4))
  return brands
}

function sniffText(bytes: Uint8Array): UpscaleError {
  const head = bytes.subarray(0, HEAD)
  if (head.every(byte => byte === 0)) {
    return new UpscaleError('SOURCE_CORRUPT', 'the file begins with zero bytes only', {
      hint: 'the image was not written completely: save it again',
    })
  }
  const text = new TextDecoder(
    head[1] === 0 || (head[0] === 0xff && head[1] === 0xfe) ? 'utf-16le' : 'utf-8',
  ).decode(head, { stream: true })
  if (/<svg[\s>]/i.test(text)) return unsupported('an SVG drawing', RASTERISE)
  if (/<(!doctype html|html|head|body)[\s>]/i.test(text)) {
    return unsupported('an HTML page', 'the download got a web page instead of the image: fetch it again')
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what tells bytes from text
  const isText = !/[\0-\x08\x0e-\x1f\ufffd]/.test(text)
  return unsupported(
    isText ? 'a text file' : 'a file of an unknown kind',
    'point to a PNG, JPEG, WebP, AVIF or GIF',
  )
}

function unsupported(name: string, hint: string): UpscaleError {
  return new UpscaleError('SOURCE_UNSUPPORTED', `this is ${name}`, { hint })
}

/**
 * Refuses files with more than one frame. It reads the file's structure only, so it costs little, but more than a
 * cached image may: only what passed it is ever cached.
 * @throws UpscaleError SOURCE_UNSUPPORTED
 */
export function refuseAnimation({ bytes, format }: { bytes: Uint8Array; format: Format }): void {
  const name = animationName(bytes, format)
  if (name === undefined) return
  throw new UpscaleError('SOURCE_UNSUPPORTED', `${name} can't be upscaled: only one frame would be left`, {
    hint: 'use it without ?upscale, or save the frame you want as a still image',
  })
}

function animationName(bytes: Uint8Array, format: Format): string | undefined {
  switch (format) {
    case 'gif':
      return gifFrames(bytes) > 1 ? 'an animated GIF' : undefined
    case 'webp':
      return webpFrames(bytes) > 1 ? 'an animated WebP' : undefined
    case 'avif':
      return brandsOf(bytes).includes('avis') ? 'an AVIF image sequence' : undefined
    case 'png':
      return pngFrames(bytes) > 1 ? 'an animated PNG' : undefined
    case 'jpeg':
      return undefined
  }
}

/** Primaries and transfer curves of ITU-T H.273 that libvips would take for sRGB, and that are something else. */
const WIDE_PRIMARIES: Readonly<Record<number, string>> = { 9: 'BT.2020', 11: 'DCI-P3', 12: 'Display P3' }
const HDR_TRANSFERS: Readonly<Record<number, string>> = { 16: 'PQ', 18: 'HLG' }

/**
 * Refuses an AVIF whose colours are described by numbers for a wide gamut or for HDR, which the decoder does not
 * convert. (An ICC profile in an AVIF is converted like any other.)
 * @throws UpscaleError SOURCE_UNSUPPORTED
 */
export function refuseWideAvif(bytes: Uint8Array): void {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 4 * HEAD))
  const at = head.indexOf('colrnclx')
  const hasProfile = head.includes('colrprof') || head.includes('colrrICC')
  if (at === -1 || at + 12 > head.length || hasProfile) return
  const name = HDR_TRANSFERS[head.readUInt16BE(at + 10)] ?? WIDE_PRIMARIES[head.readUInt16BE(at + 8)]
  if (name === undefined) return
  throw new UpscaleError('SOURCE_UNSUPPORTED', `this AVIF has ${name} colours, which would come out wrong`, {
    hint: 'convert it to sRGB first',
  })
}

/** True for a WebP whose picture is coded without loss. */
export function isLosslessWebp(bytes: Uint8Array): boolean {
  for (const { id, at } of riffChunks(bytes)) {
    if (id === 'VP8L' || (id === 'ANMF' && latin(bytes, at + 24, 4) === 'VP8L')) return true
  }
  return false
}

function pngFrames(bytes: Uint8Array): number {
  for (const { type, data } of pngChunks(bytes)) {
    if (type === 'acTL' && data.byteLength >= 4) return data.getUint32(0)
    if (type === 'IDAT') return 1
  }
  return 1
}

/** Counts frames, two at most. */
function webpFrames(bytes: Uint8Array): number {
  let frames = 0
  for (const { id } of riffChunks(bytes)) if (id === 'ANMF' && ++frames === 2) break
  return frames
}

/** @throws UpscaleError SOURCE_CORRUPT for too many */
function* riffChunks(bytes: Uint8Array): Generator<{ readonly id: string; readonly at: number }> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let count = 0
  for (let at = 12; at + 8 <= bytes.length; ) {
    if (++count > MOST_PARTS) throw tooManyParts()
    yield { id: latin(bytes, at, 4), at }
    const length = view.getUint32(at + 4, true)
    at += 8 + length + (length & 1)
  }
}

/** Blocks of a GIF's samples have 255 bytes, but for the last. One with so few on average was not made by an encoder. */
const FEW_BYTES_A_BLOCK = 32

/** Counts image descriptors, two at most. @throws UpscaleError SOURCE_CORRUPT for too many blocks */
function gifFrames(bytes: Uint8Array): number {
  let blocks = 0
  const mostBlocks = MOST_PARTS + bytes.length / FEW_BYTES_A_BLOCK
  const byte = (at: number): number => bytes[at] ?? 0x3b
  const tableSize = (flags: number): number => ((flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1))
  const skipBlocks = (from: number): number => {
    let at = from
    while (at < bytes.length && byte(at) !== 0) {
      if (++blocks > mostBlocks) throw tooManyParts()
      at += byte(at) + 1
    }
    return at + 1
  }
  let frames = 0
  for (let at = 13 + tableSize(byte(10)); at < bytes.length && frames < 2; ) {
    if (byte(at) === 0x21) at = skipBlocks(at + 2)
    else if (byte(at) === 0x2c) {
      frames++
      at = skipBlocks(at + 11 + tableSize(byte(at + 9)))
    } else break
  }
  return frames
}

function startsWith(bytes: Uint8Array, magic: string): boolean {
  for (let at = 0; at < magic.length; at++) {
    if (magic[at] !== '?' && bytes[at] !== magic.charCodeAt(at)) return false
  }
  return true
}

const hasText = (bytes: Uint8Array, at: number, text: string): boolean =>
  latin(bytes, at, text.length) === text

const latin = (bytes: Uint8Array, at: number, length: number): string =>
  String.fromCharCode(...bytes.subarray(at, at + length))
