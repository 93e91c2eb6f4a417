import { isUpscaleError, UpscaleError } from '../../errors.ts'
import { looksLikePicture } from '../../source/sniff.ts'
import type { FileAnswer, FileRequest } from '../engine.ts'
import { below } from '../http/address.ts'
import { type HttpResponse, isSuccess, type Send } from '../http/client.ts'
import { type Deadline, sleep, startDeadline } from '../http/deadline.ts'
import { field, parseJson, textField } from '../http/json.ts'
import { isWholeJson } from '../http/large-json.ts'
import { MAX_MEDIA_BYTES } from '../http/media.ts'
import { isCutAnswer, mayHoldAnswer } from '../http/refused-answer.ts'
import { type Outcome, repeatsFree, repeatsOrder, withRetry } from '../http/retry.ts'
import { CANCEL_MS } from '../http/time-limits.ts'
import { badAnswer, contradiction } from '../openai/errors.ts'
import type { Connection } from '../openai/spec.ts'
import { afterOrder } from '../service-job.ts'
import { isJobEnd, jobError, submitError } from './errors.ts'
import { FAL_MODEL, type FalJob, readJob } from './job.ts'

// fal's queue, docs.fal.ai "Queue": an order is queued and answered at once with the id of a job; the job's status is
// asked for until it is COMPLETED, and then its result, whose HTTP status tells whether the work succeeded.

export interface Queue extends Connection {
  readonly apiKey: string
  readonly send: Send
}

/** What goes into an order. */
export interface Submission extends Pick<FileRequest, 'onResponse'> {
  readonly input: Readonly<Record<string, string | number | boolean>>
  /** Further headers, in lower case. */
  readonly headers: Readonly<Record<string, string>>
}

/** fal's own client asks twice a second; a job that takes longer is asked for less and less often. */
const FIRST_PAUSE_MS = 500
const LAST_PAUSE_MS = 5000
const PAUSE_GROWTH = 1.5

/** Answers of the queue are short; the result has addresses in it, not pictures. One to an order may be the picture. */
const MAX_ANSWER_BYTES = 1024 * 1024

/**
 * Orders. What this throws is about an order that has no job we know of.
 * @throws UpscaleError with an API_ code or ABORTED; its meaning for the charge is that of `http.ts`
 */
export async function submit(
  { input, headers, onResponse }: Submission,
  queue: Queue,
  deadline: Deadline,
): Promise<FalJob | FileAnswer> {
  const { base, apiKey, service } = queue
  const response = await withRetry(
    queue.send,
    repeatsOrder,
  )({
    method: 'POST',
    isOrder: true,
    url: below(base, FAL_MODEL),
    headers: { ...headers, ...common(apiKey), 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(input)),
    maxBytes: MAX_MEDIA_BYTES,
    deadline,
    secrets: service.secrets,
    isWhole: isWholeJson,
    ...(onResponse === undefined ? {} : { onResponse }),
  })
  return readSubmitted(response, queue)
}

/**
 * The job that a response to an order names, or the picture where that came at once. Both count under any status; an
 * answer without success must say where the job is asked for, since refusals have ids as well.
 * @throws UpscaleError with an API_ code
 */
export function readSubmitted(response: HttpResponse, { base, service }: Queue): FalJob | FileAnswer {
  const { status, body } = response
  if (isCutAnswer(response)) throw contradiction(response, undefined, 'a part of an answer', service)
  if (looksLikePicture(body)) return { bytes: body }
  const json = body.length > MAX_ANSWER_BYTES ? undefined : parseJson(body.toString('utf8'))
  const isTaken = isSuccess(status) || mayHoldAnswer(body)
  const job = isTaken ? readJob(json, base) : undefined
  if (job !== undefined) return job
  throw isSuccess(status)
    ? badAnswer(service, 'took the order and named no job')
    : submitError(response, json, service)
}

/** What fal says of a job, under whatever status. */
const STATES: ReadonlySet<string> = new Set(['IN_QUEUE', 'IN_PROGRESS', 'COMPLETED'])

