import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createRounds } from './event-loop.ts'

/** Pieces of work that take so many milliseconds each, by a clock of their own; where the event loop went round. */
async function workThrough(
  pieces: number,
  pieceMs: number,
): Promise<{ order: number[]; perRound: number[] }> {
  let clock = 0
  const { turn: round } = createRounds(undefined, () => clock)
  const order: number[] = []
  const perRound: number[] = []
  let inRound = 0
  let isDone = false
  const work = Array.from({ length: pieces }, async (_, index) => {
    const next = round()
    if (next !== undefined) await next
    clock += pieceMs
    order.push(index)
    inRound++
  })
  const watch = (async () => {
    while (!isDone) {
      await setImmediate()
      if (inRound > 0) perRound.push(inRound)
      inRound = 0
    }
  })()
  await Promise.all(work)
  isDone = true
  await watch
  return { order, perRound }
}

test('many pieces are spread over rounds of less than 50 ms, in their order', async () => {
  const { order, perRound } = await workThrough(100, 1)
  expect(order).toEqual(Array.from({ length: 100 }, (_, index) => index))
  expect(perRound.length).toBeGreaterThanOrEqual(6)
  expect(Math.max(...perRound)).toBeLessThan(50)
})

test('of pieces that take longer than a round, one that waited has its turn in each', async () => {
  const { order, perRound } = await workThrough(5, 50)
  expect(order).toEqual([0, 1, 2, 3, 4])
  expect(perRound).toEqual([2, 1, 1, 1])
})

test('what waits is not kept waiting by what comes later', async () => {
  let clock = 0
  const { turn } = createRounds(undefined, () => clock)
  const passed: string[] = []
  const piece = async (name: string): Promise<void> => {
    const next = turn()
    if (next !== undefined) await next
    clock += 30
    passed.push(name)
  }
  const early = ['a', 'b', 'c', 'd'].map(piece)
  for (let round = 0; round < 3; round++) {
    await setImmediate()
    early.push(piece(`late ${round}`), piece(`later ${round}`))
  }
  await Promise.all(early)
  expect(passed.slice(0, 2)).toEqual(['a', 'b'])
  expect(passed.indexOf('d')).toBeLessThan(passed.indexOf('late 2'))
})
