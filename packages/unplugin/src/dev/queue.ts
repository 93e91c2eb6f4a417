import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Work that a page doesn't wait for: a browser holds six connections to a server, so a few pictures of five seconds
 * each would keep the scripts of the page from loading. Whoever asks waits for a moment, and is then told to show a
 * placeholder; when all work is done, the page is told once.
 */
export interface DevQueue<T> {
  /**
   * The result of the work, or undefined when it takes longer than the grace. Work under the same key and stamp is
   * begun once. The failure of work that nobody waited for any longer is thrown at the next who asks.
   */
  ask(key: string, stamp: string, work: () => Promise<T>): Promise<T | undefined>
  /** How work that was asked for ends, however long that takes; undefined when there is none under way. */
  endOf(key: string): Promise<T> | undefined
  /** Forgets that somebody is to be told. */
  close(): void
}

export interface DevQueueEvents {
  /** All work is done, and some of it was shown by a placeholder before. */
  onNews(): void
  /** Work failed that was shown by a placeholder. */
  onLateFailure(error: unknown): void
}

interface DevTask<T> {
  readonly stamp: string
  readonly result: Promise<T>
  /** Settles when the grace, which begins with the work, is over. */
  readonly grace: Promise<undefined>
  hasPlaceholder: boolean
  /** Set when it failed after nobody waited for it any longer. */
  lateFailure?: { readonly error: unknown }
}

/** How long who asks waits, in milliseconds: longer than a cached picture takes, shorter than a person notices. */
const GRACE_MS = 150

/** How long the queue must be empty before the page is told, since a page asks for its pictures in waves. */
const QUIET_MS = 120

export function createDevQueue<T>({ onNews, onLateFailure }: DevQueueEvents): DevQueue<T> {
  const tasks = new Map<string, DevTask<T>>()
  const gate = createNewsGate(onNews)
  let isClosed = false

  function begin(key: string, stamp: string, work: () => Promise<T>): DevTask<T> {
    const task: DevTask<T> = {
      stamp,
      result: work(),
      grace: sleep(GRACE_MS, undefined, { ref: false }),
      hasPlaceholder: false,
    }
    tasks.set(key, task)
    gate.workBegins()
    task.result.then(
      () => {
        forget(key, task)
        gate.workEnds(task.hasPlaceholder)
      },
      error => {
        gate.workEnds(false)
        if (!task.hasPlaceholder || isClosed) return
        // It stays until somebody asks, or the page would show the placeholder for good.
        task.lateFailure = { error }
        onLateFailure(error)
      },
    )
    return task
  }

  function forget(key: string, task: DevTask<T>): void {
    if (tasks.get(key) === task) tasks.delete(key)
  }

  return {
    async ask(key, stamp, work) {
      const known = tasks.get(key)
      const task = known?.stamp === stamp ? known : begin(key, stamp, work)
      if (task.lateFailure !== undefined) {
        forget(key, task)
        throw task.lateFailure.error
      }
      try {
        const settled = await Promise.race([task.result.then(value => ({ value })), task.grace])
        if (settled !== undefined) return settled.value
      } catch (error) {
        forget(key, task)
        throw error
      }
      task.hasPlaceholder = true
      return undefined
    },
    endOf: key => tasks.get(key)?.result,
    close() {
      isClosed = true
      gate.close()
    },
  }
}

interface NewsGate {
  workBegins(): void
  workEnds(isNews: boolean): void
  close(): void
}

/** Rings once when no work is under way any longer and some of what ended was news. */
function createNewsGate(notify: () => void): NewsGate {
  let underWay = 0
  let hasNews = false
  let timer: NodeJS.Timeout | undefined
  let isClosed = false
  return {
    workBegins() {
      underWay++
    },
    workEnds(isNews) {
      underWay--
      hasNews ||= isNews
      if (underWay > 0 || !hasNews || isClosed) return
      clearTimeout(timer)
      timer = setTimeout(() => {
        if (underWay > 0) return
        hasNews = false
        notify()
      }, QUIET_MS)
      timer.unref()
    },
    close() {
      isClosed = true
      clearTimeout(timer)
    },
  }
}
