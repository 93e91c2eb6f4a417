import { createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import sharp from 'sharp'

export type Colour = readonly [red: number, green: number, blue: number]

/** A picture is two flat halves whose colours come from its name, so that every picture can be told from the others. */
export interface Swatch {
  readonly left: Colour
  readonly right: Colour
}

/** The size in which pictures are painted, in pixels. Small enough for Vite to inline the result. */
export const SIZE = { width: 20, height: 12 }

export function swatchOf(file: string): Swatch {
  const bytes = createHash('sha256').update(basename(file).normalize('NFC')).digest()
  const colour = (at: number): Colour => [bytes[at] ?? 0, bytes[at + 1] ?? 0, bytes[at + 2] ?? 0]
  return { left: colour(0), right: colour(3) }
}

/** Writes a picture, in the format that its extension says. */
export async function paint(folder: string, file: string, swatch = swatchOf(file)): Promise<void> {
  const path = join(folder, file)
  await mkdir(dirname(path), { recursive: true })
  const half = { width: SIZE.width / 2, height: SIZE.height, channels: 3 as const }
  const [left, right] = await Promise.all(
    [swatch.left, swatch.right].map(([r, g, b]) => {
      return sharp({ create: { ...half, background: { r, g, b } } })
        .png()
        .toBuffer()
    }),
  )
  const picture = sharp({ create: { ...half, ...SIZE, background: 'black' } }).composite([
    { input: left, left: 0, top: 0 },
    { input: right, left: half.width, top: 0 },
  ])
  const extension = extname(file).slice(1).toLowerCase()
  const format = extension === 'jpg' ? 'jpeg' : (extension as 'png' | 'webp')
  await picture.toFormat(format, format === 'png' ? {} : { quality: 95 }).toFile(path)
}
