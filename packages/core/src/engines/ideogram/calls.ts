import { isUpscaleError, UpscaleError } from '../../errors.ts'
import type { FileAnswer, FileRequest } from '../engine.ts'
import { createHttpClient } from '../http/client.ts'
import { startDeadline } from '../http/deadline.ts'
import { fetchMedia, MAX_MEDIA_BYTES } from '../http/media.ts'
import { repeatsFree, withRetry } from '../http/retry.ts'
import { ORDER_GRACE_MS } from '../http/time-limits.ts'
import type { EngineCalls } from '../on-first-call.ts'
import { withReceipt } from '../openai/receipt.ts'
import type { ServiceJob } from '../service-job.ts'
import { type Api, follow, order, parseNote, type Result, readOrdered } from './generation.ts'
import { connectIdeogram, type ResolvedIdeogram } from './options.ts'
import { quotePrice } from './quote.ts'

/** The largest file that may be sent (developer.ideogram.ai, the upscale endpoints). */
const MAX_UPLOAD_BYTES = 50 * 1024 * 1024

/** The calls of the engine `ideogram`. */
export function openCalls(resolved: ResolvedIdeogram): EngineCalls {
  const { name: model } = resolved.model
  const http = createHttpClient()
  const connect = (env: Parameters<typeof connectIdeogram>[1]): Api => ({
    ...connectIdeogram(resolved, env),
    send: http.via(env),
  })
  return {
    quote: (request, { env, signal }) => quotePrice({ ...request, model }, connect(env), signal),
    upscale: (request, { env, signal }) => makePicture(request, { resolved, api: connect(env), signal }),
    close: () => http.close(),
  }
}

interface Call {
  readonly resolved: ResolvedIdeogram
  readonly api: Api
  readonly signal: AbortSignal
}

async function makePicture(request: FileRequest, call: Call): Promise<FileAnswer> {
  if (request.job !== undefined) return awaitPicture(parseNote(request.job), call)
  const ordered = readOrdered(request.response ?? (await placeOrder(request, call)), call.api)
  if ('bytes' in ordered) return ordered
  if ('result' in ordered) return download(ordered.result, undefined, call)
  await request.onJob(ordered.job.id)
  return awaitPicture(ordered.job, call)
}

async function placeOrder(request: FileRequest, { resolved, api, signal }: Call): ReturnType<typeof order> {
  if (request.png.byteLength > MAX_UPLOAD_BYTES) {
    throw new UpscaleError('SOURCE_TOO_LARGE', 'the picture is larger than the 50 MiB that Ideogram takes', {
      hint: 'use a smaller picture, or engine=local for this one',
      uncharged: true,
    })
  }
  const deadline = startDeadline(resolved.timeoutMs, signal, ORDER_GRACE_MS)
  try {
    return await order({ ...request, model: resolved.model.name }, api, deadline)
  } finally {
    deadline.clear()
  }
}

async function awaitPicture(job: ServiceJob, call: Call): Promise<FileAnswer> {
  const deadline = startDeadline(call.resolved.timeoutMs, call.signal)
  try {
    return await download(await follow(job, call.api, deadline), job, call)
  } finally {
    deadline.clear()
  }
}

async function download(
  { address, costMicros }: Result,
  job: ServiceJob | undefined,
  { resolved, api, signal }: Call,
): Promise<FileAnswer> {
  const receipt = {
    ...(costMicros === undefined ? {} : { costMicros }),
    ...(job === undefined ? {} : { requestId: job.id }),
  }
  const deadline = startDeadline(resolved.timeoutMs, signal)
  try {
    const bytes = await fetchMedia(address, {
      rules: { base: api.base, hosts: resolved.mediaHosts },
      send: withRetry(api.send, repeatsFree),
      deadline,
      maxBytes: MAX_MEDIA_BYTES,
      secrets: api.service.secrets,
      lostHint: 'build again: the same job is asked for, not ordered again',
    })
    return { bytes, ...receipt }
  } catch (error) {
    throw isUpscaleError(error) ? withReceipt(error, receipt) : error
  } finally {
    deadline.clear()
  }
}
