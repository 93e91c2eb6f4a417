// Two results of one tile become one. Plain JavaScript for the same reason as worker.mjs, which calls it. Whole numbers
// only, so that every machine blends the same.

import { BLOCK } from './survey.mjs'

/** A block's weight when the second network has all of it. */
export const FULL = 64

const GROUP = 8

/**
 * @typedef {object} Mix Weights of the second network for all of the picture, a byte for each block's centre; between
 *   centres they are interpolated
 * @property {Uint8Array} weights 0 to FULL
 * @property {number} columns
 * @property {number} rows
 */

/**
 * Masks of the columns, in eights, in which a network has any say, row by row: what the kernel's WANTED holds.
 *
 * @param {Mix} mix
 * @param {{ left: number, top: number, width: number, height: number }} tile
 * @param {(weight: number) => boolean} wants what a weight means for this network
 */
export function wantedMasks({ weights, columns, rows }, { left, top, width, height }, wants) {
  const masks = new BigUint64Array(height)
  for (let y = 0; y < height; y++) {
    const rowsHere = nearest(top + y, rows)
    let mask = 0n
    for (let group = 0; group * GROUP < width; group++) {
      const [from] = nearest(left + group * GROUP, columns)
      const [, to] = nearest(left + Math.min(group * GROUP + GROUP, width) - 1, columns)
      const wanted = rowsHere.some(row => {
        for (let column = from; column <= to; column++) {
          if (wants(weights[row * columns + column])) return true
        }
        return false
      })
      if (wanted) mask |= 1n << BigInt(group)
    }
    masks[y] = mask
  }
  return new Uint8Array(masks.buffer)
}

/** The two blocks between whose centres a pixel lies. */
function nearest(pixel, count) {
  const first = Math.floor((pixel - BLOCK / 2) / BLOCK)
  return [Math.min(Math.max(first, 0), count - 1), Math.min(Math.max(first + 1, 0), count - 1)]
}

/**
 * Blends `over` into `base`, both the finished bytes of a tile.
 *
 * @param {Mix} mix
 * @param {{ left: number, top: number, width: number, height: number, channels: number }} tile
 */
export function blend(base, over, { weights, columns, rows }, tile, scale) {
  const { channels } = tile
  const width = tile.width * scale
  const across = places(tile.left * scale, width, columns, scale)
  const down = places(tile.top * scale, tile.height * scale, rows, scale)
  const unit = 2 * BLOCK * scale
  const whole = FULL * unit * unit
  const column = new Int32Array(columns)
  let at = 0
  for (const { first, second, part } of down) {
    for (let block = 0; block < columns; block++) {
      column[block] =
        weights[first * columns + block] * (unit - part) + weights[second * columns + block] * part
    }
    for (const place of across) {
      const weight = column[place.first] * (unit - place.part) + column[place.second] * place.part
      for (let channel = 0; channel < channels; channel++, at++) {
        base[at] = Math.floor((base[at] * (whole - weight) + over[at] * weight + whole / 2) / whole)
      }
    }
  }
}

/**
 * For each of `count` pixels of the result the centres it lies between, and how far it is from the first of them to the
 * second, in halves of a pixel of the result; the way is 2 * BLOCK * scale of those.
 */
function places(start, count, blocks, scale) {
  const unit = 2 * BLOCK * scale
  return Array.from({ length: count }, (_, i) => {
    const from = 2 * (start + i) + 1 - BLOCK * scale
    const first = Math.floor(from / unit)
    const hold = block => Math.min(Math.max(block, 0), blocks - 1)
    return { first: hold(first), second: hold(first + 1), part: from - first * unit }
  })
}
