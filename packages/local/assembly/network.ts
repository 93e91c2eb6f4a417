/**
 * One tile through the network, a row at a time: as soon as three rows of a layer exist, the next layer makes its
 * row from them, so each layer keeps three rows and the tile may be of any height. Every convolution is "valid":
 * the tile comes with its halo and each layer eats one pixel of it.
 */
import { widen } from './anchor'
import { convolve, isWinograd, transform } from './convolve'
import { finishRow } from './finish'
import { field, HALO, LAYERS, layerField, RESIDUAL, RING, RING_ROW, ROW, sampleRow } from './program'
import { readSamples } from './samples'

let tileWidth: i32 = 0
let tileChannels: i32 = 0

/** Takes the tile at INPUT. Returns how many times `step` has to be called, with 0, 1, 2, … */
export function begin(width: i32, height: i32, channels: i32): i32 {
  tileWidth = width
  tileChannels = channels
  const halo = field(HALO)
  readSamples(width + 2 * halo, height + 2 * halo, channels)
  for (let row = halo - 2; row < halo + 2; row++) widen(row, halo, width)
  return height + 2 * (field(LAYERS) - 1)
}

/** One row further in every layer that has its three rows; the last writes finished rows to OUTPUT. */
export function step(index: i32): void {
  const last = field(LAYERS) - 1
  for (let layer = 0; layer < last; layer++) {
    const row = index - 2 * layer
    if (row < 0) return
    const count = tileWidth + 2 * (last - layer)
    const next = layer + 1
    if (isWinograd(next)) {
      convolveRow(layer, row, <usize>field(ROW), count, false)
      transform(next, <usize>field(ROW), ringRow(next, row), count - 2)
    } else {
      convolveRow(layer, row, ringRow(next, row), count, false)
    }
  }
  const y = index - 2 * last
  if (y < 0) return
  convolveRow(last, y, <usize>field(RESIDUAL), tileWidth, true)
  const halo = field(HALO)
  widen(y + halo + 2, halo, tileWidth)
  finishRow(y, tileWidth, tileChannels)
}

function convolveRow(layer: i32, row: i32, target: usize, count: i32, signed: boolean): void {
  convolve(
    layer,
    target,
    inputRow(layer, row),
    inputRow(layer, row + 1),
    inputRow(layer, row + 2),
    count,
    signed,
  )
}

function inputRow(layer: i32, row: i32): usize {
  if (layer > 0) return ringRow(layer, row)
  const unused = field(HALO) - field(LAYERS)
  return sampleRow(row + unused) + ((<usize>unused) << 3)
}

function ringRow(layer: i32, row: i32): usize {
  return <usize>(layerField(layer, RING) + (row % 3) * layerField(layer, RING_ROW))
}
