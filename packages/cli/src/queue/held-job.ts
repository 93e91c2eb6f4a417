import type { Job } from 'bullmq'
import type { QueueLink } from './connect.ts'

/**
 * Puts other data into a job if this worker still has it, and has it for as long again.
 * @returns false, and nothing is changed, where the job was given to another worker, or may be at any moment
 */
export type WriteHeld = (job: Job, token: string, data: object) => Promise<boolean>

// Looking and writing are one step: a worker that is put to sleep between the two would wake up and write over what the
// one noted that has the job by now, and the note of a call is what keeps it from being made a second time.
const SCRIPT = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] or redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
redis.call('HSET', KEYS[2], 'data', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1`

/** @param lockMs - how long a worker may be silent */
export function createWriteHeld({ queue, connect }: QueueLink, lockMs: number): WriteHeld {
  const client = connect()
  return async (job, token, data) => {
    const key = queue.toKey(job.id ?? '')
    const text = JSON.stringify(data)
    if ((await client.eval(SCRIPT, 2, `${key}:lock`, key, token, lockMs, text)) !== 1) return false
    job.data = data
    return true
  }
}
