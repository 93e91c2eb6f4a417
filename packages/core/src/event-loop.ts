/**
 * Resolves when the event loop has gone round once. Not `setImmediate` of `node:timers/promises`, which Next.js 16.1 replaces
 * with one that calls itself until the stack is full.
 */
export function nextRound(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve)
  })
}

/** How long what is asked for may take up a round of the event loop at once, in milliseconds. */
const AT_ONCE_MS = 40

/** The same for what waits, which comes after that: all together stay below 50. */
const WAITING_MS = 8

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
  /** False when the time of a round is used up, for who would rather do something else than wait. */
  hasTime(): boolean
}

/** @param now milliseconds since any moment */
export function createRounds(now: () => number = () => performance.now()): Rounds {
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
    const first = now() - since < WAITING_MS ? waiting.shift() : undefined
    if (first === undefined) return
    first()
    // Behind the piece that was just admitted.
    queueMicrotask(() => admit(since))
  }

  function hasTime(): boolean {
    beganAt ??= now()
    awaitEnd()
    return now() - beganAt < AT_ONCE_MS
  }

  return {
    turn: () => (hasTime() ? undefined : new Promise(resolve => waiting.push(resolve))),
    hasTime,
  }
}
