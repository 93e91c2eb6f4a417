import { nextRound } from 'upscale-core/internal'
import { phasesFor } from './anchor.ts'
import type { Model } from './model.ts'
import { type PackedLayer, packLayer } from './pack.ts'

/**
 * A model made ready for the kernel: the first bytes of its memory (program table and weights in the kernel's
 * order), and where the tile and its result lie. Plain data, so it can be posted to a thread.
 */
export interface Program {
  readonly scale: number
  /** Input pixels around a tile that its result depends on. */
  readonly halo: number
  /** The start of the kernel's memory; what follows is scratch. */
  readonly image: Uint8Array
  readonly pages: number
  readonly input: number
  readonly output: number
  /** For each row of the tile a 64-bit mask: bit g is set where columns 8g to 8g + 7 are wanted. */
  readonly wanted: number
}

/** In input pixels. A tile's time is a fraction of a second, its buffers a few megabytes. */
export const LARGEST_TILE = { width: 256, height: 256 } as const

const TABLE = 1024
const LAYER_RECORDS = 256
const LAYER_BYTES = 48
const WEIGHTS = 8192
const PAGE = 65536
/** The kernel works on up to eight pixels at once and reads two beyond: room for that at the end of each row. */
const SLACK = 16
const SAMPLE_BYTES = 8
const WIDE_BYTES = 16
const WIDE_ROWS = 5
const MASK_BYTES = 8
const RING_ROWS = 3
/** Of assembly/busy.ts: how far around a pixel it looks. */
const BUSY_REACH = 5

/** Lays out the kernel's memory; assembly/program.ts reads the table written here. */
export async function compileProgram(model: Model): Promise<Program> {
  const { scale } = model
  const layers: PackedLayer[] = []
  for (const [index, layer] of model.layers.entries()) {
    // A layer takes some milliseconds.
    await nextRound()
    layers.push(packLayer(layer, index === model.layers.length - 1 ? shuffledOrder(scale) : undefined))
  }
  // The anchor reaches two pixels, the limit one, each layer one more.
  const halo = Math.max(BUSY_REACH, layers.length)
  const rows = LARGEST_TILE.height + 2 * halo
  const rowPixels = LARGEST_TILE.width + 2 * halo + SLACK
  const mostOutputs = Math.max(...layers.map(({ outputs }) => outputs))
  const residualStride = (layers.at(-1)?.outputs ?? 0) * 2

  let end = WEIGHTS
  const take = (bytes: number): number => {
    const start = end
    end += Math.ceil(bytes / 16) * 16
    return start
  }

  const constants = layers.map(({ weights, starts }) => ({
    weights: take(weights.byteLength),
    starts: take(starts.byteLength),
  }))
  const image = new Uint8Array(end)
  const input = take(rows * rowPixels * 3)
  const output = take(LARGEST_TILE.width * LARGEST_TILE.height * scale * scale * 3)
  const wanted = take(LARGEST_TILE.height * MASK_BYTES)
  writeInts(image, TABLE, [
    scale,
    layers.length,
    halo,
    input,
    take(rows * rowPixels * SAMPLE_BYTES), // SAMPLES
    rowPixels * SAMPLE_BYTES,
    take(rowPixels * residualStride), // RESIDUAL
    residualStride,
    take(WIDE_ROWS * LARGEST_TILE.width * scale * WIDE_BYTES), // WIDE
    LARGEST_TILE.width * scale * WIDE_BYTES,
    output,
    take(16 * scale), // TAPS
    reach(scale),
    take(2 * rowPixels * mostOutputs * 4), // PRODUCTS: of Winograd four for two pixels
    take(rowPixels * mostOutputs * 2), // ROW
    wanted,
    take(LARGEST_TILE.height * MASK_BYTES), // BUSY
    take(rows * rowPixels), // ROUGH
    take(rows * rowPixels), // COUNTS
    rowPixels,
    ...phasesFor(model.anchor, scale).flatMap(({ first, weights }) => [first, ...weights]),
  ])
  layers.forEach((layer, index) => {
    const { weights, starts } = constants[index] ?? { weights: 0, starts: 0 }
    image.set(new Uint8Array(layer.weights.buffer), weights)
    image.set(new Uint8Array(layer.starts.buffer), starts)
    const { plane, rowBytes } = inputRowOf(layer, rowPixels)
    writeInts(image, TABLE + LAYER_RECORDS + index * LAYER_BYTES, [
      layer.winograd ? 1 : 0,
      layer.inputs * 2,
      (layer.inputs / 2) * (layer.winograd ? 1 : 3),
      layer.outputs,
      layer.shift,
      weights,
      starts,
      take(index === 0 ? 0 : RING_ROWS * rowBytes), // RING
      rowBytes,
      plane,
    ])
  })
  return { scale, halo, image, pages: Math.ceil(end / PAGE), input, output, wanted }
}

/** Bytes of a layer's input row, and of one of its planes. */
function inputRowOf(
  { winograd, inputs }: PackedLayer,
  rowPixels: number,
): { plane: number; rowBytes: number } {
  const plane = winograd ? Math.ceil(rowPixels / 2) * inputs * 2 : 0
  return { plane, rowBytes: winograd ? 4 * plane : rowPixels * inputs * 2 }
}

/**
 * How far a result may leave the range of the 3x3 input pixels around it, in multiples of that range. The contrast
 * of a dot smaller than a pixel can grow by the ratio of the areas and no more.
 */
function reach(scale: number): number {
  return scale * scale - 1
}

/** The last layer counts colour, row, column (torch's PixelShuffle); the kernel wants row, column, colour. */
function shuffledOrder(scale: number): number[] {
  const area = scale * scale
  return Array.from({ length: 3 * area }, (_, place) => (place % 3) * area + Math.floor(place / 3))
}

function writeInts(image: Uint8Array, offset: number, values: readonly number[]): void {
  const view = new DataView(image.buffer)
  values.forEach((value, index) => {
    view.setInt32(offset + index * 4, value, true)
  })
}
