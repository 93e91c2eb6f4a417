import { setMaxListeners } from 'node:events'
import type { PixelImage } from 'upscale-core'
import { fillFlat, splitFlat } from './flat.ts'
import type { Pool } from './pool.ts'
import { LARGEST_TILE, type Program } from './program.ts'
import { cutTile, pasteTile, planTiles } from './tiles.ts'

/** One tile in work and one waiting. */
const LANES_PER_THREAD = 2

export interface EnlargeOptions {
  readonly signal: AbortSignal
  readonly threads: number
  /**
   * Largest tile, in input pixels; at most LARGEST_TILE.
   * @default LARGEST_TILE
   */
  readonly tile?: { readonly width: number; readonly height: number }
}

/**
 * Enlarges a picture tile by tile, straight into the result. The bytes are the same for any cut and any number of
 * threads. Once a tile fails or the signal aborts, no other is begun and those in work are stopped.
 */
export async function enlarge(
  image: PixelImage,
  program: Program,
  pool: Pool,
  { signal, threads, tile: largest = LARGEST_TILE }: EnlargeOptions,
): Promise<PixelImage> {
  const { scale, halo } = program
  const { channels } = image
  const width = image.width * scale
  const height = image.height * scale
  const target: PixelImage = { data: new Uint8Array(width * height * channels), width, height, channels }
  const failure = new AbortController()
  const stop = AbortSignal.any([signal, failure.signal])
  const lanes = threads * LANES_PER_THREAD
  setMaxListeners(lanes, stop)

  // Each lane takes the next piece when its last is in place, which bounds the tiles in memory.
  const pieces = splitFlat(image, planTiles(image, { ...largest, atLeast: lanes }))
  const lane = async (): Promise<void> => {
    for (const { tile, flat } of pieces) {
      if (flat) {
        fillFlat(target, image, tile, scale)
        continue
      }
      const bytes = cutTile(image, tile, halo)
      const task = { program, width: tile.width, height: tile.height, channels, bytes }
      pasteTile(target, await pool.run(task, stop), tile, scale)
    }
  }
  try {
    await Promise.all(Array.from({ length: lanes }, lane))
  } catch (error) {
    failure.abort(error)
    throw error
  }
  return target
}
