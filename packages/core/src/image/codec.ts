import { createHash } from 'node:crypto'
import type { Metadata, OutputInfo, Sharp, SharpOptions } from 'sharp'
import { UpscaleError } from '../errors.ts'
import { safeText } from '../safe-text.ts'
import type { Format } from '../source/format.ts'
import { isLosslessWebp, refuseAnimation, refuseWideAvif, sniffFormat } from '../source/sniff.ts'
import type { SourceImage } from '../source/source.ts'
import { fillTransparent } from './fill-transparent.ts'
import { srgbTagOf, type TaggedFormat, withSrgbTag } from './icc.ts'
import { checkOutput, DEFAULT_QUALITY, type Output } from './output.ts'
import type { PixelImage } from './pixel-image.ts'
import { resample } from './resample.ts'
import { tidyJpeg } from './tidy-jpeg.ts'

/*
 * Files to samples and back: every call of sharp is here. sharp is loaded at the first call, since loading it takes
 * longer than a build with a full cache may; its thread count and its caches are left alone, because a host's other
 * plugins share them.
 *
 * In between, pictures are 8-bit sRGB, upright, with straight colours, and alpha apart. Not covered: a PNG's gAMA and
 * cHRM chunks and a JPEG's gain map, which libvips leaves out; the profile of a 16-bit grey picture, likewise.
 */

/** Colours and, where anything is transparent, alpha as a picture of one channel with the same size. */
export interface Picture {
  readonly colour: PixelImage
  readonly alpha?: PixelImage
}

/** A source as an engine sees it: upright, 8-bit sRGB, straight colours that continue into transparent pixels. */
export interface NormalisedImage extends Picture {
  /** Size in pixels, orientation applied. */
  readonly width: number
  readonly height: number
  /** One channel for grey sources, else three. */
  readonly colour: PixelImage
  /** True for a lossless WebP: a format that may be lossy, but this file is not. */
  readonly lossless: boolean
}

export interface NormaliseLimits {
  /** The most pixels the upscaled picture may have. */
  readonly maxPixels: number
  readonly factor: number
}

export interface EncodedImage {
  readonly bytes: Uint8Array
  /** Size in pixels, measured from `bytes`. */
  readonly width: number
  readonly height: number
  readonly format: Format
}

/**
 * Decodes a source completely and brings it to the one form engines work on.
 * @throws UpscaleError SOURCE_TOO_LARGE before anything is decoded, SOURCE_UNSUPPORTED for animations, HDR and rare JPEGs,
 * SOURCE_CORRUPT
 */
export async function normalise(source: SourceImage, limits: NormaliseLimits): Promise<NormalisedImage> {
  const { bytes, format } = source
  refuseAnimation(source)
  if (format === 'avif') refuseWideAvif(bytes)
  const facts = await readHeader(bytes).catch(cause => Promise.reject(undecodable(format, cause)))
  refuseLarge(facts.autoOrient, limits)
  const { colour, alpha } = await decode(bytes, facts, limits.maxPixels).catch(cause =>
    Promise.reject(undecodable(format, cause)),
  )
  const { width, height } = colour
  const lossless = format === 'webp' && isLosslessWebp(bytes)
  if (alpha === undefined) return { width, height, colour, lossless }
  return { width, height, colour: fillTransparent(colour, alpha), alpha, lossless }
}

function undecodable(format: Format, cause: unknown): UpscaleError {
  const why = reason(cause)
  const problem = `the ${format.toUpperCase()} can't be decoded: ${why}`
  return why.includes('Unsupported JPEG')
    ? new UpscaleError('SOURCE_UNSUPPORTED', problem, {
        hint: 'save it as an 8-bit baseline JPEG or as PNG',
        cause,
      })
    : new UpscaleError('SOURCE_CORRUPT', problem, { hint: 'save or fetch the image again', cause })
}

function refuseLarge(
  source: { width: number; height: number },
  { factor, maxPixels }: NormaliseLimits,
): void {
  const width = Math.round(source.width * factor)
  const height = Math.round(source.height * factor)
  if (width * height <= maxPixels) return
  const mega = (pixels: number): string => `${(pixels / 1e6).toFixed(1)} MP`
  throw new UpscaleError(
    'SOURCE_TOO_LARGE',
    `${source.width} × ${source.height} px times ${factor} is ${width} × ${height} px (${mega(width * height)}), allowed are ${mega(maxPixels)}`,
    {
      hint: `ask for a smaller factor, start from a smaller image, or set maxPixels to ${width * height} or more`,
    },
  )
}

/**
 * Decodes what a service sent, which may be anything.
 * @throws UpscaleError ANSWER_CORRUPT, ANSWER_TOO_LARGE before anything is decoded
 */
