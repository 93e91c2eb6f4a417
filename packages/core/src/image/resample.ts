import type { PixelImage } from './pixel-image.ts'

/*
 * Enlarging and reducing by a separable filter.
 *
 * Pixels are squares and their samples sit in the middle: output sample x lies at (x + 0.5) · from / to - 0.5 of the
 * input, so nothing moves. (libvips, and with it sharp, enlarges half an output pixel off by design, which is why
 * this is not a call to sharp.) Where the filter reaches over the rim its weights are scaled up again.
 *
 * All arithmetic on samples is on integers, so the same input gives the same bytes on every machine. The weights of
 * one output sample add up to exactly 1, so a flat colour stays that colour.
 */

/** A filter. `stretch` is how many input pixels an output pixel covers, 1 at least; distances are in input pixels. */
export interface Kernel {
  /** The weight is 0 from this distance on. */
  reach(stretch: number): number
  /** The weight, up to a constant factor, of an input pixel whose middle is so far from that of the output pixel. */
  weight(distance: number, stretch: number): number
}

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x))

/** Sharp, with slight overshoot at edges: for pictures. */
export const lanczos3: Kernel = {
  reach: stretch => 3 * stretch,
  weight: (distance, stretch) => {
    const x = distance / stretch
    return Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0
  },
}

/** The mean over the area an output pixel covers, parts of pixels counted as parts: for measuring. */
export const area: Kernel = {
  reach: stretch => (stretch + 1) / 2,
  weight: (distance, stretch) => Math.min(1, Math.max(0, (stretch + 1) / 2 - Math.abs(distance))),
}

/** Weights are in units of 2^-14, samples between the two passes in units of 2^-6. The largest sum stays below 2^30. */
const WEIGHT_BITS = 14
const ROW_BITS = 6

/**
 * The picture at another size in pixels, both 1 or more. When reducing, the filter widens so that nothing aliases.
 * An image that has the size already is returned as it is.
 */
export function resample(
  image: PixelImage,
  width: number,
  height: number,
  kernel: Kernel = lanczos3,
): PixelImage {
  if (image.width === width && image.height === height) return image
  const { channels } = image
  const across = weigh(image.width, width, kernel)
  const down = weigh(image.height, height, kernel)
  const rowLength = width * channels
  const data = new Uint8Array(rowLength * height)
  const sums = new Int32Array(rowLength)
  // Rows already resampled across; an output row needs `down.taps` neighbouring ones, and they only ever move on.
  const rows = Array.from({ length: down.taps }, () => new Int16Array(rowLength))
  let ready = 0
  for (let y = 0; y < height; y++) {
    const first = down.first[y] ?? 0
    const count = down.count[y] ?? 0
    for (; ready < first + count; ready++) {
      const row = rows[ready % down.taps]
      if (row !== undefined && ready >= first) resampleRow(image, ready, across, row)
    }
    sums.fill(1 << (WEIGHT_BITS + ROW_BITS - 1))
    for (let tap = 0; tap < count; tap += 2) {
      const one = rows[(first + tap) % down.taps]
      const next = rows[(first + tap + 1) % down.taps]
      if (one === undefined || next === undefined) continue
      const at = y * down.taps + tap
      addRows(sums, one, down.weights[at] ?? 0, next, tap + 1 < count ? (down.weights[at + 1] ?? 0) : 0)
    }
    storeRow(sums, data, y * rowLength)
  }
  return { data, width, height, channels }
}

/** For each output sample: which input samples count, and how much. */
interface Weights {
  /** The most input samples any output sample needs; also the stride of `weights`. */
  readonly taps: number
  readonly first: Int32Array
  readonly count: Int32Array
  readonly weights: Int32Array
}

function weigh(from: number, to: number, kernel: Kernel): Weights {
  const step = from / to
  const stretch = Math.max(1, step)
  const reach = kernel.reach(stretch)
  const taps = Math.min(from, Math.ceil(reach * 2) + 1)
  const table: Weights = {
    taps,
    first: new Int32Array(to),
    count: new Int32Array(to),
    weights: new Int32Array(to * taps),
  }
  const exact = new Float64Array(taps)
  for (let at = 0; at < to; at++) {
    const centre = (at + 0.5) * step
    const first = Math.min(from - 1, Math.max(0, Math.floor(centre - reach)))
    const count = Math.min(from - first, taps)
    let sum = 0
    for (let tap = 0; tap < count; tap++) {
      const weight = kernel.weight(first + tap + 0.5 - centre, stretch)
      exact[tap] = weight
      sum += weight
    }
    table.first[at] = first
    table.count[at] = count
    // The running total is rounded, not each weight, so that the weights add up to exactly 1.
    let total = 0
    let given = 0
    for (let tap = 0; tap < count; tap++) {
      total += (exact[tap] ?? 0) / sum
      const upTo = Math.round(total * 2 ** WEIGHT_BITS)
      table.weights[at * taps + tap] = upTo - given
      given = upTo
    }
  }
  return table
}

function resampleRow(image: PixelImage, y: number, across: Weights, row: Int16Array): void {
  const { data, channels } = image
  const start = y * image.width * channels
  const { taps, first, count, weights } = across
  const shift = WEIGHT_BITS - ROW_BITS
  const half = 1 << (shift - 1)
  const width = first.length
  for (let x = 0; x < width; x++) {
    const end = x * taps + (count[x] as number)
    let at = start + (first[x] as number) * channels
    if (channels === 1) {
      let grey = half
      for (let tap = x * taps; tap < end; tap++) grey += (weights[tap] as number) * (data[at++] as number)
      row[x] = grey >> shift
      continue
    }
    let red = half
    let green = half
    let blue = half
    for (let tap = x * taps; tap < end; tap++) {
      const weight = weights[tap] as number
      red += weight * (data[at++] as number)
      green += weight * (data[at++] as number)
      blue += weight * (data[at++] as number)
    }
    row[x * 3] = red >> shift
    row[x * 3 + 1] = green >> shift
    row[x * 3 + 2] = blue >> shift
  }
}

/** Two at a time, since reading and writing the sums costs more than the arithmetic. */
function addRows(
  sums: Int32Array,
  one: Int16Array,
  weight: number,
  next: Int16Array,
  nextWeight: number,
): void {
  if (weight === 0 && nextWeight === 0) return
  for (let at = 0; at < sums.length; at++) {
    sums[at] =
      (sums[at] as number) + Math.imul(weight, one[at] as number) + Math.imul(nextWeight, next[at] as number)
  }
}

function storeRow(sums: Int32Array, data: Uint8Array, start: number): void {
  for (let at = 0; at < sums.length; at++) {
    const sample = (sums[at] as number) >> (WEIGHT_BITS + ROW_BITS)
    data[start + at] = Math.min(255, Math.max(0, sample))
  }
}
