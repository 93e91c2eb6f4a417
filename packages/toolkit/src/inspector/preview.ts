import type { Sharp } from 'sharp'
import type { ExaminedFile } from 'upscale-core'
import { loadSharp } from 'upscale-core/internal'
import type { PictureViews } from './picture.ts'

/*
 * Pictures for a file that has to stay small. A reduced copy would hide the very detail that the upscaling is about, so
 * what is kept is the middle of the picture, pixel by pixel.
 */

/** The most of a picture that is kept, in pixels. */
export const PREVIEW = { width: 640, height: 480 }

/** Of WebP; high enough that what is compared is not the encoder. */
const QUALITY = 86

interface Box {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/**
 * The middle of a picture before and after, as data URIs.
 * @param maxPixels the largest picture that is decoded, in pixels
 */
export async function previewOf(
  original: ExaminedFile,
  finished: ExaminedFile | undefined,
  maxPixels: number,
): Promise<PictureViews> {
  const larger = finished ?? original
  const scale = larger.width / original.width
  const cut = middleOf(original, {
    width: Math.max(1, Math.floor(PREVIEW.width / scale)),
    height: Math.max(1, Math.floor(PREVIEW.height / scale)),
  })
  const shown = enlarge(cut, larger.width / original.width, larger.height / original.height, larger)
  const isWhole = cut.width === original.width && cut.height === original.height
  const before = await encode(original.file, cut, maxPixels)
  return {
    before,
    ...(finished === undefined ? {} : { after: await encode(finished.file, shown, maxPixels) }),
    width: shown.width,
    height: shown.height,
    ...(isWhole
      ? {}
      : {
          note: `The middle ${shown.width} × ${shown.height} of ${larger.width} × ${larger.height} pixels, as WebP`,
        }),
  }
}

function middleOf(
  { width, height }: ExaminedFile,
  most: { readonly width: number; readonly height: number },
): Box {
  const box = { width: Math.min(width, most.width), height: Math.min(height, most.height) }
  return { left: Math.floor((width - box.width) / 2), top: Math.floor((height - box.height) / 2), ...box }
}

/** The same part of a larger picture. */
function enlarge({ left, top, width, height }: Box, x: number, y: number, larger: ExaminedFile): Box {
  const box = { left: Math.round(left * x), top: Math.round(top * y) }
  return {
    ...box,
    width: Math.min(Math.max(1, Math.round(width * x)), larger.width - box.left),
    height: Math.min(Math.max(1, Math.round(height * y)), larger.height - box.top),
  }
}

async function encode(file: string, box: Box, maxPixels: number): Promise<string> {
  // Loaded here, since only a report decodes anything.
  const sharp = await loadSharp()
  const image: Sharp = sharp(file, { limitInputPixels: maxPixels, autoOrient: true })
  const bytes = await image.extract(box).toColourspace('srgb').webp({ quality: QUALITY }).toBuffer()
  return `data:image/webp;base64,${bytes.toString('base64')}`
}
