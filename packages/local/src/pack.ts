import type { Layer } from './model.ts'

/** A layer in the kernel's order. Padding channels have weights 0. */
export interface PackedLayer {
  /** In Winograd's form: four products for two pixels. */
  readonly winograd: boolean
  /** Channels with their padding: 4 for the picture, a multiple of 8 otherwise. */
  readonly inputs: number
  readonly outputs: number
  readonly shift: number
  /** Per product and eight outputs: [row][column, if direct][input pair][8 outputs][2 inputs]. */
  readonly weights: Int16Array
  /** Per product, what each output's sum starts from. */
  readonly starts: Int32Array
}

const LARGEST_INPUT = 32767
const PRODUCTS = 4

/**
 * Brings a layer into the kernel's order.
 * @param order which of the layer's outputs comes at each place; as they are by default
 */
export function packLayer(
  layer: Layer,
  order: readonly number[] = [...Array(layer.outputs).keys()],
): PackedLayer {
  const winograd = suitsWinograd(layer)
  const inputs = layer.inputs === 3 ? 4 : padded(layer.inputs)
  const outputs = padded(layer.outputs)
  const columns = winograd ? PRODUCTS : 3
  const weights = new Int16Array(inputs * outputs * 3 * columns)
  const starts = new Int32Array(outputs * (winograd ? PRODUCTS : 1))

  order.forEach((output, place) => {
    const half = (layer.biases[output] ?? 0) + (1 << (layer.shift - 1))
    let middleSum = 0
    for (let input = 0; input < layer.inputs; input++) {
      for (let row = 0; row < 3; row++) {
        const real = kernelRow(layer, output, input, row)
        const values = winograd ? productWeights(real) : real
        middleSum += values[1] ?? 0
        values.forEach((value, column) => {
          const at = winograd
            ? ((column * (outputs / 8) + (place >> 3)) * 3 + row) * inputs
            : ((place >> 3) * 9 + row * 3 + column) * inputs
          weights[at * 8 + (input >> 1) * 16 + (place & 7) * 2 + (input & 1)] = value
        })
      }
    }
    // int32 wraps here as it does in the kernel. The second product is in both results, so it carries the bias;
    // its inputs come 32768 too low.
    if (winograd) starts[outputs + place] = 2 * half + 32768 * middleSum
    else starts[place] = half
  })
  const shift = winograd ? layer.shift + 1 : layer.shift
  return { winograd, inputs, outputs, shift, weights, starts }
}

/**
 * True when Winograd's form gives the very numbers of the direct one: the weights it multiplies with fit int16, and no
 * sum can reach 2**30, as it is doubled. The first layer has too few channels to gain by it.
 */
export function suitsWinograd(layer: Layer): boolean {
  if (layer.inputs === 3) return false
  for (let output = 0; output < layer.outputs; output++) {
    let positive = 0
    let negative = 0
    for (let input = 0; input < layer.inputs; input++) {
      for (let row = 0; row < 3; row++) {
        const real = kernelRow(layer, output, input, row)
        if (productWeights(real).some(weight => Math.abs(weight) > 32767)) return false
        for (const weight of real) {
          if (weight > 0) positive += weight
          else negative -= weight
        }
      }
    }
    const bias = Math.abs(layer.biases[output] ?? 0) + (1 << (layer.shift - 1))
    if (Math.max(positive, negative) * LARGEST_INPUT + bias >= 2 ** 30) return false
  }
  return true
}

function kernelRow({ inputs, weights }: Layer, output: number, input: number, row: number): number[] {
  const start = (output * inputs + input) * 9 + row * 3
  return [...weights.subarray(start, start + 3)]
}

/** See assembly/convolve.ts. */
function productWeights([first = 0, second = 0, third = 0]: number[]): number[] {
  return [2 * first, first + second + third, first - second + third, 2 * third]
}

function padded(channels: number): number {
  return Math.ceil(channels / 8) * 8
}
