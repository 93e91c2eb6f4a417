/*
 * The row filters of a PNG (https://www.w3.org/TR/png-3/#9Filters): each sample becomes its difference from what its
 * neighbours foretell. Of the five, a row takes the one whose differences add up to the least.
 */

import { total } from './lanes'

const NONE: u8 = 0
const SUB: u8 = 1
const UP: u8 = 2
const AVERAGE: u8 = 3
const PAETH: u8 = 4

/**
 * Filters neighbouring rows. Up to 15 bytes behind the last result are written.
 *
 * @param rows the row above the first, then the rows; each with 16 bytes of zero before and 16 of room behind it
 * @param stride bytes from one to the next
 * @param count how many results
 * @param length bytes of a row
 * @param pixel bytes of a pixel, 1 to 4
 * @param result rows of `length` + 1 bytes, the filter's number first
 */
export function filter(rows: usize, stride: i32, count: i32, length: i32, pixel: i32, result: usize): void {
  for (let y = 0; y < count; y++) {
    const above = rows + y * stride
    const row = above + stride
    const chosen = choose(row, above, length, pixel)
    store<u8>(result++, chosen)
    for (let x = 0; x < length; x += 16) {
      v128.store(result + x, i8x16.sub(v128.load(row + x), foretold(chosen, row + x, above + x, pixel)))
    }
    result += length
  }
}

function choose(row: usize, above: usize, length: i32, pixel: i32): u8 {
  let none = i32x4.splat(0)
  let sub = i32x4.splat(0)
  let up = i32x4.splat(0)
  let average = i32x4.splat(0)
  let paeth = i32x4.splat(0)
  for (let x = 0; x < length; x += 16) {
    const counted = i8x16.lt_u(PLACES, i8x16.splat(<i8>min(16, length - x)))
    const own = v128.load(row + x)
    const left = v128.load(row + x - pixel)
    const over = v128.load(above + x)
    none = add(none, own, counted)
    sub = add(sub, i8x16.sub(own, left), counted)
    up = add(up, i8x16.sub(own, over), counted)
    average = add(average, i8x16.sub(own, mean(left, over)), counted)
    paeth = add(paeth, i8x16.sub(own, nearest(left, over, v128.load(above + x - pixel))), counted)
  }
  let chosen = NONE
  let least = total(none)
  if (total(sub) < least) {
    least = total(sub)
    chosen = SUB
  }
  if (total(up) < least) {
    least = total(up)
    chosen = UP
  }
  if (total(average) < least) {
    least = total(average)
    chosen = AVERAGE
  }
  return total(paeth) < least ? PAETH : chosen
}

const PLACES = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)

/** What is foretold of 16 bytes. */
function foretold(filter: u8, row: usize, above: usize, pixel: i32): v128 {
  if (filter === NONE) return i8x16.splat(0)
  if (filter === SUB) return v128.load(row - pixel)
  if (filter === UP) return v128.load(above)
  if (filter === AVERAGE) return mean(v128.load(row - pixel), v128.load(above))
  return nearest(v128.load(row - pixel), v128.load(above), v128.load(above - pixel))
}

/** Rounded down, which the instruction doesn't. */
function mean(left: v128, up: v128): v128 {
  return i8x16.sub(i8x16.avgr_u(left, up), v128.and(v128.xor(left, up), i8x16.splat(1)))
}

/** Of left, up and the corner, the one that is nearest to left + up - corner. */
function nearest(left: v128, up: v128, corner: v128): v128 {
  const toLeft = i8x16.sub(i8x16.max_u(up, corner), i8x16.min_u(up, corner))
  const toUp = i8x16.sub(i8x16.max_u(left, corner), i8x16.min_u(left, corner))
  // Both on one side of the corner: their distances add up, and a sum over 255 is as far as 255 for what is compared.
  const isOneSide = v128.not(v128.xor(i8x16.ge_u(up, corner), i8x16.ge_u(left, corner)))
  const between = i8x16.sub(i8x16.max_u(toLeft, toUp), i8x16.min_u(toLeft, toUp))
  const toCorner = v128.bitselect(i8x16.add_sat_u(toLeft, toUp), between, isOneSide)
  const isUp = i8x16.le_u(toUp, toCorner)
  const isLeft = v128.and(i8x16.le_u(toLeft, toUp), i8x16.le_u(toLeft, toCorner))
  return v128.bitselect(left, v128.bitselect(up, corner, isUp), isLeft)
}

/** Adds the sizes of signed differences to four sums. */
function add(sums: v128, differences: v128, counted: v128): v128 {
  const sizes = v128.and(i8x16.abs(differences), counted)
  return i32x4.add(sums, i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(sizes)))
}
