/**
 * Resolves when the event loop has gone round once. Not `setImmediate` of `node:timers/promises`, which Next.js 16.1 replaces
 * with one that calls itself until the stack is full.
 */
export function nextRound(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve)
  })
}

/**
 * Spreads many short pieces of work, such as the hits of a cached build, over several rounds of the event loop, so that
 * timers and requests come in between. Not in one line: an answer that is no promise costs a bundler far less, and a
 * bundler that asks from other threads is let in a thousand times a round (`kMaxIterationCount` in Node's src/node_api.cc),
 * so that nearly all find time where those that wait don't stand before them.
 */
export interface Rounds {
  /**
   * To be asked before each piece, which then begins at once.
   * @returns undefined while the round has time left; else what to wait for, in the order of asking
   */
  turn(): Promise<void> | undefined
}

/** How much of a round is taken, in milliseconds. */
export interface Share {
  /** By what is asked for when the round is under way, which begins at once. */
  readonly atOnceMs: number
  /** By what waits, which comes before that. */
  readonly waitingMs: number
}

/** All together stay below 50. */
const MOST: Share = { atOnceMs: 40, waitingMs: 8 }

/** @param now milliseconds since any moment */
export function createRounds(
  { atOnceMs, waitingMs }: Share = MOST,
  now: () => number = () => performance.now(),
): Rounds {
  const waiting: (() => void)[] = []
  // Of the round that is under way.
  let beganAt: number | undefined
  let isEndAwaited = false

  function awaitEnd(): void {
    if (!isEndAwaited) setImmediate(end)
    isEndAwaited = true
  }

  function end(): void {
    isEndAwaited = false
    beganAt = undefined
    if (waiting.length === 0) return
    awaitEnd()
    admit(now())
  }

  function admit(since: number): void {
    const first = now() - since < waitingMs ? waiting.shift() : undefined
    if (first === undefined) return
    first()
    // Behind the piece that was just admitted.
    queueMicrotask(() => admit(since))
  }

  function hasTime(): boolean {
    beganAt ??= now()
    awaitEnd()
    return now() - beganAt < atOnceMs
  }

  return {
    turn: () => (hasTime() ? undefined : new Promise(resolve => waiting.push(resolve))),
  }
}
