import type { PixelImage } from 'upscale-core'
import { sliceTurn } from 'upscale-core/internal'
import { inLanes, lanesFor } from './lanes.ts'
import { FULL, type Mix } from './mix.mjs'
import type { Network } from './network.ts'
import type { Pool } from './pool.ts'
import { LARGEST_TILE } from './program.ts'
import { BLOCK } from './survey.mjs'
import { cutTile, pasteTile, planTiles, type Tile } from './tiles.ts'

/** A second network, and the parts of the picture that it has; of the same scale as the first. */
export interface Over {
  readonly network: Network
  readonly mix: Mix
}

export interface EnlargeOptions {
  readonly signal: AbortSignal
  readonly threads: number
  /**
   * Largest tile, in input pixels; at most LARGEST_TILE.
   * @default LARGEST_TILE
   */
  readonly tile?: { readonly width: number; readonly height: number }
  /** @default the first network has all of the picture */
  readonly over?: Over | undefined
}

/**
 * Enlarges a picture tile by tile, straight into the result. The bytes are the same for any cut and any number of
 * threads. Once a tile fails or the signal aborts, no other is begun and those in work are stopped.
 */
export async function enlarge(
  image: PixelImage,
  network: Network,
  pool: Pool,
  { signal, threads, tile: largest = LARGEST_TILE, over }: EnlargeOptions,
): Promise<PixelImage> {
  const [{ scale }] = network
  const { channels } = image
  const width = image.width * scale
  const height = image.height * scale
  const target: PixelImage = { data: new Uint8Array(width * height * channels), width, height, channels }
  const tiles = planTiles(image, { ...largest, atLeast: lanesFor(threads) })
  await inLanes(tiles, { signal, threads }, async (tile, stop) => {
    const turn = sliceTurn()
    if (turn !== undefined) await turn
    const { networks, mix } = networksFor(tile)
    const inputs = networks.map(([{ halo }]) => cutTile(image, tile, halo))
    const task = { kind: 'enlarge', tile: { ...tile, channels }, networks, inputs, mix } as const
    const result = await pool.run(task, stop)
    // Many threads may be done at once.
    const pasteTurn = sliceTurn()
    if (pasteTurn !== undefined) await pasteTurn
    pasteTile(target, result, tile, scale)
  })
  return target

  function networksFor(tile: Tile): { networks: Network[]; mix?: Mix } {
    if (over === undefined) return { networks: [network] }
    const { least, most } = weightsWithin(over.mix, tile)
    if (most === 0) return { networks: [network] }
    if (least === FULL) return { networks: [over.network] }
    return { networks: [network, over.network], mix: over.mix }
  }
}

/** The range of the weights that any pixel of a tile can see: of its blocks and those around. */
function weightsWithin({ weights, columns, rows }: Mix, tile: Tile): { least: number; most: number } {
  let [least, most] = [FULL, 0]
  const last = { row: blockOf(tile.top + tile.height) + 1, column: blockOf(tile.left + tile.width) + 1 }
  for (let row = Math.max(0, blockOf(tile.top) - 1); row <= Math.min(last.row, rows - 1); row++) {
    const from = row * columns + Math.max(0, blockOf(tile.left) - 1)
    const to = row * columns + Math.min(last.column, columns - 1)
    for (const weight of weights.subarray(from, to + 1)) {
      least = Math.min(least, weight)
      most = Math.max(most, weight)
    }
  }
  return { least, most }
}

function blockOf(pixel: number): number {
  return Math.floor(pixel / BLOCK)
}
