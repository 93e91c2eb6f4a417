import { readFile } from 'node:fs/promises'
import type { Job, Queue } from 'bullmq'
import { UpscaleError, type UpscaleRequest } from 'upscale-core'
import { digestOf, type RemoteStore } from 'upscale-core/internal'
import {
  type Failure,
  INPUT_SECONDS,
  inputKey,
  MAX_INPUT_BYTES,
  readOrder,
  type WorkOrder,
} from './work-order.ts'

/** A picture whose answer is missing. */
export interface Wanted {
  readonly file: string
  readonly name: string
  readonly request: Partial<UpscaleRequest>
  /** The key of the answer. */
  readonly key: string
}

/** Attempts at a job whose failures may pass; a crash of a worker is not one of them. */
const ATTEMPTS = 3

const BACKOFF = { type: 'exponential', delay: 2000 }

/** `queued`, `waiting` for a job that was there, or how that failed. */
export type Handed = 'queued' | 'waiting' | Failure

/**
 * Makes the function that hands a picture over, unless somebody did already.
 *
 * A job that failed is the memory of why. It is begun again, except where that could cost a second time: then only
 * with `retry`.
 */
export function createHandOver(
  queue: Queue,
  store: RemoteStore,
  retry: boolean,
): (wanted: Wanted) => Promise<Handed> {
  const handed = new Map<string, Promise<Handed>>()
  return async wanted => {
    // The same picture under another name is the same job.
    const earlier = handed.get(wanted.key)
    if (earlier !== undefined) {
      const result = await earlier
      return result === 'queued' ? 'waiting' : result
    }
    const handing = handOver(wanted, queue, store, retry)
    handed.set(wanted.key, handing)
    return handing
  }
}

async function handOver(wanted: Wanted, queue: Queue, store: RemoteStore, retry: boolean): Promise<Handed> {
  const { key } = wanted
  const known: Job | undefined = await queue.getJob(key)
  if (known !== undefined && (await known.isFailed())) return beginAgain(known, wanted, store, retry)
  if (known !== undefined) return 'waiting'
  const order = await bring(wanted, store)
  await queue.add('answer', retry ? { ...order, retry } : order, {
    jobId: key,
    attempts: ATTEMPTS,
    backoff: BACKOFF,
    // What is done is in the remote cache; what failed must be remembered.
    removeOnComplete: true,
    removeOnFail: false,
  })
  return 'queued'
}

async function beginAgain(
  job: Job,
  wanted: Wanted,
  store: RemoteStore,
  retry: boolean,
): Promise<'queued' | Failure> {
  const { call, caller, failure, kept } = readOrder(job) ?? {}
  // A worker that died too often leaves no words of its own.
  const how = failure ?? {
    code: call === undefined ? 'UNEXPECTED' : 'CALL_UNCERTAIN',
    problem:
      kept === undefined
        ? job.failedReason || 'no reason was given'
        : `it was bought, and is kept on ${kept}`,
    hint: 'look at the workers',
    needsWord: call !== undefined,
  }
  if (how.needsWord && !retry) return how
  const order = await bring(wanted, store)
  await job.updateData({
    ...order,
    ...(call === undefined ? {} : { call }),
    ...(caller === undefined ? {} : { caller }),
    ...(retry ? { retry } : {}),
  })
  await job.retry('failed', { resetAttemptsMade: true, resetAttemptsStarted: true })
  return 'queued'
}

/** Puts the picture where the worker finds it. */
async function bring({ file, name, request, key }: Wanted, store: RemoteStore): Promise<WorkOrder> {
  const bytes = await readFile(file)
  if (bytes.length > MAX_INPUT_BYTES) {
    throw new UpscaleError(
      'SOURCE_TOO_LARGE',
      `it has ${bytes.length} bytes, at most ${MAX_INPUT_BYTES} are handed over`,
      {
        hint: 'make it smaller, or upscale it here',
        file,
      },
    )
  }
  await store.put(inputKey(key), bytes, INPUT_SECONDS)
  return { name, digest: await digestOf(bytes), request }
}
