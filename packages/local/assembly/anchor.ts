/**
 * The picture that the network corrects: Catmull-Rom with half-pixel centres, in integers. Across first, kept with
 * four extra bits, then down; each pass rounds once. Both sums stay inside int32.
 */
import { field, PHASE_BYTES, PHASES, PROGRAM, SCALE, sampleRow, TAPS, WIDE, WIDE_ROW } from './program'

const RING_ROWS = 5

/** Enlarges one sample row across: `count` pixels from column `start`. */
export function widen(row: i32, start: i32, count: i32): void {
  const scale = field(SCALE)
  let to = wideRow(row)
  let from = sampleRow(row) + ((<usize>start) << 3)
  const half = i32x4.splat(1 << 9)
  for (let x = 0; x < count; x++) {
    for (let phase = 0; phase < scale; phase++) {
      const taps = PROGRAM + PHASES + <usize>phase * PHASE_BYTES
      const first = from + (load<i32>(taps) << 3)
      let sum = half
      sum = i32x4.add(sum, i32x4.mul(v128.load_splat<i32>(taps, 4), pixel(first)))
      sum = i32x4.add(sum, i32x4.mul(v128.load_splat<i32>(taps, 8), pixel(first + 8)))
      sum = i32x4.add(sum, i32x4.mul(v128.load_splat<i32>(taps, 12), pixel(first + 16)))
      sum = i32x4.add(sum, i32x4.mul(v128.load_splat<i32>(taps, 16), pixel(first + 24)))
      v128.store(to, i32x4.shr_s(sum, 10))
      to += 16
    }
    from += 8
  }
}

/** Notes which wide rows each output row of input row `row` is made of. */
export function chooseTaps(row: i32): void {
  const scale = field(SCALE)
  let to = <usize>field(TAPS)
  for (let phase = 0; phase < scale; phase++) {
    const first = row + load<i32>(PROGRAM + PHASES + <usize>phase * PHASE_BYTES)
    for (let tap = 0; tap < 4; tap++) {
      store<i32>(to, <i32>wideRow(first + tap))
      to += 4
    }
  }
}

/** The anchor of the output sample at `offset` bytes into the wide rows, in output phase `phase`: [r, g, b, 0]. */
export function anchorAt(phase: i32, offset: usize): v128 {
  const weights = PROGRAM + PHASES + <usize>phase * PHASE_BYTES
  const taps = <usize>field(TAPS) + ((<usize>phase) << 4)
  let sum = i32x4.splat(1 << 17)
  sum = i32x4.add(
    sum,
    i32x4.mul(v128.load_splat<i32>(weights, 4), v128.load(<usize>load<i32>(taps) + offset)),
  )
  sum = i32x4.add(
    sum,
    i32x4.mul(v128.load_splat<i32>(weights, 8), v128.load(<usize>load<i32>(taps, 4) + offset)),
  )
  sum = i32x4.add(
    sum,
    i32x4.mul(v128.load_splat<i32>(weights, 12), v128.load(<usize>load<i32>(taps, 8) + offset)),
  )
  sum = i32x4.add(
    sum,
    i32x4.mul(v128.load_splat<i32>(weights, 16), v128.load(<usize>load<i32>(taps, 12) + offset)),
  )
  return i32x4.shr_s(sum, 18)
}

function wideRow(row: i32): usize {
  return <usize>(field(WIDE) + (row % RING_ROWS) * field(WIDE_ROW))
}

function pixel(address: usize): v128 {
  return v128.load_ext<i16>(address)
}