export async function decodeAnswer(
  bytes: Uint8Array,
  limits: { readonly maxPixels: number },
): Promise<Picture> {
  const { maxPixels } = limits
  try {
    const format = sniffFormat(bytes)
    refuseAnimation({ bytes, format })
    if (format === 'avif') refuseWideAvif(bytes)
    const facts = await readHeader(bytes)
    const { width, height } = facts.autoOrient
    if (width * height > maxPixels) {
      throw new UpscaleError(
        'ANSWER_TOO_LARGE',
        `got ${width} × ${height} px, allowed are ${maxPixels} pixels`,
        {
          hint: 'ask for a smaller factor, or set maxPixels higher',
        },
      )
    }
    return await decode(bytes, facts, maxPixels)
  } catch (cause) {
    if (cause instanceof UpscaleError && cause.code === 'ANSWER_TOO_LARGE') throw cause
    const why = cause instanceof UpscaleError ? cause.problem : reason(cause)
    throw new UpscaleError('ANSWER_CORRUPT', `the engine's answer is not a whole picture: ${why}`, {
      hint: 'try again; if it happens again, use another engine',
      cause,
    })
  }
}

/** The framed SHA-256, in hex, of the samples an engine sees, alpha included. */
export function pixelDigest({ colour, alpha }: Picture): string {
  const hash = createHash('sha256')
  for (const image of alpha === undefined ? [colour] : [colour, alpha]) {
    hash.update(`${image.width}x${image.height}x${image.channels}x8:${image.data.length}:`).update(image.data)
  }
  return hash.digest('hex')
}

/** A PNG for an engine, made quickly rather than small. */
export function encodePng(image: PixelImage): Promise<Uint8Array> {
  return encodeAnswer({ colour: image })
}

/** A PNG that {@link decodeAnswer} turns back into the same samples, made quickly rather than small. */
export async function encodeAnswer(picture: Picture): Promise<Uint8Array> {
  return (await open(picture)).png({ compressionLevel: 1 }).toBuffer()
}

/**
 * Makes the file that is shipped: exact size, alpha rejoined, tagged as sRGB, no other metadata. Grey PNGs and JPEGs
 * stay grey and carry no profile, since the sRGB profile is one for three channels and grey without one means the same.
 * Transparent pixels keep the colours that were grown into them, so that nothing that draws the file makes a halo.
 * @throws UpscaleError as {@link checkOutput} does
 */
export async function finish(picture: Picture, output: Output): Promise<EncodedImage> {
  checkOutput(picture, output)
  const { width, height, format } = output
  const alpha = picture.alpha === undefined ? undefined : resample(picture.alpha, width, height)
  const colour = resample(picture.colour, width, height)
  const image = await open(alpha === undefined ? { colour } : { colour, alpha })
  const bytes = await encodeTagged(image, output, colour.channels === 1)
  const measured = await readHeader(bytes)
  return { bytes, width: measured.width, height: measured.height, format }
}

async function openFile(bytes: Uint8Array, options: SharpOptions): Promise<Sharp> {
  const { default: sharp } = await import('sharp')
  return sharp(bytes, options)
}

/** Reads the header only, so the size may be anything. */
async function readHeader(bytes: Uint8Array): Promise<Metadata> {
  return (await openFile(bytes, { limitInputPixels: false })).metadata()
}

/**
 * All samples of a file's first frame. A warning of a decoder refuses the file: most mean grey areas. Where a JPEG has what
 * every viewer passes over in silence, a copy without that is decoded, as strictly.
 */
async function decode(bytes: Uint8Array, facts: Metadata, maxPixels: number): Promise<Picture> {
  const limitInputPixels = Number.isFinite(maxPixels) ? Math.floor(maxPixels) : false
  const read = async (file: Uint8Array): Promise<Picture> =>
    decodeWith(await openFile(file, { failOn: 'warning', limitInputPixels, autoOrient: true }), facts)
  try {
    return await read(bytes)
  } catch (error) {
    const tidied = tidyJpeg(bytes)
    if (tidied === undefined) throw error
    return read(tidied)
  }
}

async function decodeWith(
  image: Sharp,
  { space, depth, hasAlpha, bitsPerSample = 16 }: Metadata,
): Promise<Picture> {
  const isGrey = space === 'b-w' || space === 'grey16'
  const isDeep = depth === 'ushort'
  // Converting to 8 bits is left to narrow(): libvips cuts the lower bits off, which darkens. And 8-bit grey would
  // lose its alpha on the way, so it goes as three equal channels.
  const deepSpace = isGrey ? 'grey16' : 'rgb16'
  const space8 = isGrey && !hasAlpha ? 'b-w' : 'srgb'
  const { data, info } = await image
    .toColourspace(isDeep ? deepSpace : space8)
    .raw(isDeep ? { depth: 'ushort' } : {})
    .toBuffer({ resolveWithObject: true })
  return split(isDeep ? narrow(data, bitsPerSample) : data, info, isGrey)
}

