/** Anchor plus residual where that counts, held near the range of the input around it, as bytes in their place. */
import { anchorAt, chooseTaps } from './anchor'
import { countsRow, STRAIGHT } from './busy'
import { highest, lowest, pixel } from './neighbours'
import { field, HALO, OUTPUT, REACH, RESIDUAL, RESIDUAL_STRIDE, SCALE, sampleRow } from './program'

/**
 * Writes the `scale` output rows of input row `y`.
 *
 * A result may leave the range of its 3x3 input pixels by REACH times that range and no further. So a flat
 * neighbourhood gives exactly its colour, whatever the network says, and nothing rings further than one pixel. Along a
 * straight line or edge a pixel's block has its own colour.
 */
export function finishRow(y: i32, width: i32, channels: i32): void {
  const scale = field(SCALE)
  const halo = field(HALO)
  const reach = i32x4.splat(field(REACH))
  const zero = i32x4.splat(0)
  const top = i32x4.splat(4096)
  const outputRow = width * scale * channels
  let out = <usize>(field(OUTPUT) + y * scale * outputRow)
  let residual = <usize>field(RESIDUAL)
  let wide: usize = 0
  const side = (<usize>halo - 1) << 3
  let above = sampleRow(y + halo - 1) + side
  let here = sampleRow(y + halo) + side
  let below = sampleRow(y + halo + 1) + side
  chooseTaps(y + halo)
  let counts = countsRow(y)

  for (let x = 0; x < width; x++) {
    const counted = v128.load_splat<i8>(counts)
    let low = pixel(here + 8)
    let high = low
    if (load<u8>(counts) !== STRAIGHT) {
      low = i16x8.min_s(i16x8.min_s(lowest(above), lowest(here)), lowest(below))
      high = i16x8.max_s(i16x8.max_s(highest(above), highest(here)), highest(below))
    }
    low = widened(low)
    high = widened(high)
    const margin = i32x4.mul(i32x4.sub(high, low), reach)
    const floor = i32x4.max_s(i32x4.sub(low, margin), zero)
    const ceiling = i32x4.min_s(i32x4.add(high, margin), top)
    let correction = residual
    let row = out
    for (let dy = 0; dy < scale; dy++) {
      let to = row
      for (let dx = 0; dx < scale; dx++) {
        const added = v128.and(v128.load_ext<i16>(correction), counted)
        const sum = i32x4.add(anchorAt(dy, wide + ((<usize>dx) << 4)), added)
        writeSample(to, i32x4.min_s(i32x4.max_s(sum, floor), ceiling), channels)
        to += channels
        correction += 6
      }
      row += outputRow
    }
    out += scale * channels
    residual += <usize>field(RESIDUAL_STRIDE)
    wide += (<usize>scale) << 4
    above += 8
    here += 8
    below += 8
    counts++
  }
}

/** 12 bits to 8, halves up. A grey picture gets the mean of the three results. */
function writeSample(to: usize, value: v128, channels: i32): void {
  const bytes = i32x4.shr_s(i32x4.add(i32x4.mul(value, i32x4.splat(255)), i32x4.splat(2048)), 12)
  const red = i32x4.extract_lane(bytes, 0)
  const green = i32x4.extract_lane(bytes, 1)
  const blue = i32x4.extract_lane(bytes, 2)
  if (channels === 1) {
    store<u8>(to, <u8>((2 * (red + green + blue) + 3) / 6))
  } else {
    store<u8>(to, <u8>red)
    store<u8>(to, <u8>green, 1)
    store<u8>(to, <u8>blue, 2)
  }
}

function widened(samples: v128): v128 {
  return i32x4.extend_low_i16x8_s(samples)
}
