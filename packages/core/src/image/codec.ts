import type { Metadata, Sharp, SharpOptions } from 'sharp'
import { UpscaleError } from '../errors.ts'
import { decoderWords, refuseChangedWebp, undecodable } from '../source/damage.ts'
import type { Format } from '../source/format.ts'
import { isLosslessWebp, refuseAnimation, refuseWideAvif, sniffFormat } from '../source/sniff.ts'
import type { SourceImage } from '../source/source.ts'
import { fillTransparent } from './fill-transparent.ts'
import { hideOneColour } from './hidden-pixels.ts'
import { srgbTagOf, withSrgbTag } from './icc.ts'
import { join, type Samples, split } from './interleave.ts'
import { loadSharp } from './load-sharp.ts'
import { checkOutput, DEFAULT_QUALITY, type Output } from './output.ts'
import type { Picture, PixelImage } from './pixel-image.ts'
import { encodeQuickPng, encodeSmallPng } from './png.ts'
import { convertToSrgb, hasColourCodes, type PngColour, pngColourOf } from './png-colour.ts'
import { pngSizeOf } from './png-file.ts'
import { resample } from './resample.ts'
import { inSlices } from './slices.ts'
import { tidyJpeg } from './tidy-jpeg.ts'

/*
 * Files to samples and back: every call of sharp is here. sharp is loaded at the first call, since loading it takes
 * longer than a build with a full cache may; its thread count and its caches are left alone, because a host's other
 * plugins share them.
 *
 * In between, pictures are 8-bit sRGB, upright, with straight colours, and alpha apart. Not covered: a JPEG's gain map,
 * which libvips leaves out; the profile of a 16-bit grey picture, likewise.
 */

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
  /** True when {@link decodeAnswer} turns it back into the picture that was given. */
  readonly isExact: boolean
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
  if (format === 'webp') refuseChangedWebp(bytes)
  const facts = await readHeader(bytes).catch(cause => Promise.reject(undecodable(source, cause)))
  refuseLarge(facts.autoOrient, limits)
  const { colour, alpha } = await decode(bytes, facts, limits.maxPixels).catch(cause =>
    Promise.reject(undecodable(source, cause)),
  )
  const { width, height } = colour
  const lossless = format === 'webp' && isLosslessWebp(bytes)
  if (alpha === undefined) return { width, height, colour, lossless }
  return { width, height, colour: await fillTransparent(colour, alpha), alpha, lossless }
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
    const why = cause instanceof UpscaleError ? cause.problem : decoderWords(cause)
    throw new UpscaleError('ANSWER_CORRUPT', `the engine's answer is not a whole picture: ${why}`, {
      hint: 'try again; if it happens again, use another engine',
      cause,
    })
  }
}

/** A PNG for an engine, made quickly rather than small. */
export function encodePng(image: PixelImage): Promise<Uint8Array> {
  return encodeAnswer({ colour: image })
}

/** A PNG that {@link decodeAnswer} turns back into the same samples, made quickly rather than small. */
export async function encodeAnswer(picture: Picture): Promise<Uint8Array> {
  return encodeQuickPng(await join(picture))
}

/**
 * Makes the file that is shipped: exact size, alpha rejoined, tagged as sRGB, no other metadata. Grey PNGs and JPEGs
 * stay grey and have no tag, since the sRGB profile is one for three channels and grey without one means the same.
 * Pixels that can't be seen have one colour; for what a PNG may change see {@link encodeSmallPng}.
 * @throws UpscaleError as {@link checkOutput} does
 */
export async function finish(picture: Picture, output: Output): Promise<EncodedImage> {
  checkOutput(picture, output)
  const { width, height, format } = output
  const colour = await resample(picture.colour, width, height)
  const alpha = picture.alpha && (await resample(picture.alpha, width, height))
  const samples = await join({ colour, ...(alpha === undefined ? {} : { alpha }) })
  await hideOneColour(samples)
  const { bytes, isExact } =
    format === 'png'
      ? await encodeSmallPng(samples, { isSrgb: samples.channels >= 3 })
      : { bytes: await encodeTagged(samples, { ...output, format }), isExact: false }
  const measured = format === 'png' ? pngSizeOf(bytes) : await readHeader(bytes)
  return {
    bytes,
    width: measured.width,
    height: measured.height,
    format,
    isExact: isExact && mayBeExact(picture, output),
  }
}

