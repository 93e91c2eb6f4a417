/** Pictures and networks made up for the tests; the same on every run. */
import type { PixelImage } from 'upscale-core'
import type { Model } from '../model.ts'

export function noise(width: number, height: number, channels: 1 | 3 = 3): PixelImage {
  const random = randomNumbers(width * 31 + height)
  return paint(width, height, channels, () => Math.floor(random() * 256))
}

export function flat(width: number, height: number, colour: readonly number[]): PixelImage {
  return paint(width, height, colour.length === 1 ? 1 : 3, (_x, _y, channel) => colour[channel] ?? 0)
}

export function paint(
  width: number,
  height: number,
  channels: 1 | 3,
  value: (x: number, y: number, channel: number) => number,
): PixelImage {
  const data = Uint8Array.from({ length: width * height * channels }, (_, i) => {
    const pixel = Math.floor(i / channels)
    return value(pixel % width, Math.floor(pixel / width), i % channels)
  })
  return { data, width, height, channels }
}

/** Numbers of a picture, turned clockwise by so many quarters, or back. */
export function turned<T extends Uint8Array | Int32Array>(
  { data, width, height, channels }: Omit<PixelImage, 'data'> & { readonly data: T },
  quarters: number,
): Omit<PixelImage, 'data'> & { readonly data: T } {
  if (quarters < 0) return turned({ data, width, height, channels }, quarters + 4)
  if (quarters === 0) return { data, width, height, channels }
  const to = data.slice() as T
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * width + x) * channels
      to.set(data.subarray(from, from + channels), (x * height + (height - 1 - y)) * channels)
    }
  }
  return turned({ data: to, width: height, height: width, channels }, quarters - 1)
}

/**
 * A network of random weights up to `size` over 2**13; of size 0 it adds nothing, so the result is the anchor.
 * @param channels of the layers between the first and the last
 */
export function randomModel(
  scale: number,
  channels: readonly number[],
  { anchor = 'bicubic', size = 3000 }: { anchor?: Model['anchor']; size?: number } = {},
): Model {
  const random = randomNumbers(scale * 1000 + channels.length)
  const symmetric = (reach: number): number => Math.floor((random() * 2 - 1) * reach)
  const sizes = [3, ...channels, 3 * scale * scale]
  const layers = sizes.slice(1).map((outputs, index) => {
    const inputs = sizes[index] ?? 0
    const weights = Int16Array.from({ length: inputs * outputs * 9 }, () => symmetric(size))
    const biases = Int32Array.from({ length: outputs }, () => symmetric(size * 5000))
    return { inputs, outputs, shift: 13, weights, biases }
  })
  return { name: 'random', scale, anchor, layers }
}

function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}
