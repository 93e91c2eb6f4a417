/*
 * The two passes of image/resample.ts, a row at a time. Weights are in units of 2^-14, samples between the passes in
 * units of 2^-6; all arithmetic is on integers, so every machine makes the same bytes.
 */

const WEIGHT_BITS: i32 = 14
const ROW_BITS: i32 = 6

/**
 * Resamples one row across. Up to 3 bytes behind the row are read, and don't count.
 *
 * @param row the row's 8-bit samples, `channels` (1 or 3) each pixel
 * @param first for each pixel of the result, the first pixel that counts
 * @param count and how many
 * @param weights and their weights, `taps` places for each
 * @param result 16-bit samples, one pixel of room behind them
 */
export function across(
  row: usize,
  channels: i32,
  width: i32,
  first: usize,
  count: usize,
  weights: usize,
  taps: i32,
  result: usize,
): void {
  const shift = WEIGHT_BITS - ROW_BITS
  const half: i32 = 1 << (shift - 1)
  if (channels === 1) {
    for (let x = 0; x < width; x++) {
      let from = row + load<i32>(first + (x << 2))
      let weight = weights + ((x * taps) << 2)
      const end = weight + (load<i32>(count + (x << 2)) << 2)
      let grey = half
      for (; weight < end; weight += 4) grey += load<i32>(weight) * <i32>load<u8>(from++)
      store<i16>(result + (x << 1), <i16>(grey >> shift))
    }
    return
  }
  for (let x = 0; x < width; x++) {
    let from = row + load<i32>(first + (x << 2)) * 3
    let weight = weights + ((x * taps) << 2)
    const end = weight + (load<i32>(count + (x << 2)) << 2)
    let colour = i32x4.splat(half)
    for (; weight < end; weight += 4, from += 3) {
      const samples = i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_u(v128.load32_zero(from)))
      colour = i32x4.add(colour, i32x4.mul(samples, v128.load32_splat(weight)))
    }
    // The fourth lane is written over by the next pixel.
    const shifted = i32x4.shr_s(colour, shift)
    v128.store64_lane(result, i16x8.narrow_i32x4_s(shifted, shifted), 0)
    result += 6
  }
}

/**
 * Adds up rows that were resampled across, into one row of the result, eight samples at a time.
 *
 * @param rows a ring of `taps` rows of `stride` bytes each
 * @param first which row counts first; the others follow it
 * @param count how many
 * @param weights theirs
 * @param samples how many there are in a row; up to 7 more are written
 * @param result 8-bit samples
 */
export function down(
  rows: usize,
  stride: i32,
  taps: i32,
  first: i32,
  count: i32,
  weights: usize,
  samples: i32,
  result: usize,
): void {
  const half = i32x4.splat(1 << (WEIGHT_BITS + ROW_BITS - 1))
  for (let at = 0; at < samples; at += 8) {
    let low = half
    let high = half
    let row = first % taps
    for (let tap = 0; tap < count; tap++) {
      const part = v128.load(rows + row * stride + (at << 1))
      const weight = i16x8.splat(<i16>load<i32>(weights + (tap << 2)))
      low = i32x4.add(low, i32x4.extmul_low_i16x8_s(part, weight))
      high = i32x4.add(high, i32x4.extmul_high_i16x8_s(part, weight))
      if (++row === taps) row = 0
    }
    const whole = i16x8.narrow_i32x4_s(
      i32x4.shr_s(low, WEIGHT_BITS + ROW_BITS),
      i32x4.shr_s(high, WEIGHT_BITS + ROW_BITS),
    )
    v128.store64_lane(result + at, i8x16.narrow_i16x8_u(whole, whole), 0)
  }
}
