import { createHash } from 'node:crypto'
import type { Picture } from './pixel-image.ts'
import { inSlices } from './slices.ts'

/** The framed SHA-256, in hex, of the samples an engine sees, alpha included. */
export async function pixelDigest({ colour, alpha }: Picture): Promise<string> {
  const hash = createHash('sha256')
  for (const { data, width, height, channels } of alpha === undefined ? [colour] : [colour, alpha]) {
    hash.update(`${width}x${height}x${channels}x8:${data.length}:`)
    const row = width * channels
    await inSlices(height, row, (from, to) => {
      hash.update(data.subarray(from * row, to * row))
    })
  }
  return hash.digest('hex')
}
