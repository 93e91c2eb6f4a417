import { setImmediate } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { inSlices } from './slices.ts'

const ROW = 1 << 16
const SLICE_MS = 1
/** What loops may take of a round and one slice more, twice: the rounds of this test begin between theirs. */
const MOST_SLICES = 2 * 9

/** Only slices move it on. */
let clock = 0
vi.spyOn(performance, 'now').mockImplementation(() => clock)

/** The most slices between two rounds of the event loop. */
async function mostInARound(work: (slice: () => void) => Promise<unknown>): Promise<number> {
  let isDone = false
  let [inRound, most] = [0, 0]
  const watch = (async () => {
    while (!isDone) {
      most = Math.max(most, inRound)
      inRound = 0
      await setImmediate()
    }
  })()
  await work(() => {
    clock += SLICE_MS
    inRound++
  })
  isDone = true
  await watch
  return Math.max(most, inRound)
}

test('a long loop lets the event loop go round', async () => {
  expect(await mostInARound(slice => inSlices(50, ROW, slice))).toBeLessThanOrEqual(MOST_SLICES)
})

test('loops of several pictures share a round, and none waits for the end of another', async () => {
  const order: number[] = []
  const loops = [0, 1, 2, 3, 4, 5]
  const most = await mostInARound(slice =>
    Promise.all(
      loops.map(async loop => {
        await inSlices(30, ROW, slice)
        order.push(loop)
      }),
    ),
  )
  expect(most).toBeLessThanOrEqual(MOST_SLICES)
  expect(order).toEqual(loops)
})

test('short loops that follow one another share a round', async () => {
  const most = await mostInARound(async slice => {
    for (let step = 0; step < 10; step++) await inSlices(5, ROW, slice)
  })
  expect(most).toBeLessThanOrEqual(MOST_SLICES)
})
