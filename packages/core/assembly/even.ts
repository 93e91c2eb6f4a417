/*
 * Evens out colours beside edges, where an enlarged drawing has a level of noise that nobody sees and a PNG must keep. No
 * colour moves by more than a level once it is mixed with what is behind it. Slopes are left alone: the steps of a
 * gradient that is evened out can be seen.
 */

/** How many pixels to each side make a place an edge, and by how many levels they must differ. */
const REACH = 4
const EDGE: u8 = 3
const VECTOR_BYTES = 16

/**
 * Up to 15 bytes behind the last mask and result are written.
 *
 * @param rows 4 rows above the first, then the rows, then 4 below; each with 16 bytes of room before and behind it
 * @param stride bytes from one to the next, here and among the results
 * @param count how many rows
 * @param length bytes of a row
 * @param pixel bytes of a pixel, 1 to 4; the last of 2 or 4 is its alpha
 * @param mask room for a row
 * @param result the row above the first as it came out, then room for `count` rows
 */
export function even(
  rows: usize,
  stride: i32,
  count: i32,
  length: i32,
  pixel: i32,
  mask: usize,
  result: usize,
): void {
  const colours = pixel - ((pixel + 1) & 1)
  const counted = pixel === 4 ? 0xffffffff : ((<u32>1) << (<u32>pixel * 8)) - 1
  for (let y = 0; y < count; y++) {
    const row = rows + (y + REACH) * stride
    const above = result + y * stride
    const own = above + stride
    widen(row, length, pixel)
    findEdges(row, stride, length, pixel, mask)
    memory.copy(own, row, length)
    for (let x = 0; x < length; x += pixel) {
      const alpha: i32 = colours === pixel ? 255 : load<u8>(row + x + colours)
      if (alpha === 0 || (alpha === 255 && (load<u32>(mask + x) & counted) === 0)) continue
      const most = 255 / alpha
      if (x > 0 && isNear(row + x, own + x - pixel, colours, pixel, most))
        copy(own + x, own + x - pixel, colours)
      else if (isNear(row + x, above + x, colours, pixel, most)) copy(own + x, above + x, colours)
      else coarsen(own + x, colours, most)
    }
  }
}

/** Repeats a row's first and last pixel beside it. */
function widen(row: usize, length: i32, pixel: i32): void {
  for (let at = 1; at <= REACH * pixel; at++) store<u8>(row - at, load<u8>(row - at + pixel))
  for (let at = 0; at < REACH * pixel; at++) store<u8>(row + length + at, load<u8>(row + length + at - pixel))
}

/** Marks the samples that differ from one nearby. */
function findEdges(row: usize, stride: i32, length: i32, pixel: i32, mask: usize): void {
  for (let x = 0; x < length; x += VECTOR_BYTES) {
    const own = v128.load(row + x)
    let least = own
    let most = own
    for (let reach = 1; reach <= REACH; reach++) {
      const left = v128.load(row + x - reach * pixel)
      const right = v128.load(row + x + reach * pixel)
      const over = v128.load(row + x - reach * stride)
      const under = v128.load(row + x + reach * stride)
      least = i8x16.min_u(least, i8x16.min_u(i8x16.min_u(left, right), i8x16.min_u(over, under)))
      most = i8x16.max_u(most, i8x16.max_u(i8x16.max_u(left, right), i8x16.max_u(over, under)))
    }
    const off = i8x16.max_u(i8x16.sub(own, least), i8x16.sub(most, own))
    v128.store(mask + x, i8x16.gt_u(off, i8x16.splat(EDGE)))
  }
}

/** True where a colour may take another's place: their alphas are equal and no channel is off by more than `most`. */
function isNear(own: usize, other: usize, colours: i32, pixel: i32, most: i32): bool {
  if (colours !== pixel && load<u8>(own + colours) !== load<u8>(other + colours)) return false
  for (let channel = 0; channel < colours; channel++) {
    const off = <i32>load<u8>(own + channel) - <i32>load<u8>(other + channel)
    if (abs(off) > most) return false
  }
  return true
}

function copy(to: usize, from: usize, colours: i32): void {
  for (let channel = 0; channel < colours; channel++) store<u8>(to + channel, load<u8>(from + channel))
}

/** To the nearest of few values. Those of a coarser grid are among those of a finer one, so that neighbours meet in them. */
function coarsen(at: usize, colours: i32, most: i32): void {
  const half = most >= 40 ? 40 : most >= 13 ? 13 : most >= 4 ? 4 : 1
  const step = 2 * half + 1
  for (let channel = 0; channel < colours; channel++) {
    const value: i32 = load<u8>(at + channel)
    store<u8>(at + channel, <u8>min(255, (value / step) * step + half))
  }
}
