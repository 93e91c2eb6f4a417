/**
 * One row of a 3x3 convolution on int16 samples: the whole cost of the engine is here.
 *
 * Samples lie pixel by pixel, all channels of a pixel together, `stride` bytes a pixel. Channels go through
 * `i32x4.dot_i16x8_s` in pairs: one pair of a pixel is spread over a vector and multiplied with that pair's
 * weights for four output channels. Four pixels times eight output channels stay in registers (8 sums, 2 weight
 * vectors, 1 spread pair); unrolling or larger blocks spill and were measured slower.
 *
 * Sums are int32 and wrap; the weight file promises that they can't. `bias` already holds the half that makes
 * the shift round. narrow_i32x4_s clamps to int16, `floor` is 0 for a ReLU and -32768 for none.
 *
 * Pixels are done in fours, so up to three past `count` are read and written: rows carry that much slack.
 *
 * @param pairs channel pairs of three neighbouring pixels
 * @param weights per eight output channels: [row][pair][8 outputs][2 channels]
 */
export function convolve(
  target: usize,
  targetStride: usize,
  row0: usize,
  row1: usize,
  row2: usize,
  stride: usize,
  pairs: i32,
  weights: usize,
  bias: usize,
  count: i32,
  outputs: i32,
  shift: i32,
  floor: i32,
): void {
  const lowest = i16x8.splat(<i16>floor)
  const rowBytes = (<usize>pairs) << 2
  const blockBytes = rowBytes * 24
  for (let x = 0; x < count; x += 4) {
    let block = weights
    let blockBias = bias
    let out = target
    for (let channel = 0; channel < outputs; channel += 8) {
      const bias0 = v128.load(blockBias)
      const bias1 = v128.load(blockBias, 16)
      let a0 = bias0
      let a1 = bias1
      let b0 = bias0
      let b1 = bias1
      let c0 = bias0
      let c1 = bias1
      let d0 = bias0
      let d1 = bias1
      let w = block
      for (let row = 0; row < 3; row++) {
        let a = row === 0 ? row0 : row === 1 ? row1 : row2
        let b = a + stride
        let c = b + stride
        let d = c + stride
        const end = a + rowBytes
        while (a < end) {
          const w0 = v128.load(w)
          const w1 = v128.load(w, 16)
          let pair = v128.load_splat<i32>(a)
          a0 = i32x4.add(a0, i32x4.dot_i16x8_s(pair, w0))
          a1 = i32x4.add(a1, i32x4.dot_i16x8_s(pair, w1))
          pair = v128.load_splat<i32>(b)
          b0 = i32x4.add(b0, i32x4.dot_i16x8_s(pair, w0))
          b1 = i32x4.add(b1, i32x4.dot_i16x8_s(pair, w1))
          pair = v128.load_splat<i32>(c)
          c0 = i32x4.add(c0, i32x4.dot_i16x8_s(pair, w0))
          c1 = i32x4.add(c1, i32x4.dot_i16x8_s(pair, w1))
          pair = v128.load_splat<i32>(d)
          d0 = i32x4.add(d0, i32x4.dot_i16x8_s(pair, w0))
          d1 = i32x4.add(d1, i32x4.dot_i16x8_s(pair, w1))
          w += 32
          a += 4
          b += 4
          c += 4
          d += 4
        }
      }
      let to = out
      v128.store(to, i16x8.max_s(narrow(a0, a1, shift), lowest))
      to += targetStride
      v128.store(to, i16x8.max_s(narrow(b0, b1, shift), lowest))
      to += targetStride
      v128.store(to, i16x8.max_s(narrow(c0, c1, shift), lowest))
      to += targetStride
      v128.store(to, i16x8.max_s(narrow(d0, d1, shift), lowest))
      out += 16
      block += blockBytes
      blockBias += 32
    }
    row0 += stride << 2
    row1 += stride << 2
    row2 += stride << 2
    target += targetStride << 2
  }
}

/** Small enough that the optimiser inlines it. */
function narrow(low: v128, high: v128, shift: i32): v128 {
  return i16x8.narrow_i32x4_s(i32x4.shr_s(low, shift), i32x4.shr_s(high, shift))
}
