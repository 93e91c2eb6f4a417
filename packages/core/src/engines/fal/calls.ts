import { isUpscaleError } from '../../errors.ts'
import type { FileAnswer, FileRequest } from '../engine.ts'
import { createHttpClient } from '../http/client.ts'
import { sleep, startDeadline } from '../http/deadline.ts'
import { fetchMedia, MAX_MEDIA_BYTES } from '../http/media.ts'
import { repeatsFree, withRetry } from '../http/retry.ts'
import { CLOSE_MS, ORDER_GRACE_MS } from '../http/time-limits.ts'
import type { EngineCalls } from '../on-first-call.ts'
import { withReceipt } from '../openai/receipt.ts'
import { afterOrder } from '../service-job.ts'
import { type FalJob, parseJob, printJob } from './job.ts'
import { connectFal, type ResolvedFal } from './options.ts'
import { cancel, follow, type Queue, readResult, readSubmitted, submit } from './queue.ts'
import { upload } from './upload.ts'

/** The calls of the engine `fal`. */
export function openCalls(resolved: ResolvedFal): EngineCalls {
  const http = createHttpClient()
  const running = new Set<Promise<unknown>>()
  return {
    async upscale(request, { env, signal }) {
      const queue = { ...connectFal(resolved, env), send: http.via(env) }
      const call = makePicture(request, { resolved, queue, signal })
      running.add(call)
      try {
        return await call
      } finally {
        running.delete(call)
      }
    },
    async close() {
      // Calls that were stopped may be taking their jobs back; they need the sockets for it.
      const done = new AbortController()
      const ended = Promise.allSettled(running).then(() => done.abort())
      await Promise.race([ended, sleep(CLOSE_MS, done.signal)])
      await http.close()
    },
  }
}

interface Call {
  readonly resolved: ResolvedFal
  readonly queue: Queue
  readonly signal: AbortSignal
}

async function makePicture(request: FileRequest, call: Call): Promise<FileAnswer> {
  if (request.job !== undefined) {
    return awaitPicture(parseJob(request.job, call.queue.base), 'unknown', request, call)
  }
  const { response } = request
  const job = response === undefined ? await order(request, call) : readSubmitted(response, call.queue)
  if ('bytes' in job) return job
  try {
    await request.onJob(printJob(job))
  } catch (error) {
    // A job that nobody could find again is better not worked on.
    await cancel(job, call.queue)
    throw error
  }
  return awaitPicture(job, 'IN_QUEUE', request, call)
}

async function order(request: FileRequest, call: Call): Promise<FalJob | FileAnswer> {
  const { resolved, queue, signal } = call
  const image = await imageAddress(request, call)
  const deadline = startDeadline(resolved.timeoutMs, signal, ORDER_GRACE_MS)
  const headers = {
    'idempotency-key': request.idempotencyKey,
    ...(resolved.storeIo ? {} : { 'x-fal-store-io': '0' }),
    ...(resolved.keepSeconds === undefined
      ? {}
      : { 'x-fal-object-lifecycle-preference': lifecycle(resolved.keepSeconds) }),
  }
  try {
    const input = { image_url: image, ...request.params }
    const { onResponse } = request
    return await submit(
      { input, headers, ...(onResponse === undefined ? {} : { onResponse }) },
      queue,
      deadline,
    )
  } finally {
    deadline.clear()
  }
}

/** How fal writes the life of a file down. */
function lifecycle(seconds: number): string {
  return JSON.stringify({ expiration_duration_seconds: seconds })
}

/** The image as the order names it: itself where it is small, else its address after an upload. */
async function imageAddress({ png, name }: FileRequest, call: Call): Promise<string> {
  const { resolved, queue, signal } = call
  if (png.byteLength <= resolved.maxInlineBytes) {
    return `data:image/png;base64,${Buffer.from(png.buffer, png.byteOffset, png.byteLength).toString('base64')}`
  }
  const deadline = startDeadline(resolved.timeoutMs, signal)
  const base = resolved.uploadBase
  try {
    const rules = { base, hosts: resolved.mediaHosts }
    const { keepSeconds } = resolved
    const kept = keepSeconds === undefined ? {} : { lifecycle: lifecycle(keepSeconds) }
    return await upload({ bytes: png, name, base, rules, deadline, ...kept }, queue)
  } finally {
    deadline.clear()
  }
}

/**
 * Waits for a job and fetches its picture. When the build stops while the job is known to wait in the queue, it is
 * taken back, and that is written down: if it then turns out to be gone, everybody knows why.
 *
 * @param state - what is known of the job: `IN_QUEUE` right after the order
 */
async function awaitPicture(
  job: FalJob,
  state: string,
  request: FileRequest,
  call: Call,
): Promise<FileAnswer> {
  const { resolved, queue, signal } = call
  const deadline = startDeadline(resolved.timeoutMs, signal)
  const now: { state: string; farewell?: Promise<FalJob> } = { state }
  const leave = (): void => {
    if (now.state === 'IN_QUEUE') now.farewell = takeBack(job, request, queue)
  }
  if (signal.aborted) leave()
  else signal.addEventListener('abort', leave, { once: true })
  try {
    await follow(job, queue, deadline, seen => {
      now.state = seen
    })
    now.state = 'COMPLETED'
    const address = await readResult(job, queue, deadline)
    return { bytes: await download(address, job, call), requestId: job.id }
  } catch (error) {
    if (now.farewell === undefined || !isUpscaleError(error)) throw error
    throw afterOrder(error, await now.farewell, queue.service)
  } finally {
    deadline.clear()
    signal.removeEventListener('abort', leave)
  }
}

async function takeBack(job: FalJob, request: FileRequest, queue: Queue): Promise<FalJob> {
  if (!(await cancel(job, queue))) return job
  const cancelled = { ...job, cancelled: true }
  // Where this can't be written down, the note says less than it could; the job is asked for all the same.
  return request.onJob(printJob(cancelled)).then(
    () => cancelled,
    () => job,
  )
}

async function download(address: string, job: FalJob, { resolved, queue, signal }: Call): Promise<Buffer> {
  const deadline = startDeadline(resolved.timeoutMs, signal)
  try {
    return await fetchMedia(address, {
      rules: { base: queue.base, hosts: resolved.mediaHosts },
      send: withRetry(queue.send, repeatsFree),
      deadline,
      maxBytes: MAX_MEDIA_BYTES,
      secrets: queue.service.secrets,
      lostHint: 'build again: the same job is asked for, not ordered again',
    })
  } catch (error) {
    throw isUpscaleError(error) ? withReceipt(error, { requestId: job.id }) : error
  } finally {
    deadline.clear()
  }
}
