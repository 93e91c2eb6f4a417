import { constants } from 'node:os'
import type { Upscaler } from 'upscale-core'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Lets a stopped build keep what it pays for. The first signal begins no further engine call, waits for those under
 * way, stores their answers and then ends the process by the same signal; a second one ends it at once.
 *
 * @param tell takes the line that says what is waited for
 * @returns takes the handlers away again
 */
export function drainOnSignals(upscaler: Pick<Upscaler, 'drain'>, tell: (text: string) => void): () => void {
  let draining = false
  const remove = (): void => {
    for (const signal of SIGNALS) process.off(signal, stop)
  }
  const stop = (signal: NodeJS.Signals): void => {
    if (draining) process.exit(128 + constants.signals[signal])
    draining = true
    tell('stopping: waiting for the pictures under way, which are kept (again to leave at once)')
    upscaler.drain().finally(() => {
      remove()
      process.kill(process.pid, signal)
    })
  }
  for (const signal of SIGNALS) process.on(signal, stop)
  return remove
}
