import { isUpscaleError, UpscaleError } from '../../errors.ts'
import { looksLikePicture } from '../../source/sniff.ts'
import type { FileRequest } from '../engine.ts'
import { below } from '../http/address.ts'
import { type HttpResponse, isSuccess, type Send } from '../http/client.ts'
import { type Deadline, sleep } from '../http/deadline.ts'
import { field, parseJson, textField } from '../http/json.ts'
import { isWholeJson } from '../http/large-json.ts'
import { MAX_MEDIA_BYTES } from '../http/media.ts'
import { isCutAnswer } from '../http/refused-answer.ts'
import { type Outcome, repeatsFree, repeatsOrder, withRetry } from '../http/retry.ts'
import { encodeForm } from '../openai/edit.ts'
import { badAnswer, contradiction } from '../openai/errors.ts'
import { safeId } from '../openai/receipt.ts'
import type { Connection } from '../openai/spec.ts'
import { afterOrder, type ServiceJob } from '../service-job.ts'
import { failedJob, orderError, questionError, withheld } from './errors.ts'

// Ideogram's v2 API, developer.ideogram.ai: an order with `async` is answered at once with a `generation_id`, whose state
// is asked for at `GET /v2/generations/{id}` until it is `completed` or `failed`.

export interface Api extends Connection {
  readonly apiKey: string
  readonly send: Send
}

/** What an answer shows of a picture. */
export interface Result {
  readonly address: string
  /** What was charged, in millionths of a US dollar; absent where the service does not say. */
  readonly costMicros?: number
}

export interface IdeogramOrder extends Pick<FileRequest, 'png' | 'name' | 'scale' | 'params' | 'onResponse'> {
  readonly model: string
  readonly idempotencyKey: string
}

const FIRST_PAUSE_MS = 1000
const LAST_PAUSE_MS = 10_000
const PAUSE_GROWTH = 1.5

/** Answers have addresses in them, not pictures; one to an order may be the picture. */
export const MAX_ANSWER_BYTES: number = 1024 * 1024

/**
 * Orders. What this throws is about an order that has no job we know of.
 * @throws UpscaleError with an API_ code or ABORTED; its meaning for the charge is that of `http/client.ts`
 */
export async function order(
  { png, name, scale, params, model, idempotencyKey, onResponse }: IdeogramOrder,
  { base, apiKey, service, send }: Api,
  deadline: Deadline,
): Promise<HttpResponse> {
  const form = await encodeForm({
    image: { bytes: png, name },
    fields: { upscale_factor: `x${scale}`, async: true, ...params },
  })
  return withRetry(
    send,
    repeatsOrder,
  )({
    method: 'POST',
    isOrder: true,
    url: upscaleAddress(base, model),
    // No such header is documented; it costs nothing where it is not known.
    headers: { ...common(apiKey), 'content-type': form.type, 'idempotency-key': idempotencyKey },
    body: form.bytes,
    maxBytes: MAX_MEDIA_BYTES,
    deadline,
    secrets: service.secrets,
    isWhole: isWholeJson,
    ...(onResponse === undefined ? {} : { onResponse }),
  })
}

/** The endpoint of a model. */
export function upscaleAddress(base: URL, model: string): URL {
  return below(base, `v2/image/upscale/${model}`)
}

/** What came of an order: the job that it began, or, where the service did the work at once, the picture or its address. */
export type Ordered =
  | { readonly job: ServiceJob }
  | { readonly result: Result }
  | { readonly bytes: Uint8Array }

/**
 * Reads the response to an order. What was made, or begun, counts under any status.
 * @throws UpscaleError with an API_ code
 */
export function readOrdered(response: HttpResponse, { service }: Api): Ordered {
  const { status, body } = response
  if (isCutAnswer(response)) throw contradiction(response, undefined, 'a part of an answer', service)
  if (looksLikePicture(body)) return { bytes: body }
  const json = body.length > MAX_ANSWER_BYTES ? undefined : parseJson(body.toString('utf8'))
  if (isResult(json) || (isSuccess(status) && field(json, 'data') !== undefined))
    return { result: readData(json, undefined, service) }
  const id = textField(json, 'generation_id')
  if (id !== undefined && isJobId(id)) return { job: { id } }
  throw isSuccess(status)
    ? badAnswer(service, 'took the order and named no job')
    : orderError(response, json, service)
}

