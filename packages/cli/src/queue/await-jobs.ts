import type { Job } from 'bullmq'
import type { QueueLink, QueuePlace } from './connect.ts'
import { type Failure, failureOf, readOrder } from './work-order.ts'

/** Waits for jobs by key, however they end. */
export interface JobWatch {
  /** Resolves when a job is no longer in the queue, with how it failed where it did. */
  end(key: string): Promise<Failure | undefined>
  close(): Promise<void>
}

/** Events tell at once; one that was missed while Redis was away is found by looking. */
const LOOK_EVERY_MS = 5000

/** To be made before the jobs are, so that no end is missed. */
export async function watchJobs(
  { bullmq, queue, connect, isEvicting }: QueueLink,
  { name }: QueuePlace,
): Promise<JobWatch> {
  const events = new bullmq.QueueEvents(name, { connection: connect(), skipVersionCheck: isEvicting })
  await events.waitUntilReady()
  const waiting = new Map<string, (failure: Failure | undefined) => void>()

  async function look(key: string): Promise<void> {
    const job: Job | undefined = await queue.getJob(key)
    if (job === undefined || (await job.isCompleted())) settle(key, undefined)
    else if (await job.isFailed())
      settle(key, readOrder(job)?.failure ?? failureOf(new Error(job.failedReason)))
  }

  function settle(key: string, failure: Failure | undefined): void {
    waiting.get(key)?.(failure)
    waiting.delete(key)
  }

  // Redis may be away for a moment; the next look may see.
  const tryLook = (key: string): void => void look(key).catch(() => undefined)
  events.on('completed', ({ jobId }) => settle(jobId, undefined))
  events.on('failed', ({ jobId }) => {
    if (waiting.has(jobId)) tryLook(jobId)
  })
  events.on('error', () => {})
  const timer = setInterval(() => {
    for (const key of waiting.keys()) tryLook(key)
  }, LOOK_EVERY_MS)

  return {
    end: key =>
      new Promise(resolve => {
        waiting.set(key, resolve)
        tryLook(key)
      }),
    async close() {
      clearInterval(timer)
      await events.close()
    },
  }
}
