import type { PixelImage } from 'upscale-core'

/** A rectangle of the input, in pixels. */
export interface Tile {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/**
 * Cuts a picture into tiles of nearly equal size, none above the limits. Lower tiles are made where there would be
 * fewer than `atLeast`, so that every thread has work; the result doesn't depend on the cut.
 */
export function planTiles(
  image: { readonly width: number; readonly height: number },
  limits: { readonly width: number; readonly height: number; readonly atLeast: number },
): Tile[] {
  const columns = Math.ceil(image.width / limits.width)
  const wanted = Math.ceil(limits.atLeast / columns)
  const rows = Math.max(
    Math.ceil(image.height / limits.height),
    // Below this height the halo costs more than the thread gains.
    Math.min(wanted, Math.floor(image.height / MIN_HEIGHT)),
  )
  const tiles: Tile[] = []
  for (let row = 0; row < rows; row++) {
    const [top, bottom] = [share(image.height, row, rows), share(image.height, row + 1, rows)]
    for (let column = 0; column < columns; column++) {
      const [left, right] = [share(image.width, column, columns), share(image.width, column + 1, columns)]
      tiles.push({ left, top, width: right - left, height: bottom - top })
    }
  }
  return tiles
}

const MIN_HEIGHT = 48

function share(length: number, index: number, parts: number): number {
  return Math.floor((length * index) / parts)
}

/** The tile's bytes with `halo` pixels around them; beyond the picture's edge its last pixel is repeated. */
export function cutTile(
  { data, width, height, channels }: PixelImage,
  tile: Tile,
  halo: number,
): Uint8Array<ArrayBuffer> {
  const columns = tile.width + 2 * halo
  const rows = tile.height + 2 * halo
  const cut = new Uint8Array(columns * rows * channels)
  const left = tile.left - halo
  const before = Math.max(0, -left)
  const inside = Math.min(width, left + columns) - Math.max(0, left)
  for (let row = 0; row < rows; row++) {
    const y = Math.min(Math.max(tile.top - halo + row, 0), height - 1)
    const from = (y * width + left + before) * channels
    const to = row * columns * channels
    cut.set(data.subarray(from, from + inside * channels), to + before * channels)
    repeatPixel(cut, to + before * channels, to, before, channels)
    const lastPixel = to + (before + inside - 1) * channels
    repeatPixel(cut, lastPixel, lastPixel + channels, columns - before - inside, channels)
  }
  return cut
}

function repeatPixel(bytes: Uint8Array, from: number, to: number, count: number, channels: number): void {
  for (let i = 0; i < count; i++) bytes.copyWithin(to + i * channels, from, from + channels)
}

/** Copies a tile's result to its place in the enlarged picture. */
export function pasteTile(target: PixelImage, result: Uint8Array, tile: Tile, scale: number): void {
  const rowBytes = tile.width * scale * target.channels
  for (let row = 0; row < tile.height * scale; row++) {
    const to = ((tile.top * scale + row) * target.width + tile.left * scale) * target.channels
    target.data.set(result.subarray(row * rowBytes, (row + 1) * rowBytes), to)
  }
}
