import { setImmediate } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { sumsAround, survey } from './blocks.ts'
import type { Pool } from './pool.ts'
import { BLOCK, FACTS, surveyBlocks } from './survey.mjs'
import type { ResultOf, Task } from './tasks.ts'
import { noise } from './test-support/pictures.ts'

const { signal } = new AbortController()

/** Counts the strips by itself, each after a while. */
function countingPool(onStrip: () => void = () => undefined): {
  pool: Pool
  sizes: number[]
  mostAtOnce: () => number
} {
  const sizes: number[] = []
  let [atOnce, most] = [0, 0]
  const pool: Pool = {
    async run<T extends Task>(task: T) {
      if (task.kind !== 'survey') throw new Error('only strips are expected')
      sizes.push(task.data.length)
      onStrip()
      most = Math.max(most, ++atOnce)
      await new Promise(resolve => setTimeout(resolve, 1))
      atOnce--
      return surveyBlocks(task) as ResultOf<T>
    },
    close: async () => undefined,
  }
  return { pool, sizes, mostAtOnce: () => most }
}

test('a large picture is cut into strips as threads take them', async () => {
  const [width, height] = [2048, 1500]
  const data = new Uint8Array(width * height * 3)
  const { pool, sizes, mostAtOnce } = countingPool()
  await survey({ data, width, height, channels: 3 }, pool, { signal, threads: 1 })
  expect(sizes.reduce((sum, size) => sum + size)).toBe(data.length)
  expect(Math.max(...sizes)).toBeLessThanOrEqual(1 << 20)
  expect(mostAtOnce()).toBe(2)
})

test('many threads have their strips in several rounds of the event loop', async () => {
  let clock = performance.now()
  const now = vi.spyOn(performance, 'now').mockImplementation(() => clock)
  onTestFinished(() => now.mockRestore())
  let [inRound, most] = [0, 0]
  const { pool, sizes } = countingPool(() => {
    clock += 5
    inRound++
  })
  const data = new Uint8Array(2048 * 3 * 1500)
  const work = survey({ data, width: 2048, height: 1500, channels: 3 }, pool, { signal, threads: 64 })
  while (sizes.length < 9) {
    most = Math.max(most, inRound)
    inRound = 0
    await setImmediate()
  }
  await work
  expect(Math.max(most, inRound)).toBeLessThan(6)
})

test('blocks are counted as in one piece', async () => {
  const picture = noise(700, 1003)
  const { pool, sizes } = countingPool()
  const { facts, columns, rows } = await survey(picture, pool, { signal, threads: 2 })
  expect(sizes.length).toBeGreaterThan(1)
  expect([columns, rows]).toEqual([Math.ceil(700 / BLOCK), Math.ceil(1003 / BLOCK)])
  expect(facts).toHaveLength(columns * rows * FACTS)
  expect(Buffer.compare(new Uint8Array(facts.buffer), new Uint8Array(surveyBlocks(picture).buffer))).toBe(0)
})

test.each([
  [7, 5],
  [1, 9],
  [2, 2],
])('sums around each of %i x %i blocks are those of the plain arithmetic', async (columns, rows) => {
  const values = Int32Array.from({ length: columns * rows }, (_, index) => ((index * 37) % 11) - 5)
  for (const taps of [
    [1, 2, 1],
    [1, 1, 1, 1, 1],
  ]) {
    const reach = taps.length >> 1
    const plain = values.map((_, index) => {
      const [x, y] = [index % columns, Math.floor(index / columns)]
      let sum = 0
      for (let dy = -reach; dy <= reach; dy++) {
        for (let dx = -reach; dx <= reach; dx++) {
          const isInside = x + dx >= 0 && x + dx < columns && y + dy >= 0 && y + dy < rows
          const weight = (taps[reach + dx] ?? 0) * (taps[reach + dy] ?? 0)
          if (isInside) sum += weight * (values[index + dy * columns + dx] ?? 0)
        }
      }
      return sum
    })
    expect(await sumsAround(values, { columns, rows }, taps)).toEqual(plain)
  }
})
