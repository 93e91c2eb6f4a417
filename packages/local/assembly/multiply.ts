/**
 * The hot loop: sums of products of int16 samples with int16 weights, for one row of pixels. Nearly all the
 * engine's time is spent here.
 *
 * Channels go through `i32x4.dot_i16x8_s` in pairs: one pair of a pixel is spread over a vector and multiplied with
 * that pair's weights for four outputs. Four pixels times eight outputs stay in registers (8 sums, 2 weight vectors,
 * 1 spread pair). Unrolling, and blocks of other shapes, were measured slower: V8 runs out of registers.
 *
 * Sums are int32 and wrap. Pixels are done in fours, so up to three past `count` are read and written: rows carry
 * that much slack.
 *
 * @param target int32, all outputs of a pixel together
 * @param row0 the first of `pairs` pairs that the first pixel's sum takes from the first row
 * @param stride bytes from a pixel's first pair to the next pixel's
 * @param weights per eight outputs: [row][pair][8 outputs][2 channels]
 * @param start what the sums start from, one int32 per output
 */
export function multiply(
  target: usize,
  row0: usize,
  row1: usize,
  row2: usize,
  stride: usize,
  pairs: i32,
  weights: usize,
  start: usize,
  count: i32,
  outputs: i32,
): void {
  const rowBytes = (<usize>pairs) << 2
  const blockBytes = rowBytes * 24
  const pixelBytes = (<usize>outputs) << 2
  for (let x = 0; x < count; x += 4) {
    let block = weights
    let blockStart = start
    let out = target
    for (let output = 0; output < outputs; output += 8) {
      const start0 = v128.load(blockStart)
      const start1 = v128.load(blockStart, 16)
      let a0 = start0
      let a1 = start1
      let b0 = start0
      let b1 = start1
      let c0 = start0
      let c1 = start1
      let d0 = start0
      let d1 = start1
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
      v128.store(to, a0)
      v128.store(to, a1, 16)
      to += pixelBytes
      v128.store(to, b0)
      v128.store(to, b1, 16)
      to += pixelBytes
      v128.store(to, c0)
      v128.store(to, c1, 16)
      to += pixelBytes
      v128.store(to, d0)
      v128.store(to, d1, 16)
      out += 32
      block += blockBytes
      blockStart += 32
    }
    row0 += stride << 2
    row1 += stride << 2
    row2 += stride << 2
    target += pixelBytes << 2
  }
}
