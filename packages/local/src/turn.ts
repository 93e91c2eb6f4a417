import type { Layer, Model } from './model.ts'

/**
 * The network that does to a picture what `model` would do if the picture were turned clockwise by so many quarters, and
 * its result turned back. Only the places of the weights change, so its arithmetic is as exact as the model's.
 */
export function turnedBack(model: Model, quarters: number): Model {
  let { layers } = model
  for (let quarter = 0; quarter < quarters; quarter++) {
    layers = layers.map((layer, index) => ({
      ...layer,
      ...turnedLayer(layer, index === layers.length - 1 ? model.scale : 1),
    }))
  }
  return { ...model, layers }
}

/** A quarter counterclockwise: the kernels, and of the last layer the places in the `side` by `side` block of a pixel. */
function turnedLayer(
  { inputs, outputs, weights, biases }: Layer,
  side: number,
): Pick<Layer, 'weights' | 'biases'> {
  const size = inputs * 9
  const turnedWeights = new Int16Array(weights.length)
  const turnedBiases = new Int32Array(outputs)
  for (let output = 0; output < outputs; output++) {
    const from = sourceOf(output, side)
    turnedBiases[output] = biases[from] ?? 0
    for (let at = 0; at < size; at++) {
      turnedWeights[output * size + at] = weights[from * size + sourceOf(at, 3)] ?? 0
    }
  }
  return { weights: turnedWeights, biases: turnedBiases }
}

/** In a list of squares of `side` by `side`, what comes to place `at` when each is turned a quarter counterclockwise. */
function sourceOf(at: number, side: number): number {
  const area = side * side
  const [square, row, column] = [Math.floor(at / area), Math.floor((at % area) / side), at % side]
  return square * area + column * side + (side - 1 - row)
}
