import type { PixelImage } from 'upscale-core'
import { afterAll, describe, expect, it } from 'vitest'
import { enlarge } from './enlarge.ts'
import type { Model } from './model.ts'
import { createPool } from './pool.ts'
import { compileProgram } from './program.ts'
import { referenceUpscale } from './reference.ts'

const pool = createPool(2)
afterAll(() => pool.close())
const signal = new AbortController().signal

/** Small numbers without a pattern, the same on every run. */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

function randomModel(scale: number, channels: number[], anchor: Model['anchor'] = 'bicubic', size = 3000): Model {
  const random = randomNumbers(scale * 1000 + channels.length)
  const sizes = [3, ...channels, 3 * scale * scale]
  const layers = sizes.slice(1).map((outputs, index) => {
    const inputs = sizes[index] ?? 0
    const pick = (reach: number): number => Math.floor((random() * 2 - 1) * reach)
    return {
      inputs,
      outputs,
      shift: 13,
      weights: Int16Array.from({ length: inputs * outputs * 9 }, () => pick(size)),
      biases: Int32Array.from({ length: outputs }, () => pick(1 << 24)),
    }
  })
  return { name: 'random', scale, anchor, layers }
}

function noise(width: number, height: number, channels: 1 | 3 = 3): PixelImage {
  const random = randomNumbers(width * 31 + height)
  const data = Uint8Array.from({ length: width * height * channels }, () => Math.floor(random() * 256))
  return { data, width, height, channels }
}

describe('the kernel gives the bytes of the plain arithmetic', () => {
  it.each([
    ['x2, 16 channels', randomModel(2, [16, 16])],
    ['x3, channels that are no multiple of eight', randomModel(3, [12, 5])],
    ['x4, 8 channels, four layers', randomModel(4, [8, 8, 8])],
    ['one layer only', randomModel(2, [])],
    ['nearest anchor', randomModel(2, [8], 'nearest')],
    ['weights so large that everything clamps', randomModel(2, [16, 16], 'bicubic', 32767)],
    ['weights so small that the anchor decides', randomModel(3, [8], 'bicubic', 4)],
  ])('%s', async (_name, model) => {
    const image = noise(21, 13)
    const { data } = await enlarge(image, compileProgram(model), pool, { signal, threads: 2 })
    expect(data).toEqual(referenceUpscale(model, image))
  })
})
