/**
 * The engine's arithmetic written down as plainly as possible, on whole pictures. Only the tests use it: the kernel
 * has to give the same bytes.
 */
import type { PixelImage } from 'upscale-core'
import { phasesFor } from '../anchor.ts'
import type { Layer, Model } from '../model.ts'

/** Samples of a picture: any number of channels, edges replicated beyond it. */
interface Plane {
  readonly width: number
  readonly height: number
  readonly channels: number
  readonly at: (x: number, y: number, channel: number) => number
}

export function referenceUpscale(model: Model, image: PixelImage): Uint8Array {
  const { scale } = model
  const samples = samplesOf(image)
  const residual = referenceResidual(model, samples)
  const anchor = referenceAnchor(model, samples)
  return referenceBytes(image, scale, anchor.at, (x, y, colour) => {
    const channel = (colour * scale + (y % scale)) * scale + (x % scale)
    return residual.at(Math.floor(x / scale), Math.floor(y / scale), channel)
  })
}

/** The last step: sums of anchor and residual, where that counts, limited by the input around them, as bytes. */
export function referenceBytes(
  image: PixelImage,
  scale: number,
  anchorAt: Plane['at'],
  residualAt: Plane['at'],
): Uint8Array {
  const samples = samplesOf(image)
  const counts = referenceCounts(samples)
  const straight = referenceStraight(samples)
  const width = image.width * scale
  const out = new Uint8Array(width * image.height * scale * image.channels)
  for (let y = 0; y < image.height * scale; y++) {
    for (let x = 0; x < width; x++) {
      const [column, row] = [Math.floor(x / scale), Math.floor(y / scale)]
      const counted = counts.at(column, row, 0)
      const bytes = [0, 1, 2].map(colour => {
        const own = samples.at(column, row, colour)
        const limits = limitsAt(samples, column, row, colour, scale * scale - 1)
        const [low, high] = straight.at(column, row, 0) === 1 ? [own, own] : limits
        const sum = anchorAt(x, y, colour) + counted * residualAt(x, y, colour)
        return Math.floor((clamp(sum, low, high) * 255 + 2048) / 4096)
      })
      const at = (y * width + x) * image.channels
      if (image.channels === 3) out.set(bytes, at)
      else out[at] = Math.round(bytes.reduce((sum, byte) => sum + byte, 0) / 3)
    }
  }
  return out
}

export function samplesOf({ data, width, height, channels }: PixelImage): Plane {
  const at = (x: number, y: number, channel: number): number => {
    const pixel = clamp(y, 0, height - 1) * width + clamp(x, 0, width - 1)
    const value = data[pixel * channels + (channels === 1 ? 0 : channel)] ?? 0
    return Math.floor((value * 4096) / 255 + 0.5)
  }
  return { width, height, channels: 3, at }
}

/** The last layer's channels, for every pixel of the picture. */
export function referenceResidual({ layers }: Model, samples: Plane): Plane {
  const halo = layers.length
  let plane: Plane = { ...samples, width: samples.width + 2 * halo, height: samples.height + 2 * halo }
  plane = stored({ ...plane, at: (x, y, channel) => samples.at(x - halo, y - halo, channel) })
  for (const layer of layers) plane = referenceLayer(plane, layer, layer === layers.at(-1))
  return plane
}

function referenceLayer(input: Plane, layer: Layer, last: boolean): Plane {
  const { inputs, outputs, shift, weights, biases } = layer
  const at = (x: number, y: number, output: number): number => {
    let sum = BigInt(biases[output] ?? 0)
    for (let channel = 0; channel < inputs; channel++) {
      for (let tap = 0; tap < 9; tap++) {
        const weight = weights[(output * inputs + channel) * 9 + tap] ?? 0
        sum += BigInt(weight * input.at(x + (tap % 3), y + Math.floor(tap / 3), channel))
      }
    }
    // Sums are int32 and wrap, though a sound weight file never lets them.
    const value = BigInt.asIntN(32, sum + (1n << BigInt(shift - 1))) >> BigInt(shift)
    return clamp(Number(value), last ? -32768 : 0, 32767)
  }
  return stored({ width: input.width - 2, height: input.height - 2, channels: outputs, at })
}

