import { readdirSync, readFileSync } from 'node:fs'
import type { PixelImage } from 'upscale-core'
import { afterAll, describe, expect, it } from 'vitest'
import { enlarge } from './enlarge.ts'
import { mirrored } from './mirror.ts'
import { parseModel } from './model.ts'
import { compileNetwork } from './network.ts'
import { createPool } from './pool.ts'
import { mirrorImage } from './test-support/pictures.ts'
import { referenceAnchor, referenceBytes, samplesOf } from './test-support/reference.ts'

/** What the training recipe's reference, another implementation in Python, makes of the weights it exported. */
interface Golden {
  readonly weights: string
  readonly cases: readonly GoldenCase[]
}

interface GoldenCase {
  readonly name: string
  readonly width: number
  readonly height: number
  readonly input: readonly number[]
  /** Of the result's size, 12 bits. */
  readonly anchor: readonly number[]
  readonly residual: readonly number[]
}

const folder = new URL('../weights/', import.meta.url)
const pool = createPool(1)
const options = { signal: new AbortController().signal, threads: 1 }
afterAll(() => pool.close())

describe.each(readdirSync(new URL('golden/', folder)).filter(name => name.endsWith('.json')))('%s', file => {
  const golden = JSON.parse(readFileSync(new URL(`golden/${file}`, folder), 'utf8')) as Golden
  const model = parseModel(readFileSync(new URL(golden.weights, folder)), golden.weights)
  const { scale } = model

  it.each(golden.cases)('$name comes out as the recipe says', async ({ width, height, input, ...sums }) => {
    const image: PixelImage = { data: Uint8Array.from(input), width, height, channels: 3 }
    const { data } = await enlarge(image, await compileNetwork(model), pool, options)
    const within = (values: readonly number[]) => (x: number, y: number, colour: number) =>
      values[(y * width * scale + x) * 3 + colour] ?? 0
    const expected = referenceBytes(image, scale, within(sums.anchor), within(sums.residual))
    expect(data).toEqual(expected)
  })

  it('mirrored does to mirror images what the recipe says', async () => {
    const mirroring = { across: true, down: true }
    const network = await compileNetwork(mirrored(model, mirroring))
    for (const { width, height, input, residual } of golden.cases) {
      const image = mirrorImage({ data: Uint8Array.from(input), width, height, channels: 3 }, mirroring)
      const { data } = await enlarge(image, network, pool, options)
      const [rows, columns] = [height * scale, width * scale]
      const expected = referenceBytes(
        image,
        scale,
        referenceAnchor(model, samplesOf(image)).at,
        (x, y, colour) => residual[((rows - 1 - y) * columns + columns - 1 - x) * 3 + colour] ?? 0,
      )
      expect(Buffer.compare(data, expected)).toBe(0)
    }
  })
})
