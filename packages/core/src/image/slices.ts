import { nextRound } from '../event-loop.ts'

/** How long a loop over samples may hold the thread, in ms; a slice goes a little over it. */
const HELD_MS = 8
/** Samples between two looks at the clock. */
const SLICE = 1 << 16

/**
 * For work in pieces of less than a millisecond.
 *
 * @returns to be asked between two of them: what to wait for, once they have held the thread for long enough
 */
export function createPauses(): () => Promise<void> | undefined {
  let start = performance.now()
  return () => {
    if (performance.now() - start <= HELD_MS) return undefined
    return nextRound().then(() => {
      start = performance.now()
    })
  }
}

/**
 * Runs a loop over the rows of a picture, and lets the event loop go round now and then: a dev server answers, and a build
 * reads and writes, while a large picture is worked on.
 *
 * @param samples how many a row has, for a fair size of the slices
 * @param work does the rows from `from` up to, not including, `to`
 */
export async function inSlices(
  rows: number,
  samples: number,
  work: (from: number, to: number) => void,
): Promise<void> {
  const step = Math.max(1, Math.floor(SLICE / samples))
  let start = performance.now()
  for (let from = 0; from < rows; from += step) {
    if (performance.now() - start > HELD_MS) {
      await nextRound()
      start = performance.now()
    }
    work(from, Math.min(rows, from + step))
  }
}
