/**
 * Resolves when the event loop has gone round once. Not `setImmediate` of `node:timers/promises`, which Next.js 16.1 replaces
 * with one that calls itself until the stack is full.
 */
export function nextRound(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve)
  })
}
