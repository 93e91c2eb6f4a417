import { constants } from 'node:os'
import type { Upscaler } from 'upscale-core'
import { outliveReaders } from './outlive-readers.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * One Ctrl-C may arrive several times: from the terminal, from the npm that started the process, and from a host that
 * puts its own things in order and sends the signal to itself again, as the command line of Vite 8.4 does.
 */
const ONE_PRESS_MS = 500

/**
 * Tells the first signal that asks the process to stop from a second one. Repeats within half a second of the first are
 * the same request.
 *
 * @param onFirst - called once
 * @param onSecond - called for each later one; a person has lost patience
 * @returns takes the handlers away again
 */
export function onStopSignals(
  onFirst: (signal: NodeJS.Signals) => void,
  onSecond: (signal: NodeJS.Signals) => void,
): () => void {
  let since: number | undefined
  const stop = (signal: NodeJS.Signals): void => {
    if (since === undefined) {
      since = performance.now()
      onFirst(signal)
    } else if (performance.now() - since > ONE_PRESS_MS) onSecond(signal)
  }
  // Before those of a host, which may end the process.
  for (const signal of SIGNALS) process.prependListener(signal, stop)
  const forgetReaders = outliveReaders()
  return () => {
    for (const signal of SIGNALS) process.off(signal, stop)
    forgetReaders()
  }
}

/**
 * Lets a stopped build keep what it pays for. The first signal begins no further engine call, waits for those under
 * way, stores their answers and then ends the process by the same signal; a second one ends it at once.
 *
 * @param tell takes the line that says what is waited for
 * @returns takes the handlers away again
 */
export function drainOnSignals(upscaler: Pick<Upscaler, 'drain'>, tell: (text: string) => void): () => void {
  let letExit = (): void => {}
  const remove = onStopSignals(
    signal => {
      letExit = holdExit()
      tell('stopping: waiting for the pictures under way, which are kept (again to leave at once)')
      upscaler.drain().finally(() => {
        remove()
        letExit()
        process.kill(process.pid, signal)
      })
    },
    signal => {
      letExit()
      process.exit(128 + constants.signals[signal])
    },
  )
  return remove
}

/**
 * Keeps a host from ending the process in its own handler of the signal, as the command line of Next.js does. It is asked
 * again, by the same signal, when that may be.
 *
 * @returns lets it
 */
function holdExit(): () => void {
  const { exit } = process
  const held = (): void => {}
  process.exit = held as typeof exit
  return () => {
    process.exit = exit
  }
}