/** True where the file of a picture may turn out to be exact: see {@link EncodedImage}. */
export function mayBeExact({ colour, alpha }: Picture, { width, height, format }: Output): boolean {
  return format === 'png' && alpha === undefined && colour.width === width && colour.height === height
}

/** The next effort takes four times as long for files 4 % smaller (test/bench/encoders.mjs). */
const AVIF_EFFORT = 3

async function openFile(bytes: Uint8Array, options: SharpOptions): Promise<Sharp> {
  const sharp = await loadSharp()
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
  const isPng = facts.format === 'png'
  const colour = isPng ? pngColourOf(bytes) : undefined
  const ignoreIcc = isPng && hasColourCodes(bytes)
  const read = async (file: Uint8Array): Promise<Picture> =>
    decodeWith(
      await openFile(file, { failOn: 'warning', limitInputPixels, autoOrient: true, ignoreIcc }),
      facts,
      colour,
    )
  try {
    return await read(bytes)
  } catch (error) {
    const tidied = await tidyJpeg(bytes)
    if (tidied === undefined) throw error
    return read(tidied)
  }
}

async function decodeWith(
  image: Sharp,
  { space, depth, hasAlpha, bitsPerSample = 16 }: Metadata,
  colour: PngColour | undefined,
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
  const { width, height, channels } = info
  const wide = isDeep ? new Uint16Array(data.buffer, data.byteOffset, data.length / 2) : data
  const most = isDeep ? 65_535 : 255
  let samples: Uint8Array = data
  if (colour !== undefined) samples = await convertToSrgb(wide, { width, height, channels, most }, colour)
  else if (isDeep) samples = await narrow(data, bitsPerSample, height)
  return split({ data: samples, width, height, channels }, isGrey)
}

/** Samples of `bits` bits, stored in the upper bits of 16, to the nearest of 8. */
async function narrow(bytes: Buffer, bits: number, height: number): Promise<Uint8Array> {
  const samples = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2)
  const narrowed = new Uint8Array(samples.length)
  const unused = 16 - bits
  const scale = 255 / (2 ** bits - 1)
  const row = samples.length / height
  await inSlices(height, row, (from, to) => {
    for (let at = from * row; at < to * row; at++)
      narrowed[at] = Math.round(((samples[at] as number) >> unused) * scale)
  })
  return narrowed
}

async function open({ data, width, height, channels }: Samples): Promise<Sharp> {
  const raw = { width, height, channels: channels as 1 | 2 | 3 | 4 }
  const image = await openFile(data, { raw, limitInputPixels: false })
  return channels < 3 ? image.toColourspace('b-w') : image
}

/** A JPEG gets its tag from here, as a PNG does from its own encoder: libvips converts all samples from sRGB to sRGB to put a profile in. */
async function encodeTagged(
  samples: Samples,
  output: Output & { readonly format: Exclude<Format, 'png'> },
): Promise<Uint8Array> {
  if (output.format !== 'jpeg') {
    const colourful = (await open(samples)).toColourspace('srgb')
    return encode(colourful.withIccProfile('srgb'), output)
  }
  const bytes = await encode(await open(samples), output)
  if (samples.channels < 3) return bytes
  jpegTag ??= makeJpegTag()
  return withSrgbTag(bytes, await jpegTag)
}
let jpegTag: Promise<Uint8Array> | undefined

async function makeJpegTag(): Promise<Uint8Array> {
  const create = { width: 1, height: 1, channels: 3, background: 'black' } as const
  const sharp = await loadSharp()
  return srgbTagOf(await sharp({ create }).withIccProfile('srgb').jpeg().toBuffer())
}

function encode(
  image: Sharp,
  { format, quality, lossless = false }: Output & { readonly format: Exclude<Format, 'png'> },
): Promise<Uint8Array> {
  switch (format) {
    case 'jpeg':
      return image.jpeg({ quality: quality ?? DEFAULT_QUALITY.jpeg, chromaSubsampling: '4:4:4' }).toBuffer()
    case 'webp':
      return lossless && quality === undefined
        ? image.webp({ lossless: true }).toBuffer()
        : image.webp({ quality: quality ?? DEFAULT_QUALITY.webp, smartSubsample: true }).toBuffer()
    case 'avif':
      return image.avif({ quality: quality ?? DEFAULT_QUALITY.avif, effort: AVIF_EFFORT }).toBuffer()
    case 'gif':
      return image.gif().toBuffer()
  }
}
