import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createRounds } from './event-loop.ts'

/** Pieces of work that take so many milliseconds each, by a clock of their own; where the event loop went round. */
async function workThrough(
  pieces: number,
  pieceMs: number,
): Promise<{ order: number[]; perRound: number[] }> {
  let clock = 0
  const { turn: round } = createRounds(() => clock)
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

test('many pieces are spread over rounds of some 20 ms, in their order', async () => {
  const { order, perRound } = await workThrough(100, 1)
  expect(order).toEqual(Array.from({ length: 100 }, (_, index) => index))
  expect(perRound.length).toBeGreaterThanOrEqual(4)
  expect(Math.max(...perRound)).toBeLessThanOrEqual(25)
})

test('a piece that takes longer than a round is alone in it', async () => {
  const { order, perRound } = await workThrough(5, 50)
  expect(order).toEqual([0, 1, 2, 3, 4])
  expect(perRound).toEqual([1, 1, 1, 1, 1])
})
