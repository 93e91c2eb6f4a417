import type { PixelImage } from './pixel-image.ts'
import { inSlices } from './slices.ts'

/*
 * Colour for pixels that have none.
 *
 * The colour stored behind a transparent pixel is arbitrary (black, white, left-overs). Colour and alpha are enlarged
 * separately, and an enlarging filter would mix that arbitrary colour into the rim of what can be seen: a dark or a
 * light halo. So the colours of visible pixels are first grown into the transparent ones, by push and pull: halve the
 * picture again and again, weighting colours by alpha (push), then fill the holes of each level from the one below
 * (pull). Holes of any size are filled smoothly in linear time.
 */

/**
 * From this alpha (of 255) on a pixel keeps its own colour. Fainter ones are mixed with their surroundings, the more
 * the fainter: their colour was rounded when the file was written, and at most 6 % of it can be seen.
 */
const CERTAIN_ALPHA = 16

/** One halving of the picture: mean colours where something is visible, and how certain they are (0 to 1). */
interface Level {
  readonly width: number
  readonly height: number
  readonly colours: Float32Array
  readonly certainty: Float32Array
}

/**
 * Grows the colours of visible pixels into transparent ones. Pixels with an alpha of 16 or more are left exactly as
 * they are, and so is a picture without any visible pixel. `alpha` has one channel and the same size.
 */
export async function fillTransparent(colour: PixelImage, alpha: PixelImage): Promise<PixelImage> {
  if (!(await hasFainter(alpha, CERTAIN_ALPHA))) return colour
  const levels = [await halve(colour.width, colour.height, colour.channels, colour.data, alpha.data, 1 / 255)]
  for (
    let last = levels[0];
    last !== undefined && (last.width > 1 || last.height > 1);
    last = levels.at(-1)
  ) {
    levels.push(await halve(last.width, last.height, colour.channels, last.colours, last.certainty, 1))
  }
  if (levels.at(-1)?.certainty[0] === 0) return colour
  for (let index = levels.length - 2; index >= 0; index--) {
    const [level, coarse] = levels.slice(index)
    if (level !== undefined && coarse !== undefined) {
      await fill({
        ...level,
        coarse,
        channels: colour.channels,
        from: level.colours,
        to: level.colours,
        scale: 1,
      })
    }
  }
  const data = new Uint8Array(colour.data.length)
  const [coarse] = levels
  if (coarse === undefined) return colour
  const { width, height, channels } = colour
  const scale = 1 / CERTAIN_ALPHA
  await fill({ width, height, coarse, channels, from: colour.data, to: data, certainty: alpha.data, scale })
  return { data, width, height, channels }
}

/** True where alpha is below a limit anywhere. */
export async function hasFainter({ data, width, height }: PixelImage, limit: number): Promise<boolean> {
  let found = false
  await inSlices(height, width, (from, to) => {
    for (let at = from * width; !found && at < to * width; at++) found = (data[at] as number) < limit
  })
  return found
}

/** Push: each pixel of the result is the mean of up to 2 × 2, weighted by `weights` · `scale`. */
async function halve(
  fromWidth: number,
  fromHeight: number,
  channels: number,
  from: Uint8Array | Float32Array,
  weights: Uint8Array | Float32Array,
  scale: number,
): Promise<Level> {
  const width = (fromWidth + 1) >> 1
  const height = (fromHeight + 1) >> 1
  const colours = new Float32Array(width * height * channels)
  const certainty = new Float32Array(width * height)
  const push = (y: number): void => {
    for (let x = 0; x < fromWidth; x++) {
      const weight = (weights[y * fromWidth + x] as number) * scale
      if (weight === 0) continue
      const source = (y * fromWidth + x) * channels
      const target = (y >> 1) * width + (x >> 1)
      certainty[target] = (certainty[target] as number) + weight
      for (let channel = 0; channel < channels; channel++) {
        const at = target * channels + channel
        colours[at] = (colours[at] as number) + (from[source + channel] as number) * weight
      }
    }
  }
  const weigh = (y: number): void => {
    for (let pixel = y * width; pixel < (y + 1) * width; pixel++) {
      const sum = certainty[pixel] as number
      if (sum === 0) continue
      for (let at = pixel * channels; at < (pixel + 1) * channels; at++)
        colours[at] = (colours[at] as number) / sum
      certainty[pixel] = Math.min(1, sum)
    }
  }
  await rowByRow(fromHeight, fromWidth * channels, push)
  await rowByRow(height, width * channels, weigh)
  return { width, height, colours, certainty }
}

interface Filling {
  readonly width: number
  readonly height: number
  readonly channels: number
  readonly from: Uint8Array | Float32Array
  readonly to: Uint8Array | Float32Array
  readonly certainty: Uint8Array | Float32Array
  /** Brings `certainty` to 0…1 and above; from 1 on a pixel keeps its colour. */
  readonly scale: number
  readonly coarse: Level
}

/** Pull: uncertain pixels take what they lack from the coarser level, interpolated between its four nearest pixels. */
async function fill(filling: Filling): Promise<void> {
  const { width, height, channels, from, to, certainty, scale, coarse } = filling
  const bytes = to instanceof Uint8Array
  await rowByRow(height, width * channels, y => {
    const near = (y >> 1) * coarse.width
    const farY = Math.min(coarse.height - 1, Math.max(0, (y >> 1) + ((y & 1) === 0 ? -1 : 1)))
    const far = farY * coarse.width
    for (let x = 0; x < width; x++) {
      const pixel = y * width + x
      const own = Math.min(1, (certainty[pixel] as number) * scale)
      const nearX = x >> 1
      const farX = Math.min(coarse.width - 1, Math.max(0, nearX + ((x & 1) === 0 ? -1 : 1)))
      for (let channel = 0; channel < channels; channel++) {
        const at = pixel * channels + channel
        const value = from[at] as number
        if (own === 1) {
          to[at] = value
          continue
        }
        const nearRow =
          3 * (coarse.colours[(near + nearX) * channels + channel] as number) +
          (coarse.colours[(near + farX) * channels + channel] as number)
        const farRow =
          3 * (coarse.colours[(far + nearX) * channels + channel] as number) +
          (coarse.colours[(far + farX) * channels + channel] as number)
        const grown = (3 * nearRow + farRow) / 16
        const mixed = own * value + (1 - own) * grown
        to[at] = bytes ? Math.round(mixed) : mixed
      }
    }
  })
}

function rowByRow(rows: number, samples: number, work: (y: number) => void): Promise<void> {
  return inSlices(rows, samples, (from, to) => {
    for (let y = from; y < to; y++) work(y)
  })
}
