import { withKernel } from './kernel.ts'
import type { PixelImage } from './pixel-image.ts'
import { inSlices } from './slices.ts'
import { takeSamples } from './spare-samples.ts'

/*
 * Enlarging and reducing by a separable filter.
 *
 * Pixels are squares and their samples sit in the middle: output sample x lies at (x + 0.5) · from / to - 0.5 of the
 * input, so nothing moves. (libvips, and with it sharp, enlarges half an output pixel off by design, which is why
 * this is not a call to sharp.) Where the filter reaches over the rim its weights are scaled up again.
 *
 * All arithmetic on samples is on integers, so the same input gives the same bytes on every machine. The weights of
 * one output sample add up to exactly 1, so a flat colour stays that colour. The loops are WebAssembly (assembly/), a row a
 * call, so that the event loop goes round in between.
 */

/** A filter. `stretch` is how many input pixels an output pixel covers, 1 at least; distances are in input pixels. */
export interface Filter {
  /** The weight is 0 from this distance on. */
  reach(stretch: number): number
  /** The weight, up to a constant factor, of an input pixel whose middle is so far from that of the output pixel. */
  weight(distance: number, stretch: number): number
}

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x))

/** Sharp, with slight overshoot at edges: for pictures. */
export const lanczos3: Filter = {
  reach: stretch => 3 * stretch,
  weight: (distance, stretch) => {
    const x = distance / stretch
    return Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0
  },
}

/** The mean over the area an output pixel covers, parts of pixels counted as parts: for measuring. */
export const area: Filter = {
  reach: stretch => (stretch + 1) / 2,
  weight: (distance, stretch) => Math.min(1, Math.max(0, (stretch + 1) / 2 - Math.abs(distance))),
}

/** Weights are in units of 2^-14; the loops in assembly/ count on it. */
const WEIGHT_BITS = 14

/**
 * The picture at another size in pixels, both 1 or more. When reducing, the filter widens so that nothing aliases.
 * An image that has the size already is returned as it is.
 * @throws UpscaleError ENGINE_FAILED on a CPU or runtime without WebAssembly SIMD
 */
export async function resample(
  image: PixelImage,
  width: number,
  height: number,
  filter: Filter = lanczos3,
): Promise<PixelImage> {
  if (image.width === width && image.height === height) return image
  const { channels } = image
  const across = weightsOf(image.width, width, filter)
  const down = weightsOf(image.height, height, filter)
  const rowLength = width * channels
  const inputLength = image.width * channels
  const data = takeSamples(rowLength * height)
  const at = layOut({
    first: across.first.byteLength,
    count: across.count.byteLength,
    weights: across.weights.byteLength,
    downWeights: down.weights.byteLength,
    input: inputLength,
    output: rowLength,
    rows: down.taps * strideOf(rowLength),
  })
  await withKernel(at.end, async ({ loops, memory }) => {
    const bytes = new Uint8Array(memory.buffer)
    const words = new Int32Array(memory.buffer)
    words.set(across.first, at.first / 4)
    words.set(across.count, at.count / 4)
    words.set(across.weights, at.weights / 4)
    words.set(down.weights, at.downWeights / 4)
    // Rows already resampled across; an output row needs `down.taps` neighbouring ones, and they only ever move on.
    let ready = 0
    const stride = strideOf(rowLength)
    const step = (y: number): void => {
      const first = down.first[y] ?? 0
      const count = down.count[y] ?? 0
      ready = Math.max(ready, first)
      for (; ready < first + count; ready++) {
        bytes.set(image.data.subarray(ready * inputLength, (ready + 1) * inputLength), at.input)
        const row = at.rows + (ready % down.taps) * stride
        loops.across(at.input, channels, width, at.first, at.count, at.weights, across.taps, row)
      }
      const weights = at.downWeights + y * down.taps * 4
      loops.down(at.rows, stride, down.taps, first, count, weights, rowLength, at.output)
      data.set(bytes.subarray(at.output, at.output + rowLength), y * rowLength)
    }
    const work = rowLength + Math.ceil((inputLength * image.height) / height)
    await inSlices(height, work, (from, to) => {
      for (let y = from; y < to; y++) step(y)
    })
  })
  return { data, width, height, channels }
}

/** Bytes from one 16-bit row to the next: a whole vector is read and written at the end of each. */
function strideOf(samples: number): number {
  return align(samples * 2 + VECTOR_BYTES)
}

const VECTOR_BYTES = 16

function align(bytes: number): number {
  return Math.ceil(bytes / VECTOR_BYTES) * VECTOR_BYTES
}

/** Addresses of areas of the given sizes in bytes, each with room for a vector behind it. */
function layOut<Name extends string>(sizes: Readonly<Record<Name, number>>): Record<Name | 'end', number> {
  const places: Partial<Record<Name | 'end', number>> = {}
  let end = 0
  for (const name of Object.keys(sizes) as Name[]) {
    places[name] = end
    end = align(end + sizes[name] + VECTOR_BYTES)
  }
  return { ...places, end } as Record<Name | 'end', number>
}

/** For each output sample: which input samples count, and how much. */
interface Weights {
  /** The most input samples any output sample needs; also the stride of `weights`. */
  readonly taps: number
  readonly first: Int32Array
  readonly count: Int32Array
  readonly weights: Int32Array
}

/** The last that were asked for, newest first: many pictures of a project have one size. */
const recent: { readonly from: number; readonly to: number; readonly filter: Filter; table: Weights }[] = []
const MOST_RECENT = 8

function weightsOf(from: number, to: number, filter: Filter): Weights {
  const at = recent.findIndex(known => known.from === from && known.to === to && known.filter === filter)
  const [known] = at === -1 ? [] : recent.splice(at, 1)
  const table = known?.table ?? weigh(from, to, filter)
  recent.unshift({ from, to, filter, table })
  recent.length = Math.min(recent.length, MOST_RECENT)
  return table
}

function weigh(from: number, to: number, filter: Filter): Weights {
  const step = from / to
  const stretch = Math.max(1, step)
  const reach = filter.reach(stretch)
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
      const weight = filter.weight(first + tap + 0.5 - centre, stretch)
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
