import { promisify } from 'node:util'
import { constants, deflate } from 'node:zlib'
import type { Samples } from './interleave.ts'
import { type PngFacts, pngFile } from './png-file.ts'
import { inSlices } from './slices.ts'

const MOST_COLOURS = 256
const COLOUR_TYPE_INDEXED = 3
const SLOT_BITS = 10
const SLOTS = 1 << SLOT_BITS
/** 2^32 over the golden ratio: spreads neighbouring colours over the highest bits of the product. */
const HASH_FACTOR = 0x9e3779b1
const deflateAsync = promisify(deflate)

/**
 * A PNG with a palette (https://www.w3.org/TR/png-3/), for pictures of at most 256 colours, transparency counted in:
 * without loss, and a third to a quarter of the same in full colour.
 *
 * @param samples three or four channels
 * @returns undefined when there are more colours
 */
export async function encodeIndexedPng(
  samples: Samples,
  { isSrgb }: PngFacts,
): Promise<Uint8Array | undefined> {
  const { width, height } = samples
  // Before memory is taken for the indexes.
  const palette = await paletteOf(samples)
  if (palette === undefined) return undefined
  const indexes = new Uint8Array(width * height)
  await eachColour(samples, (colour, pixel) => {
    indexes[pixel] = palette.indexOf(colour)
    return true
  })
  const { size } = palette
  const bits = size <= 2 ? 1 : size <= 4 ? 2 : size <= 16 ? 4 : 8
  const rows = await pack(indexes, width, height, bits)
  const colours = Buffer.alloc(size * 3)
  const alphas = Buffer.alloc(size)
  for (let index = 0; index < size; index++) {
    const colour = palette.colours[index] as number
    colours.writeUIntBE(colour >>> 8, index * 3, 3)
    alphas[index] = colour & 255
  }
  const chunks = { PLTE: colours, ...(alphas.every(alpha => alpha === 255) ? {} : { tRNS: alphas }) }
  return pngFile({ width, height, bits, colourType: COLOUR_TYPE_INDEXED, isSrgb, chunks }, [
    await deflateAsync(rows, { level: constants.Z_BEST_COMPRESSION }),
  ])
}

/** True for at most 256 colours. */
export async function hasFewColours(samples: Samples): Promise<boolean> {
  return (await paletteOf(samples)) !== undefined
}

async function paletteOf(samples: Samples): Promise<Palette | undefined> {
  const palette = new Palette()
  const isSmall = await eachColour(samples, colour => {
    palette.indexOf(colour)
    return palette.size <= MOST_COLOURS
  })
  return isSmall ? palette : undefined
}

/** @param use returns false when it has seen enough. @returns whether it saw all */
async function eachColour(
  { data, width, height, channels }: Samples,
  use: (colour: number, pixel: number) => boolean,
): Promise<boolean> {
  const hasAlpha = channels === 4
  let goesOn = true
  await inSlices(height, width * channels, (from, to) => {
    for (let pixel = from * width; pixel < to * width && goesOn; pixel++) {
      const at = pixel * channels
      const red = data[at] as number
      const green = data[at + 1] as number
      const blue = data[at + 2] as number
      const alpha = hasAlpha ? (data[at + 3] as number) : 255
      goesOn = use(((red << 24) | (green << 16) | (blue << 8) | alpha) >>> 0, pixel)
    }
  })
  return goesOn
}

/** A table of 32-bit colours in the order of their first use. A Map would keep most of them as objects. */
class Palette {
  /** One more than there may be, so that the last look finds room. */
  readonly colours = new Uint32Array(MOST_COLOURS + 1)
  size = 0
  /** Where a colour hashes to: 1 more than its index, 0 where there is none. Open addressing, a quarter full at most. */
  readonly #slots = new Uint16Array(SLOTS)
  #last = -1
  #lastIndex = 0

  /** The index of a colour, which is added if it is new. */
  indexOf(colour: number): number {
    if (colour === this.#last) return this.#lastIndex
    let slot = Math.imul(colour, HASH_FACTOR) >>> (32 - SLOT_BITS)
    let found = this.#slots[slot] as number
    while (found !== 0 && this.colours[found - 1] !== colour) {
      slot = (slot + 1) % SLOTS
      found = this.#slots[slot] as number
    }
    if (found === 0) {
      this.colours[this.size] = colour
      this.size += 1
      found = this.size
      this.#slots[slot] = found
    }
    this.#last = colour
    this.#lastIndex = found - 1
    return this.#lastIndex
  }
}

/** Rows of indexes, the first in the highest bits of a byte, each row with the number of its filter (none) before it. */
async function pack(indexes: Uint8Array, width: number, height: number, bits: number): Promise<Uint8Array> {
  const inByte = 8 / bits
  const stride = 1 + Math.ceil(width / inByte)
  const rows = new Uint8Array(stride * height)
  await inSlices(height, width, (from, to) => {
    for (let y = from; y < to; y++) {
      for (let x = 0; x < width; x++) {
        const at = y * stride + 1 + Math.floor(x / inByte)
        const shift = 8 - bits * (1 + (x % inByte))
        rows[at] = (rows[at] as number) | ((indexes[y * width + x] as number) << shift)
      }
    }
  })
  return rows
}
