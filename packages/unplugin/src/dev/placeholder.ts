import { randomUUID } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Sharp } from 'sharp'
import { FORMATS, type Format } from 'upscale-core'
import { discard, loadSharp, renamePatiently } from 'upscale-core/internal'

/** A picture of the right size that is shown until the real one is there. */
export interface Placeholder {
  readonly bytes: Uint8Array
  readonly type: 'image/jpeg' | 'image/webp' | 'image/png'
  readonly width: number
  readonly height: number
  /** Of the source, as its bytes say. */
  readonly sourceFormat: Format
}

export interface Placeholders {
  /**
   * Enlarges an image plainly, off the event loop: all the work is done by libvips in its own threads, and encoded in
   * whatever is quickest. Only for sources that the upscaler has let through: nothing is checked here but the size.
   *
   * @param stamp changes whenever the file does
   */
  make(source: string, stamp: string, factor: number): Promise<Placeholder>
}

/** The most that are remembered; a page that is loaded again needs the same ones. */
const MOST = 64

const LARGEST_WEBP = 16_383

export function createPlaceholders(maxPixels: number): Placeholders {
  const made = new Map<string, Promise<Placeholder>>()
  return {
    make(source, stamp, factor) {
      const key = JSON.stringify([source, stamp, factor])
      const known = made.get(key)
      if (known !== undefined) return known
      const placeholder = enlarge(source, factor, maxPixels)
      made.set(key, placeholder)
      placeholder.catch(() => made.delete(key))
      if (made.size > MOST) made.delete(made.keys().next().value ?? key)
      return placeholder
    },
  }
}

/** Writes a placeholder to a file, so that a bundler can read it as an image. */
export async function writePlaceholder(file: string, { bytes }: Placeholder): Promise<void> {
  const temporary = `${file}.${randomUUID()}`
  await mkdir(dirname(file), { recursive: true })
  try {
    await writeFile(temporary, bytes)
    await renamePatiently(temporary, file)
  } finally {
    await discard(temporary)
  }
}

async function enlarge(source: string, factor: number, maxPixels: number): Promise<Placeholder> {
  // Loaded here, since most starts of a dev server find every picture in the cache.
  const sharp = await loadSharp()
  const image = sharp(source, { limitInputPixels: maxPixels, autoOrient: true })
  const { autoOrient, hasAlpha, format } = await image.metadata()
  const width = Math.round(autoOrient.width * factor)
  const height = Math.round(autoOrient.height * factor)
  const larger = image.resize(width, height, { fit: 'fill', kernel: 'cubic' }).toColourspace('srgb')
  const type = typeFor(hasAlpha, Math.max(width, height))
  const sourceFormat = FORMATS.find(one => one === format) ?? 'avif'
  return { bytes: await encode(larger, type).toBuffer(), type, width, height, sourceFormat }
}

function typeFor(hasAlpha: boolean, longestSide: number): Placeholder['type'] {
  if (!hasAlpha) return 'image/jpeg'
  return longestSide > LARGEST_WEBP ? 'image/png' : 'image/webp'
}

function encode(image: Sharp, type: Placeholder['type']): Sharp {
  if (type === 'image/jpeg') return image.jpeg({ quality: 85, chromaSubsampling: '4:4:4' })
  return type === 'image/webp' ? image.webp({ quality: 80, effort: 0 }) : image.png({ compressionLevel: 1 })
}