/**
 * The job that an earlier call wrote down. The note comes from a folder that others may have written to.
 * @throws UpscaleError CALL_UNCERTAIN where it names none
 */
export function parseNote(note: string): ServiceJob {
  if (isJobId(note)) return { id: note }
  throw new UpscaleError('CALL_UNCERTAIN', 'the note of an earlier call to Ideogram names no generation', {
    hint: "look at Ideogram's usage page; to order again, build once with UPSCALE_RETRY=1",
  })
}

/**
 * Waits for the end of a job.
 * @throws UpscaleError API_MODERATED, API_UNAVAILABLE, API_BAD_ANSWER for a job that ended without a picture;
 *   API_INTERRUPTED, API_TIMEOUT or ABORTED, which all leave it to be asked for again
 */
export async function follow(job: ServiceJob, api: Api, deadline: Deadline): Promise<Result> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * PAUSE_GROWTH, LAST_PAUSE_MS)) {
    const { response, json } = await ask(job, api, deadline)
    const state = textField(json, 'status')
    if (state === undefined || (!isSuccess(response.status) && !isResult(json)))
      throw questionError(response, json, job, api.service)
    if (state === 'failed') throw failedJob(json, job, api.service)
    if (state === 'completed') return readData(json, job, api.service)
    await sleep(pauseMs, deadline.signal)
  }
}

async function ask(
  job: ServiceJob,
  { base, apiKey, service, send }: Api,
  deadline: Deadline,
): Promise<{ readonly response: HttpResponse; readonly json: unknown }> {
  try {
    const response = await withRetry(
      send,
      repeatsQuestion,
    )({
      method: 'GET',
      isOrder: false,
      url: below(base, `v2/generations/${job.id}`),
      headers: common(apiKey),
      maxBytes: MAX_ANSWER_BYTES,
      deadline,
      secrets: service.secrets,
    })
    return { response, json: parseJson(response.body.toString('utf8')) }
  } catch (error) {
    throw isUpscaleError(error) ? afterOrder(error, job, service) : error
  }
}

/** An end that is told is not asked for again, whatever its number. */
function repeatsQuestion(outcome: Outcome): boolean {
  if (!repeatsFree(outcome)) return false
  return 'failure' in outcome || !isResult(parseJson(outcome.response.body.toString('utf8')))
}

/** True where a picture is named, or was made and is withheld. */
function isResult(json: unknown): boolean {
  const data = field(json, 'data')
  const first: unknown = Array.isArray(data) ? data[0] : undefined
  return textField(first, 'url') !== undefined || field(first, 'is_image_safe') === false
}

function readData(json: unknown, job: ServiceJob | undefined, service: Api['service']): Result {
  const data = field(json, 'data')
  const first: unknown = Array.isArray(data) ? data[0] : undefined
  if (field(first, 'is_image_safe') === false) throw withheld(job)
  const address = textField(first, 'url')
  const cost = field(json, 'usage_cost_usd_micros')
  const isCost = typeof cost === 'number' && Number.isSafeInteger(cost) && cost >= 0
  if (address !== undefined) return { address, ...(isCost ? { costMicros: cost } : {}) }
  const { problem, details } = badAnswer(service, 'finished the work without a picture')
  const id = job === undefined ? undefined : safeId(job.id, service.secrets)
  throw new UpscaleError('API_BAD_ANSWER', problem, {
    ...details,
    ...(id === undefined ? {} : { requestId: id }),
  })
}

function isJobId(text: string): boolean {
  return /^[\w-]{1,100}$/.test(text)
}

/** The headers of every request. */
export function common(apiKey: string): Record<string, string> {
  return { accept: 'application/json', 'api-key': apiKey }
}
