import { createRounds } from '../event-loop.ts'

/**
 * How long those loops over samples that waited, and then those that come, may hold the thread in a round, in ms; the last slice
 * of either goes a little over it.
 */
const HELD_MS = 8
/** Samples between two looks at the clock. */
const SLICE = 1 << 16

/** One for the process: several pictures at once, and the steps of each that follow one another, share a round. */
const rounds = createRounds({ atOnceMs: HELD_MS, waitingMs: HELD_MS })

/**
 * To be asked before each piece of work on samples that takes less than a few milliseconds, and then begins at once.
 *
 * @returns what to wait for, once such work has held the thread for long enough
 */
export function sliceTurn(): Promise<void> | undefined {
  return rounds.turn()
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
  for (let from = 0; from < rows; from += step) {
    const turn = sliceTurn()
    if (turn !== undefined) await turn
    work(from, Math.min(rows, from + step))
  }
}
