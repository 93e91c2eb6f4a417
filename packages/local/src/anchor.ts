/** The four input samples that one output phase is made of, along one axis. */
export interface Phase {
  /** First of the four, relative to the input sample that the output sample lies in. */
  readonly first: number
  /** Over 2**14; they sum to exactly 2**14, so a flat colour stays what it is. */
  readonly weights: readonly [number, number, number, number]
}

const ONE = 1 << 14

/**
 * Interpolation at half-pixel centres: output sample d of an input sample lies at (d + 0.5) / scale - 0.5 from its
 * centre. `bicubic` is Catmull-Rom (a = -0.5). training/upscale_training/anchor.py holds the same arithmetic.
 */
export function phasesFor(anchor: 'bicubic' | 'nearest', scale: number): Phase[] {
  return Array.from({ length: scale }, (_, phase) => {
    if (anchor === 'nearest') return { first: -1, weights: [0, ONE, 0, 0] }
    const centre = (phase + 0.5) / scale - 0.5
    const base = Math.floor(centre)
    return { first: base - 1, weights: catmullRom(centre - base) }
  })
}

function catmullRom(t: number): Phase['weights'] {
  const real = [
    -0.5 * t ** 3 + t ** 2 - 0.5 * t,
    1.5 * t ** 3 - 2.5 * t ** 2 + 1,
    -1.5 * t ** 3 + 2 * t ** 2 + 0.5 * t,
    0.5 * t ** 3 - 0.5 * t ** 2,
  ]
  const [a = 0, b = 0, c = 0, d = 0] = real.map(weight => Math.floor(weight * ONE + 0.5))
  const rest = ONE - (a + b + c + d)
  return b >= c ? [a, b + rest, c, d] : [a, b, c + rest, d]
}
