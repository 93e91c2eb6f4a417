import { phasesFor } from './anchor.ts'
import type { Layer, Model } from './model.ts'

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
}

/** Largest tile, in input pixels. A tile's time is a fraction of a second, its buffers a few megabytes. */
export const LARGEST_TILE = { width: 256, height: 256 } as const

const TABLE = 1024
const LAYER_RECORDS = 256
const LAYER_BYTES = 32
const WEIGHTS = 4096
const PAGE = 65536
/** The kernel works on pixels in fours and reads two beyond: room for that at the end of each row. */
const SLACK = 8
const SAMPLE_BYTES = 8
const WIDE_BYTES = 16
const WIDE_ROWS = 5
const RING_ROWS = 3

/** Lays out the kernel's memory; assembly/program.ts reads the table written here. */
export function compileProgram(model: Model): Program {
  const { scale, layers } = model
  // The anchor reaches two pixels, the limit one; a layer each one.
  const halo = Math.max(2, layers.length)
  const columns = LARGEST_TILE.width + 2 * halo
  const rows = LARGEST_TILE.height + 2 * halo
  const rowPixels = columns + SLACK

  let end = WEIGHTS
  const take = (bytes: number): number => {
    const start = end
    end += Math.ceil(bytes / 16) * 16
    return start
  }

  const packed = layers.map((layer, index) =>
    packLayer(layer, index === layers.length - 1 ? shuffledOrder(scale) : undefined),
  )
  const addresses = packed.map(({ weights, biases }) => ({
    weights: take(weights.byteLength),
    biases: take(biases.byteLength),
  }))
  const imageEnd = end
  const rings = packed.map(({ outputs }) => ({
    start: take(RING_ROWS * rowPixels * outputs * 2),
    rowBytes: rowPixels * outputs * 2,
  }))
  const residualStride = (packed.at(-1)?.outputs ?? 0) * 2
  const table = [
    scale,
    layers.length,
    halo,
    take(rows * columns * 3), // INPUT
    take(rows * rowPixels * SAMPLE_BYTES), // SAMPLES
    rowPixels * SAMPLE_BYTES,
    take(rowPixels * residualStride), // RESIDUAL
    residualStride,
    take(WIDE_ROWS * LARGEST_TILE.width * scale * WIDE_BYTES), // WIDE
    LARGEST_TILE.width * scale * WIDE_BYTES,
    take(LARGEST_TILE.width * LARGEST_TILE.height * scale * scale * 3), // OUTPUT
    take(16 * scale), // TAPS
    reach(scale),
    ...phasesFor(model.anchor, scale).flatMap(({ first, weights }) => [first, ...weights]),
  ]
  const [, , , input = 0, , , , , , , output = 0] = table

  const image = new Uint8Array(imageEnd)
  writeInts(image, TABLE, table)
  packed.forEach(({ weights, biases, inputs, outputs, shift }, index) => {
    const at = addresses[index] ?? { weights: 0, biases: 0 }
    const ring = rings[index] ?? { start: 0, rowBytes: 0 }
    image.set(new Uint8Array(weights.buffer), at.weights)
    image.set(new Uint8Array(biases.buffer), at.biases)
    const record = [
      inputs * 2,
      (inputs * 3) / 2,
      outputs,
      shift,
      at.weights,
      at.biases,
      ring.start,
      ring.rowBytes,
    ]
    writeInts(image, TABLE + LAYER_RECORDS + index * LAYER_BYTES, record)
  })
  return { scale, halo, image, pages: Math.ceil(end / PAGE), input, output }
}

/**
 * How far a result may leave the range of the 3x3 input pixels around it, in multiples of that range. The contrast
 * of a dot smaller than a pixel can grow by the ratio of the areas and no more.
 */
function reach(scale: number): number {
  return scale * scale - 1
}

interface PackedLayer {
  /** Channels with their padding: 4 for the picture, a multiple of 8 otherwise. */
  readonly inputs: number
  readonly outputs: number
  readonly shift: number
  readonly weights: Int16Array
  readonly biases: Int32Array
}

/**
 * Brings a layer into the kernel's order: per eight outputs [row][column][input pair][8 outputs][2 inputs]. Padding
 * channels have weights and bias 0 and so stay 0.
 *
 * @param order which of the layer's outputs comes at each place; as they are by default
 */
function packLayer(layer: Layer, order: readonly number[] = [...Array(layer.outputs).keys()]): PackedLayer {
  const inputs = layer.inputs === 3 ? 4 : padded(layer.inputs)
  const outputs = padded(layer.outputs)
  const weights = new Int16Array(inputs * outputs * 9)
  const biases = new Int32Array(outputs)
  order.forEach((output, place) => {
    // The half that makes the shift round is part of the bias; int32 wraps here as it does in the kernel.
    biases[place] = (layer.biases[output] ?? 0) + (1 << (layer.shift - 1))
    const block = (place >> 3) * inputs * 9 * 8
    for (let input = 0; input < layer.inputs; input++) {
      for (let tap = 0; tap < 9; tap++) {
        const pair = (tap * inputs) / 2 + (input >> 1)
        const weight = layer.weights[(output * layer.inputs + input) * 9 + tap] ?? 0
        weights[block + pair * 16 + (place & 7) * 2 + (input & 1)] = weight
      }
    }
  })
  return { inputs, outputs, shift: layer.shift, weights, biases }
}

/** The last layer counts colour, row, column (torch's PixelShuffle); the kernel wants row, column, colour. */
function shuffledOrder(scale: number): number[] {
  const area = scale * scale
  return Array.from({ length: 3 * area }, (_, place) => (place % 3) * area + Math.floor(place / 3))
}

function padded(channels: number): number {
  return Math.ceil(channels / 8) * 8
}

function writeInts(image: Uint8Array, offset: number, values: readonly number[]): void {
  const view = new DataView(image.buffer)
  values.forEach((value, index) => {
    view.setInt32(offset + index * 4, value, true)
  })
}
