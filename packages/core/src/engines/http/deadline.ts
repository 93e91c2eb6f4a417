import { setMaxListeners } from 'node:events'

/** A point in time after which a call is given up, together with the signal of the build around it. */
export interface Deadline {
  /** Aborts at the deadline, and when the build stops or soon after. */
  readonly signal: AbortSignal
  readonly timeoutMs: number
  /** True once the build was stopped, as opposed to time being up. */
  readonly stopped: boolean
  /** Milliseconds left, 0 at least. */
  remainingMs(): number
  /** Must be called at the end, or the timer keeps the process alive. */
  clear(): void
}

/** A timer that is this late was not let run: the process was stopped, or its machine slept. */
const STOPPED_MS = 1000

/** For what came meanwhile to be read: timers run before sockets. */
const READING_MS = 10_000

/**
 * Starts the clock at once. A timer of our own, since Node 20 may collect `AbortSignal.timeout` inside `any`.
 * @param graceMs - how long a request goes on after the build was stopped, for an answer that is worth it
 */
export function startDeadline(timeoutMs: number, stop: AbortSignal, graceMs = 0): Deadline {
  const controller = new AbortController()
  let end = performance.now() + timeoutMs
  const onTime = (): void => {
    const lateMs = performance.now() - end
    if (lateMs < STOPPED_MS) controller.abort()
    else {
      end += lateMs + READING_MS
      timer = setTimeout(() => controller.abort(), READING_MS)
    }
  }
  let timer = setTimeout(onTime, timeoutMs)
  let grace: NodeJS.Timeout | undefined
  const onStop = (): void => {
    if (graceMs === 0) controller.abort()
    else grace = setTimeout(() => controller.abort(), graceMs)
  }
  // Node takes more than ten for a leak. Each call under way has one, and takes it away.
  setMaxListeners(0, stop)
  if (stop.aborted) controller.abort()
  else stop.addEventListener('abort', onStop, { once: true })
  return {
    signal: controller.signal,
    timeoutMs,
    get stopped() {
      return stop.aborted
    },
    remainingMs: () => Math.max(0, end - performance.now()),
    clear() {
      clearTimeout(timer)
      clearTimeout(grace)
      stop.removeEventListener('abort', onStop)
    },
  }
}

/** Waits; ends early, without an error, when the signal aborts: the next attempt then fails with the right words. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done, { once: true })
    if (signal.aborted) done()
  })
}
