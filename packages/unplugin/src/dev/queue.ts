import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Work that a page doesn't wait for: a browser holds six connections to a server, so a few pictures of five seconds
 * each would keep the scripts of the page from loading. Whoever asks waits for a moment, and is then told to show a
 * stand-in; when all work is done, the page is told once.
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
  /** All work is done, and some of it was shown by a stand-in before. */
  onNews(): void
  /** Work failed that was shown by a stand-in. */
  onLateFailure(error: unknown): void
}

interface Job<T> {
  readonly stamp: string
  readonly result: Promise<T>
  /** Settles when the grace, which begins with the work, is over. */
  readonly grace: Promise<undefined>
  hasStandIn: boolean
  /** Set when it failed after nobody waited for it any longer. */
  lateFailure?: { readonly error: unknown }
}

/** How long who asks waits, in milliseconds: longer than a cached picture takes, shorter than a person notices. */
const GRACE_MS = 150

/** How long the queue must be empty before the page is told, since a page asks for its pictures in waves. */
const QUIET_MS = 120

export function createDevQueue<T>({ onNews, onLateFailure }: DevQueueEvents): DevQueue<T> {
  const jobs = new Map<string, Job<T>>()
  const bell = createBell(onNews)
  let isClosed = false

  function begin(key: string, stamp: string, work: () => Promise<T>): Job<T> {
    const job: Job<T> = {
      stamp,
      result: work(),
      grace: sleep(GRACE_MS, undefined, { ref: false }),
      hasStandIn: false,
    }
    jobs.set(key, job)
    bell.workBegins()
    job.result.then(
      () => {
        forget(key, job)
        bell.workEnds(job.hasStandIn)
      },
      error => {
        bell.workEnds(false)
        if (!job.hasStandIn || isClosed) return
        // It stays until somebody asks, or the page would show the stand-in for good.
        job.lateFailure = { error }
        onLateFailure(error)
      },
    )
    return job
  }

  function forget(key: string, job: Job<T>): void {
    if (jobs.get(key) === job) jobs.delete(key)
  }

  return {
    async ask(key, stamp, work) {
      const known = jobs.get(key)
      const job = known?.stamp === stamp ? known : begin(key, stamp, work)
      if (job.lateFailure !== undefined) {
        forget(key, job)
        throw job.lateFailure.error
      }
      try {
        const settled = await Promise.race([job.result.then(value => ({ value })), job.grace])
        if (settled !== undefined) return settled.value
      } catch (error) {
        forget(key, job)
        throw error
      }
      job.hasStandIn = true
      return undefined
    },
    endOf: key => jobs.get(key)?.result,
    close() {
      isClosed = true
      bell.close()
    },
  }
}

interface Bell {
  workBegins(): void
  workEnds(isNews: boolean): void
  close(): void
}

/** Rings once when no work is under way any longer and some of what ended was news. */
function createBell(ring: () => void): Bell {
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
        ring()
      }, QUIET_MS)
      timer.unref()
    },
    close() {
      isClosed = true
      clearTimeout(timer)
    },
  }
}
