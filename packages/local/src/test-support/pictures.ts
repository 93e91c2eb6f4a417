/** Pictures and networks made up for the tests; the same on every run. */
import type { PixelImage } from 'upscale-core'
import type { Mirroring } from '../mirror.ts'
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

export function mirrorImage(image: PixelImage, { across, down }: Mirroring): PixelImage {
  const { data, width, height, channels } = image
  return paint(width, height, channels === 1 ? 1 : 3, (x, y, channel) => {
    const [column, row] = [across ? width - 1 - x : x, down ? height - 1 - y : y]
    return data[(row * width + column) * channels + channel] ?? 0
  })
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
