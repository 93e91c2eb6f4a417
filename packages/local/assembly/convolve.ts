/**
 * One row of a 3x3 convolution, in one of two forms that give the same numbers.
 *
 * Direct: nine products per output.
 *
 * Winograd's F(2, 3) along the row: two neighbouring outputs of a kernel row g from the inputs d0..d3 by four products
 * instead of six,
 *
 *     M0 = (d0 - d2) 2 g0    M1 = (d1 + d2)(g0 + g1 + g2)    M2 = (d2 - d1)(g0 - g1 + g2)    M3 = (d1 - d3) 2 g2
 *     2 y0 = M0 + M1 + M2    2 y1 = M1 - M2 - M3
 *
 * Everything is doubled, so that it stays whole; the shift is one more. Inputs are 0..32767, so the differences fit
 * int16 and d1 + d2 does less 32768, for which the sums of M1 start elsewhere. What the weights must fulfil is in
 * src/pack.ts.
 */
import { multiply } from './multiply'
import {
  field,
  layerField,
  OUTPUTS,
  PAIRS,
  PLANE,
  PRODUCTS,
  SHIFT,
  STARTS,
  STRIDE,
  WEIGHTS,
  WINOGRAD,
} from './program'

/**
 * Writes a row of `count` pixels, and a few more, to `target`: int16, clamped; negative ones become 0 but for `signed`.
 * @param row0 the layer's three input rows, in the form that `isWinograd` says
 */
export function convolve(
  layer: i32,
  target: usize,
  row0: usize,
  row1: usize,
  row2: usize,
  count: i32,
  signed: boolean,
): void {
  const stride = <usize>layerField(layer, STRIDE)
  const pairs = layerField(layer, PAIRS)
  const outputs = layerField(layer, OUTPUTS)
  const shift = layerField(layer, SHIFT)
  const products = <usize>field(PRODUCTS)
  let weights = <usize>layerField(layer, WEIGHTS)
  let starts = <usize>layerField(layer, STARTS)
  const floor = i16x8.splat(signed ? -32768 : 0)
  if (!isWinograd(layer)) {
    multiply(products, row0, row1, row2, stride, pairs, weights, starts, count, outputs)
    settle(products, target, (count * outputs) >> 3, shift, floor)
    return
  }
  const tiles = tilesFor(count)
  const plane = <usize>layerField(layer, PLANE)
  const productPlane = <usize>(tiles * outputs * 4)
  const weightPlane = <usize>(pairs * outputs * 12)
  let to = products
  for (let place = 0; place < 4; place++) {
    multiply(to, row0, row1, row2, stride, pairs, weights, starts, tiles, outputs)
    to += productPlane
    row0 += plane
    row1 += plane
    row2 += plane
    weights += weightPlane
    starts += (<usize>outputs) << 2
  }
  combine(products, productPlane, target, tiles, outputs, shift, floor)
}

export function isWinograd(layer: i32): boolean {
  return layerField(layer, WINOGRAD) !== 0
}

/** Pairs of neighbouring pixels, in fours as multiply() wants them. */
function tilesFor(count: i32): i32 {
  return ((count + 7) >> 3) << 2
}

/** Brings an input row into Winograd's form, one plane per product: for a row of `count` outputs. */
export function transform(layer: i32, source: usize, target: usize, count: i32): void {
  const stride = <usize>layerField(layer, STRIDE)
  const plane = <usize>layerField(layer, PLANE)
  const top = i16x8.splat(-32768)
  for (let tile = tilesFor(count); tile > 0; tile--) {
    for (let channel: usize = 0; channel < stride; channel += 16) {
      const from = source + channel
      const d0 = v128.load(from)
      const d1 = v128.load(from + stride)
      const d2 = v128.load(from + 2 * stride)
      const d3 = v128.load(from + 3 * stride)
      let to = target + channel
      v128.store(to, i16x8.sub(d0, d2))
      to += plane
      // The sum is 0..65534; with its top bit turned it is the signed number 32768 below.
      v128.store(to, v128.xor(i16x8.add(d1, d2), top))
      to += plane
      v128.store(to, i16x8.sub(d2, d1))
      to += plane
      v128.store(to, i16x8.sub(d1, d3))
    }
    source += 2 * stride
    target += stride
  }
}

/** Sums to samples, eight at a time: `count` eights. */
function settle(source: usize, target: usize, count: i32, shift: i32, floor: v128): void {
  for (let i = 0; i < count; i++) {
    v128.store(target, narrow(v128.load(source), v128.load(source, 16), shift, floor))
    source += 32
    target += 16
  }
}

/** Products to samples, two pixels a tile. */
function combine(
  products: usize,
  plane: usize,
  target: usize,
  tiles: i32,
  outputs: i32,
  shift: i32,
  floor: v128,
): void {
  const pixelBytes = (<usize>outputs) << 1
  for (let tile = 0; tile < tiles; tile++) {
    for (let output = 0; output < outputs; output += 8) {
      let from = products
      const first0 = v128.load(from)
      const first1 = v128.load(from, 16)
      from += plane
      const second0 = v128.load(from)
      const second1 = v128.load(from, 16)
      from += plane
      const third0 = v128.load(from)
      const third1 = v128.load(from, 16)
      from += plane
      const fourth0 = v128.load(from)
      const fourth1 = v128.load(from, 16)
      const left0 = i32x4.add(i32x4.add(first0, second0), third0)
      const left1 = i32x4.add(i32x4.add(first1, second1), third1)
      const right0 = i32x4.sub(i32x4.sub(second0, third0), fourth0)
      const right1 = i32x4.sub(i32x4.sub(second1, third1), fourth1)
      v128.store(target, narrow(left0, left1, shift, floor))
      v128.store(target + pixelBytes, narrow(right0, right1, shift, floor))
      products += 32
      target += 16
    }
    target += pixelBytes
  }
}

/** narrow_i32x4_s clamps to int16. */
function narrow(low: v128, high: v128, shift: i32, floor: v128): v128 {
  return i16x8.max_s(i16x8.narrow_i32x4_s(i32x4.shr_s(low, shift), i32x4.shr_s(high, shift)), floor)
}
