/**
 * Resolves when the event loop has gone round once. Not `setImmediate` of `node:timers/promises`, which Next.js 16.1 replaces
 * with one that calls itself until the stack is full.
 */
export function nextRound(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve)
  })
}

/** How long a round of the event loop may be taken up, in milliseconds. */
const ROUND_MS = 20

/**
 * Spreads many short pieces of work, such as the hits of a cached build, over several rounds of the event loop, so that
 * timers and requests come in between.
 */
export interface Rounds {
  /**
   * To be asked before each piece, which then begins at once.
   * @returns undefined while the round has time left; else what to wait for, in the order of asking
   */
  turn(): Promise<void> | undefined
}

/** @param now milliseconds since any moment */
export function createRounds(now: () => number = () => performance.now()): Rounds {
  const waiting: (() => void)[] = []
  // Of the round that is under way.
  let beganAt: number | undefined

  function begin(): void {
    beganAt = now()
    // The first of the two ends the round that this was called in.
    setImmediate(() => setImmediate(next))
  }

  function next(): void {
    beganAt = undefined
    if (waiting.length === 0) return
    begin()
    admit()
  }

  function admit(): void {
    if (beganAt === undefined || now() - beganAt >= ROUND_MS) return
    const first = waiting.shift()
    if (first === undefined) return
    first()
    // Behind the piece that was just admitted.
    queueMicrotask(admit)
  }

  function hasTime(): boolean {
    if (beganAt === undefined) begin()
    return beganAt !== undefined && now() - beganAt < ROUND_MS
  }

  return {
    turn: () =>
      waiting.length === 0 && hasTime() ? undefined : new Promise(resolve => waiting.push(resolve)),
  }
}
