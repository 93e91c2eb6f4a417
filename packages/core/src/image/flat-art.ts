import type { Samples } from './interleave.ts'
import { inSlices } from './slices.ts'

/** Part of the pixels that equal their left neighbour from which on a picture is flat art. Photographs: below 0.2. */
const FLAT_PART = 0.5

/**
 * Evens out what no eye sees: in flat art, a pixel within one level of its left or upper neighbour takes that one's
 * colour, as long as it stays within one level of its own in every channel. Alpha is kept. Any other picture is returned
 * as it is.
 */
export async function evenOut(samples: Samples): Promise<Samples> {
  if (!(await isFlatArt(samples))) return samples
  const { data, width, height, channels } = samples
  const even = new Uint8Array(data)
  const hasAlpha = channels === 2 || channels === 4
  const colours = hasAlpha ? channels - 1 : channels
  const rowLength = width * channels
  const isNear = (at: number, other: number): boolean => {
    for (let channel = 0; channel < colours; channel++) {
      const off = (data[at + channel] as number) - (even[other + channel] as number)
      if (off > 1 || off < -1) return false
    }
    return !hasAlpha || data[at + colours] === even[other + colours]
  }
  await inSlices(height, rowLength, (from, to) => {
    for (let y = from; y < to; y++) {
      const start = y * rowLength
      for (let at = start; at < start + rowLength; at += channels) {
        if (at > start && isNear(at, at - channels)) even.copyWithin(at, at - channels, at)
        else if (y > 0 && isNear(at, at - rowLength))
          even.copyWithin(at, at - rowLength, at - rowLength + channels)
      }
    }
  })
  return { data: even, width, height, channels }
}

async function isFlatArt({ data, width, height, channels }: Samples): Promise<boolean> {
  let equal = 0
  await inSlices(height, width * channels, (from, to) => {
    for (let y = from; y < to; y++) {
      const end = (y + 1) * width * channels
      for (let at = y * width * channels + channels; at < end; at += channels) {
        let channel = 0
        while (channel < channels && data[at + channel] === data[at + channel - channels]) channel++
        if (channel === channels) equal++
      }
    }
  })
  return equal >= FLAT_PART * width * height
}