export function referenceAnchor({ anchor, scale }: Model, samples: Plane): Plane {
  const phases = phasesFor(anchor, scale)
  const wide = stored({
    ...samples,
    width: samples.width * scale,
    height: samples.height + 4,
    at: (x, y, channel) => {
      const { first = 0, weights = [] } = phases[x % scale] ?? {}
      const start = Math.floor(x / scale) + first
      const sum = weights.reduce((total, w, k) => total + w * samples.at(start + k, y - 2, channel), 0)
      return Math.floor((sum + 512) / 1024)
    },
  })
  return stored({
    ...wide,
    height: samples.height * scale,
    at: (x, y, channel) => {
      const { first = 0, weights = [] } = phases[y % scale] ?? {}
      const start = Math.floor(y / scale) + first + 2
      const sum = weights.reduce((total, w, k) => total + w * wide.at(x, start + k, channel), 0)
      return Math.floor((sum + 2 ** 17) / 2 ** 18)
    },
  })
}

/** 1 where the network's word counts: within four pixels of a rough one. 0 where it is smooth. */
function referenceCounts(samples: Plane): Plane {
  const rough = stored({
    ...samples,
    width: samples.width + 8,
    height: samples.height + 8,
    channels: 1,
    at: (x, y) => {
      const ranges = [0, 1, 2].map(channel => {
        const [low, high] = rangeAt(samples, x - 4, y - 4, channel)
        return high - low
      })
      return Math.max(...ranges) > 33 ? 1 : 0
    },
  })
  const steps = [0, 1, 2, 3, 4, 5, 6, 7, 8]
  return stored({
    ...samples,
    channels: 1,
    at: (x, y) => Math.max(...steps.flatMap(dy => steps.map(dx => rough.at(x + dx, y + dy, 0)))),
  })
}

/**
 * 1 where a rough pixel is of a straight line or edge: the 5x5 pixels around it are of two colours and don't change in
 * one direction.
 */
function referenceStraight(samples: Plane): Plane {
  const colour = (x: number, y: number): string => [0, 1, 2].map(c => samples.at(x, y, c)).join()
  const isRun = (across: readonly string[][]): boolean =>
    across.every(line => new Set(line).size === 1) && new Set(across.flat()).size === 2
  const five = [-2, -1, 0, 1, 2]
  return stored({
    ...samples,
    channels: 1,
    at: (x, y) => {
      const ranges = [0, 1, 2].map(channel => {
        const [low, high] = rangeAt(samples, x, y, channel)
        return high - low
      })
      if (Math.max(...ranges) <= 33) return 0
      const upright = five.map(dx => five.map(dy => colour(x + dx, y + dy)))
      const level = five.map(dy => five.map(dx => colour(x + dx, y + dy)))
      return isRun(upright) || isRun(level) ? 1 : 0
    },
  })
}

function rangeAt(samples: Plane, x: number, y: number, channel: number): [number, number] {
  const around = [-1, 0, 1].flatMap(dy => [-1, 0, 1].map(dx => samples.at(x + dx, y + dy, channel)))
  return [Math.min(...around), Math.max(...around)]
}

function limitsAt(samples: Plane, x: number, y: number, channel: number, reach: number): [number, number] {
  const [low, high] = rangeAt(samples, x, y, channel)
  const margin = reach * (high - low)
  return [Math.max(low - margin, 0), Math.min(high + margin, 4096)]
}

/** Computes a plane once. */
function stored({ width, height, channels, at }: Plane): Plane {
  const values = new Int32Array(width * height * channels)
  let i = 0
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < channels; channel++) values[i++] = at(x, y, channel)
    }
  }
  return { width, height, channels, at: (x, y, channel) => values[(y * width + x) * channels + channel] ?? 0 }
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most)
}