/**
 * Waits for the end of a job, whatever it is.
 * @param onState - is told each state, `IN_QUEUE` or `IN_PROGRESS`
 * @throws UpscaleError API_INTERRUPTED, API_TIMEOUT or ABORTED, which all leave the job to be asked for again
 */
export async function follow(
  job: FalJob,
  queue: Queue,
  deadline: Deadline,
  onState: (state: string) => void,
): Promise<void> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * PAUSE_GROWTH, LAST_PAUSE_MS)) {
    const { response, json } = await ask(job.statusUrl, job, queue, deadline)
    const state = textField(json, 'status')
    const isAnswer = state !== undefined && (isSuccess(response.status) || STATES.has(state))
    if (!isAnswer) {
      // The end of a job may be told here as well as in its result.
      if (isJobEnd(response, json)) return
      throw jobError(response, json, job, queue.service)
    }
    if (state !== 'IN_QUEUE' && state !== 'IN_PROGRESS') return
    onState(state)
    await sleep(pauseMs, deadline.signal)
  }
}

/**
 * The address of the picture that a finished job made. fal's models answer with `images` or with one `image`.
 * @throws UpscaleError API_MODERATED, API_REJECTED, API_UNAVAILABLE for a job that failed, API_BAD_ANSWER for one
 *   without a picture, and those of {@link follow}
 */
export async function readResult(job: FalJob, queue: Queue, deadline: Deadline): Promise<string> {
  const { response, json } = await ask(job.resultUrl, job, queue, deadline)
  const address = addressIn(json)
  if (address !== undefined) return address
  if (!isSuccess(response.status)) throw jobError(response, json, job, queue.service)
  const { problem, details } = badAnswer(queue.service, 'finished the job without a picture')
  throw new UpscaleError('API_BAD_ANSWER', problem, { ...details, requestId: job.id })
}

function addressIn(json: unknown): string | undefined {
  const images = field(json, 'images')
  const image: unknown = Array.isArray(images) ? images[0] : field(json, 'image')
  return textField(image, 'url')
}

/** Takes a job back. True where fal agreed; false where it was too late, or nobody answered in time. */
export async function cancel({ cancelUrl }: FalJob, queue: Queue): Promise<boolean> {
  const deadline = startDeadline(CANCEL_MS, new AbortController().signal)
  try {
    const request = { method: 'PUT', isOrder: false, url: cancelUrl, headers: common(queue.apiKey) } as const
    const secrets = queue.service.secrets
    const response = await queue.send({ ...request, maxBytes: MAX_ANSWER_BYTES, deadline, secrets })
    const status = textField(parseJson(response.body.toString('utf8')), 'status')
    return response.status < 300 && status !== 'ALREADY_COMPLETED' && status !== 'NOT_FOUND'
  } catch (error) {
    if (!isUpscaleError(error)) throw error
    return false
  } finally {
    deadline.clear()
  }
}

async function ask(
  url: URL,
  job: FalJob,
  queue: Queue,
  deadline: Deadline,
): Promise<{ response: HttpResponse; json: unknown }> {
  const { apiKey, service } = queue
  const request = { method: 'GET', isOrder: false, url, headers: common(apiKey) } as const
  try {
    const response = await withRetry(
      queue.send,
      repeatsQuestion,
    )({ ...request, maxBytes: MAX_ANSWER_BYTES, deadline, secrets: service.secrets })
    return { response, json: parseJson(response.body.toString('utf8')) }
  } catch (error) {
    throw isUpscaleError(error) ? afterOrder(error, job, service) : error
  }
}

/** A job that failed has failed; only what is on the way to it may be better the next time. */
function repeatsQuestion(outcome: Outcome): boolean {
  if (!repeatsFree(outcome)) return false
  if ('failure' in outcome) return true
  const json = parseJson(outcome.response.body.toString('utf8'))
  return addressIn(json) === undefined && !isJobEnd(outcome.response, json)
}

function common(apiKey: string): Record<string, string> {
  return { accept: 'application/json', authorization: `Key ${apiKey}` }
}
