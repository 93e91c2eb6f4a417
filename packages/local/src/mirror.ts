import type { Layer, Model } from './model.ts'

/** Which way a picture is mirrored: left and right change places, or top and bottom. */
export interface Mirroring {
  readonly across: boolean
  readonly down: boolean
}

/**
 * The network that does to a picture what `model` would do to its mirror image, mirrored back. Only the places of the
 * weights change, so its arithmetic is as exact as the model's.
 */
export function mirrored(model: Model, mirroring: Mirroring): Model {
  const last = model.layers.length - 1
  const layers = model.layers.map((layer, index) => {
    // The last layer's outputs are the places in the block that a pixel becomes.
    return mirroredLayer(layer, mirroring, index === last ? model.scale : 1)
  })
  return { ...model, layers }
}

function mirroredLayer(layer: Layer, mirroring: Mirroring, side: number): Layer {
  const size = layer.inputs * 9
  const weights = new Int16Array(layer.weights.length)
  const biases = new Int32Array(layer.outputs)
  for (let output = 0; output < layer.outputs; output++) {
    const from = sourceOf(output, side, mirroring)
    biases[output] = layer.biases[from] ?? 0
    for (let at = 0; at < size; at++) {
      weights[output * size + at] = layer.weights[from * size + sourceOf(at, 3, mirroring)] ?? 0
    }
  }
  return { ...layer, weights, biases }
}

/** In a list of squares of `side` by `side`, what comes to place `at` when each is mirrored. */
function sourceOf(at: number, side: number, { across, down }: Mirroring): number {
  const area = side * side
  const [square, row, column] = [Math.floor(at / area), Math.floor((at % area) / side), at % side]
  const [sourceRow, sourceColumn] = [down ? side - 1 - row : row, across ? side - 1 - column : column]
  return square * area + sourceRow * side + sourceColumn
}
