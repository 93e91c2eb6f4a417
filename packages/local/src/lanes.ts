import { setMaxListeners } from 'node:events'

/** One piece in work and one waiting. */
const LANES_PER_THREAD = 2

/** How many pieces are on their way to that many threads. */
export function lanesFor(threads: number): number {
  return threads * LANES_PER_THREAD
}

/**
 * Works on pieces of a picture, so many at a time as keep the threads busy: each lane takes the next piece when its last is
 * done, which bounds the pieces in memory. Once one fails or the signal aborts, no other is begun.
 *
 * @param work is told by `stop` when nobody waits for a piece any more
 * @throws what a piece failed with, or the signal's reason
 */
export async function inLanes<T>(
  pieces: Iterable<T>,
  { signal, threads }: { readonly signal: AbortSignal; readonly threads: number },
  work: (piece: T, stop: AbortSignal) => Promise<void>,
): Promise<void> {
  const failure = new AbortController()
  const stop = AbortSignal.any([signal, failure.signal])
  const lanes = lanesFor(threads)
  setMaxListeners(lanes, stop)
  // One for all.
  const left = pieces[Symbol.iterator]()
  const lane = async (): Promise<void> => {
    for (let next = left.next(); next.done !== true; next = left.next()) {
      stop.throwIfAborted()
      await work(next.value, stop)
    }
  }
  try {
    await Promise.all(Array.from({ length: lanes }, lane))
  } catch (error) {
    failure.abort(error)
    throw error
  }
}
