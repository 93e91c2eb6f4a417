/**
 * One tile through the network, a row at a time: as soon as three rows of a layer exist, the next layer makes its
 * row from them, so each layer keeps three rows and the tile may be of any height. Every convolution is "valid":
 * the tile comes with its halo and each layer eats one pixel of it.
 *
 * Of each row only those spans are made that a busy pixel depends on; what lies between them is left over from earlier
 * rows and never used.
 */
import { widen } from './anchor'
import { findBusy } from './busy'
import { convolve, isWinograd, transform } from './convolve'
import { finishRow } from './finish'
import {
  BUSY,
  field,
  HALO,
  LAYERS,
  layerField,
  OUTPUTS,
  RESIDUAL,
  RING,
  RING_ROW,
  ROW,
  STRIDE,
  sampleRow,
} from './program'
import { readSamples } from './samples'

let tileWidth: i32 = 0
let tileHeight: i32 = 0
let tileChannels: i32 = 0

/** Takes the tile at INPUT and the mask at WANTED. Returns how many times `step` has to be called, with 0, 1, 2, … */
export function begin(width: i32, height: i32, channels: i32): i32 {
  tileWidth = width
  tileHeight = height
  tileChannels = channels
  const halo = field(HALO)
  readSamples(width + 2 * halo, height + 2 * halo, channels)
  findBusy(width, height)
  for (let row = halo - 2; row < halo + 2; row++) widen(row, halo, width)
  return height + 2 * (field(LAYERS) - 1)
}

/** One row further in every layer that has its three rows; the last writes finished rows to OUTPUT. */
export function step(index: i32): void {
  const last = field(LAYERS) - 1
  for (let layer = 0; layer <= last; layer++) {
    const row = index - 2 * layer
    if (row < 0) return
    makeRow(layer, row, last - layer)
  }
  const y = index - 2 * last
  const halo = field(HALO)
  widen(y + halo + 2, halo, tileWidth)
  finishRow(y, tileWidth, tileChannels)
}

/** The spans of a layer's row on which busy pixels depend: `reach` columns and rows further than these on each side. */
function makeRow(layer: i32, row: i32, reach: i32): void {
  let busy: u64 = 0
  for (let y = max(0, row - 2 * reach); y <= min(row, tileHeight - 1); y++) {
    busy |= load<u64>(<usize>field(BUSY) + ((<usize>y) << 3))
  }
  for (let eights = (2 * reach + 7) >> 3; eights > 0; eights--) busy |= busy << 1
  const width = tileWidth + 2 * reach
  while (busy !== 0) {
    const first = <i32>ctz(busy)
    const eights = <i32>ctz(~(busy >> first))
    const start = first << 3
    if (start >= width) return
    makeSpan(layer, row, start, min(eights << 3, width - start))
    // Adding the lowest bit carries through the span; what was not in it stays.
    busy &= busy + ((<u64>1) << first)
  }
}

function makeSpan(layer: i32, row: i32, start: i32, count: i32): void {
  const next = layer + 1
  const isLast = next === field(LAYERS)
  const target = isLast || isWinograd(next) ? <usize>field(isLast ? RESIDUAL : ROW) : ringRow(next, row)
  const offset = (<usize>start * layerField(layer, OUTPUTS)) << 1
  convolve(
    layer,
    target + offset,
    inputAt(layer, row, start),
    inputAt(layer, row + 1, start),
    inputAt(layer, row + 2, start),
    count,
    isLast,
  )
  if (isLast || !isWinograd(next)) return
  transform(next, target + offset, inputAt(next, row, start), count - 2)
}

/** Where a layer's input of the output at column `start` (a multiple of eight) begins. */
function inputAt(layer: i32, row: i32, start: i32): usize {
  if (layer > 0) {
    const pixels = isWinograd(layer) ? start >> 1 : start
    return ringRow(layer, row) + <usize>(pixels * layerField(layer, STRIDE))
  }
  const unused = field(HALO) - field(LAYERS)
  return sampleRow(row + unused) + ((<usize>(start + unused)) << 3)
}

function ringRow(layer: i32, row: i32): usize {
  return <usize>(layerField(layer, RING) + (row % 3) * layerField(layer, RING_ROW))
}
