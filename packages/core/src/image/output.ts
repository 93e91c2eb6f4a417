import { UpscaleError } from '../errors.ts'
import type { Format } from '../source/format.ts'

/** A file to ship. */
export interface Output {
  /** Exact size in pixels. */
  readonly width: number
  readonly height: number
  readonly format: Format
  /** 1 to 100, for JPEG, WebP and AVIF only; see {@link DEFAULT_QUALITY}. Given for a WebP, it makes it lossy. */
  readonly quality?: number | undefined
  /** Keeps a WebP lossless; without meaning for other formats. */
  readonly lossless?: boolean | undefined
}

/**
 * The quality of lossy files, each format on its own scale. An upscaled picture is mostly shown at half its size or on
 * a dense screen, where artefacts are half as large, so these are a step below what a picture shown pixel by pixel
 *
 * needs: the next step up costs a quarter to a half of the file's size for one or two dB.
 */
export const DEFAULT_QUALITY: Readonly<Record<'jpeg' | 'webp' | 'avif', number>> = {
  jpeg: 85,
  webp: 82,
  avif: 60,
}

/** Lighter files are not worth a word, in bytes. */
const LIGHT_BYTES = 50_000

/**
 * The format that would likely make a finished file half as large or less; undefined where there is none, or where it
 * doesn't matter. `node test/bench/weight.mjs` compares the weights.
 */
export function suggestFormat(format: Format, bytes: number): Format | undefined {
  return format === 'png' && bytes > LIGHT_BYTES ? 'webp' : undefined
}

/** The longest side a format can store, in pixels. */
const LONGEST_SIDE: Readonly<Record<Format, number>> = {
  png: 2 ** 31 - 1,
  jpeg: 65_500,
  webp: 16_383,
  avif: 16_384,
  gif: 65_535,
}

/**
 * Refuses what no encoder can make; to be asked before an engine is paid for it.
 * @throws UpscaleError BAD_DIRECTIVE for a transparent JPEG or a quality where nothing is lossy, SOURCE_TOO_LARGE for
 * a side the format has no room for
 */
export function checkOutput({ alpha }: { readonly alpha?: unknown }, output: Output): void {
  const { width, height, format, quality } = output
  const name = format.toUpperCase()
  if (alpha !== undefined && format === 'jpeg') {
    throw new UpscaleError('BAD_DIRECTIVE', 'JPEG has no transparency, and this picture has some', {
      hint: 'use format=webp, format=avif or format=png',
    })
  }
  if (quality !== undefined && (format === 'png' || format === 'gif')) {
    throw new UpscaleError('BAD_DIRECTIVE', `quality=${quality} means nothing for a ${name}`, {
      hint: 'remove "quality", or ask for a lossy format with format=webp, format=avif or format=jpeg',
    })
  }
  if (Math.max(width, height) > LONGEST_SIDE[format]) {
    throw new UpscaleError(
      'SOURCE_TOO_LARGE',
      `${width} × ${height} px do not fit a ${name}, whose sides have ${LONGEST_SIDE[format]} px at most`,
      { hint: 'use format=png, or a smaller factor' },
    )
  }
}
