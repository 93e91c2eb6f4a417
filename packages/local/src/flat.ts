/**
 * Where the input has one colour the result has it too, by the limit in assembly/finish.ts; so such places are filled
 * and the network is spared them. Screenshots and drawings are half empty.
 */
import type { PixelImage } from 'upscale-core'
import type { Tile } from './tiles.ts'

/** A part of a tile, flat or not. */
export interface Piece {
  readonly tile: Tile
  readonly flat: boolean
}

/** Rows that are looked at together. A cut costs the network about a halo of rows, so finer ones don't pay. */
const STRIP_HEIGHT = 16

/** Splits tiles into flat pieces and pieces with something in them, from top to bottom. */
export function* splitFlat(image: PixelImage, tiles: readonly Tile[]): Generator<Piece> {
  for (const tile of tiles) {
    let top = tile.top
    let flat = isFlatFrom(image, tile, top)
    for (let y = top + STRIP_HEIGHT; y < tile.top + tile.height; y += STRIP_HEIGHT) {
      const next = isFlatFrom(image, tile, y)
      if (next === flat) continue
      yield { tile: { ...tile, top, height: y - top }, flat }
      top = y
      flat = next
    }
    yield { tile: { ...tile, top, height: tile.top + tile.height - top }, flat }
  }
}

/** Whether a tile's strip at row `top` has one colour, with the ring of pixels around it. */
function isFlatFrom({ data, width, height, channels }: PixelImage, tile: Tile, top: number): boolean {
  const left = Math.max(0, tile.left - 1)
  const right = Math.min(width, tile.left + tile.width + 1)
  const bottom = Math.min(height, Math.min(top + STRIP_HEIGHT, tile.top + tile.height) + 1)
  const rowAt = (y: number): Uint8Array =>
    data.subarray((y * width + left) * channels, (y * width + right) * channels)

  const first = rowAt(Math.max(0, top - 1))
  for (let i = channels; i < first.length; i++) if (first[i] !== first[i - channels]) return false
  for (let y = top; y < bottom; y++) if (Buffer.compare(first, rowAt(y)) !== 0) return false
  return true
}

/** Writes a flat piece; its strips may differ in colour, so each row takes its own. */
export function fillFlat(target: PixelImage, image: PixelImage, tile: Tile, scale: number): void {
  const { channels } = image
  const rowBytes = tile.width * scale * channels
  for (let y = tile.top; y < tile.top + tile.height; y++) {
    const from = (y * image.width + tile.left) * channels
    const colour = image.data.subarray(from, from + channels)
    for (let row = y * scale; row < (y + 1) * scale; row++) {
      const to = (row * target.width + tile.left * scale) * channels
      for (let i = 0; i < rowBytes; i += channels) target.data.set(colour, to + i)
    }
  }
}