/** Samples of `bits` bits, stored in the upper bits of 16, to the nearest of 8. */
function narrow(bytes: Buffer, bits: number): Uint8Array {
  const samples = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2)
  const unused = 16 - bits
  const scale = 255 / (2 ** bits - 1)
  return Uint8Array.from(samples, sample => Math.round((sample >> unused) * scale))
}

/** Takes interleaved samples apart into colours and alpha, if anything is transparent. */
function split(data: Uint8Array, info: OutputInfo, isGrey: boolean): Picture {
  const { width, height } = info
  const found = info.channels
  const colours = found - ((found + 1) % 2)
  const channels = isGrey || colours === 1 ? 1 : 3
  if (found === channels) return { colour: { data, width, height, channels } }
  const colour = new Uint8Array(width * height * channels)
  const alpha = new Uint8Array(width * height).fill(255)
  for (let pixel = 0, to = 0; pixel < alpha.length; pixel++) {
    const from = pixel * found
    for (let channel = 0; channel < channels; channel++) colour[to++] = data[from + channel] ?? 0
    if (found !== colours) alpha[pixel] = data[from + colours] ?? 0
  }
  const picture: Picture = { colour: { data: colour, width, height, channels } }
  if (alpha.every(value => value === 255)) return picture
  return { ...picture, alpha: { data: alpha, width, height, channels: 1 } }
}

async function open({ colour, alpha }: Picture): Promise<Sharp> {
  const { width, height } = colour
  const channels = alpha === undefined ? colour.channels : colour.channels === 1 ? 2 : 4
  const data = alpha === undefined ? colour.data : join(colour, alpha)
  const image = await openFile(data, { raw: { width, height, channels }, limitInputPixels: false })
  return colour.channels === 1 ? image.toColourspace('b-w') : image
}

function join(colour: PixelImage, alpha: PixelImage): Uint8Array {
  const { channels } = colour
  const data = new Uint8Array(colour.data.length + alpha.data.length)
  for (let pixel = 0, from = 0, to = 0; pixel < alpha.data.length; pixel++) {
    for (let channel = 0; channel < channels; channel++) data[to++] = colour.data[from++] ?? 0
    data[to++] = alpha.data[pixel] ?? 0
  }
  return data
}

/** PNG and JPEG get their tag afterwards: libvips converts all samples from sRGB to sRGB to put a profile in. */
async function encodeTagged(image: Sharp, output: Output, isGrey: boolean): Promise<Uint8Array> {
  const { format } = output
  const isTaggedLater = format === 'png' || format === 'jpeg'
  if (isTaggedLater && isGrey) return encode(image, output)
  const colourful = image.toColourspace('srgb')
  if (!isTaggedLater) return encode(colourful.withIccProfile('srgb'), output)
  tags[format] ??= makeSrgbTag(format)
  return withSrgbTag(await encode(colourful, output), format, await tags[format])
}

const tags: Partial<Record<TaggedFormat, Promise<Uint8Array>>> = {}

async function makeSrgbTag(format: TaggedFormat): Promise<Uint8Array> {
  const create = { width: 1, height: 1, channels: 3, background: 'black' } as const
  const { default: sharp } = await import('sharp')
  return srgbTagOf(await sharp({ create }).withIccProfile('srgb').toFormat(format).toBuffer(), format)
}

function encode(image: Sharp, { format, quality, lossless = false }: Output): Promise<Uint8Array> {
  switch (format) {
    case 'png':
      return smallerPng(image)
    case 'jpeg':
      return image.jpeg({ quality: quality ?? DEFAULT_QUALITY.jpeg, chromaSubsampling: '4:4:4' }).toBuffer()
    case 'webp':
      return lossless && quality === undefined
        ? image.webp({ lossless: true }).toBuffer()
        : image.webp({ quality: quality ?? DEFAULT_QUALITY.webp, smartSubsample: true }).toBuffer()
    case 'avif':
      return image.avif({ quality: quality ?? DEFAULT_QUALITY.avif }).toBuffer()
    case 'gif':
      return image.gif().toBuffer()
  }
}

/**
 * Row filters make photographs a quarter smaller and drawings a tenth larger, so both are tried: at this level it
 * costs about 0.1 s a megapixel.
 */
async function smallerPng(image: Sharp): Promise<Uint8Array> {
  const write = (adaptiveFiltering: boolean): Promise<Uint8Array> =>
    image.clone().png({ compressionLevel: 7, adaptiveFiltering }).toBuffer()
  const [filtered, plain] = await Promise.all([write(true), write(false)])
  return filtered.length < plain.length ? filtered : plain
}

/** What a decoder said, without repetitions and without the seek messages that libheif puts before it. */
function reason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  const lines = text.replace(/^Input buffer has corrupt header:/, 'corrupt header\n').split('\n')
  const told = lines
    .map(line => safeText(line))
    .filter(line => line !== '' && !line.startsWith('source: bad seek'))
  return safeText([...new Set(told)].join(', '))
}
