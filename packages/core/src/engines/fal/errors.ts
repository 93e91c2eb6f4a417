import { UpscaleError } from '../../errors.ts'
import type { HttpResponse } from '../http/client.ts'
import { field, textField } from '../http/json.ts'
import { type ApiCode, codeForStatus, type Envelope, refusal, type Service } from '../openai/errors.ts'
import { safeId, withReceipt } from '../openai/receipt.ts'
import { afterOrder } from '../service-job.ts'
import type { FalJob } from './job.ts'

// fal has two envelopes (docs.fal.ai, "Errors" and "Request errors"):
//
//   { "detail": [{ "loc": […], "msg": "…", "type": "…" }] }   the model, about the request or its own work
//   { "detail": "…", "error_type": "…" }                      the platform around it
//
// with `X-Fal-Error-Type`, and `X-Fal-Retryable` (`X-Fal-Needs-Retry` in other copies of the page) beside them.

/** What a refused submission means. Nothing was queued, unless the status leaves that open (5xx). */
export function submitError(response: HttpResponse, json: unknown, service: Service): UpscaleError {
  const envelope = readEnvelope(response, json)
  const error = coded(response, envelope, service)
  const requestId = safeId(response.headers['x-fal-request-id'], service.secrets)
  return requestId === undefined ? error : withReceipt(error, { requestId })
}

/**
 * What the answer to a question about a job means, where it isn't what was asked for. Only two kinds are the job's own
 * end: the model refused the picture, which may be charged where work was done, or its work failed, which is not ("FAQ":
 * 422 may be billed, 5xx never are). Everything else says nothing about the job; it can be asked for again.
 */
export function jobError(response: HttpResponse, json: unknown, job: FalJob, service: Service): UpscaleError {
  const envelope = readEnvelope(response, json)
  const { status } = response
  const error = coded(response, envelope, service)
  if (job.cancelled && (status === 404 || isCancelled(envelope)))
    return ended(job, service, cancelledEnd(error))
  const isRefusal = error.code === 'API_REJECTED' || error.code === 'API_MODERATED'
  if (isRefusal && Array.isArray(field(json, 'detail'))) return ended(job, service, maybeBilled(error))
  if (status >= 500 && isJobEnd(response, json)) return ended(job, service, unbilled(error))
  return status === 404 ? gone(error, job) : afterOrder(error, job, service)
}

/** fal forgets jobs after a time. It was ordered all the same, so this is no API_NOT_FOUND, which stands for "not charged". */
function gone({ problem }: UpscaleError, job: FalJob): UpscaleError {
  return new UpscaleError('API_INTERRUPTED', `fal had the order, and now knows nothing of it: ${problem}`, {
    hint: "look at fal's request history whether it charged; to order again, build once with UPSCALE_RETRY=1",
    requestId: job.id,
  })
}

/** True for an answer that tells how a job failed, as opposed to one of something on the way to it. */
export function isJobEnd({ status, headers }: HttpResponse, json: unknown): boolean {
  const isModelError = Array.isArray(field(json, 'detail'))
  const isPlatformError =
    headers['x-fal-error-type'] !== undefined || textField(json, 'error_type') !== undefined
  return status >= 400 && (isModelError || (status >= 500 && isPlatformError))
}

function ended(job: FalJob, { secrets }: Service, error: UpscaleError): UpscaleError {
  const requestId = safeId(job.id, secrets)
  return requestId === undefined ? error : withReceipt(error, { requestId })
}

function unbilled(error: UpscaleError): UpscaleError {
  return new UpscaleError(error.code, error.problem, {
    ...error.details,
    hint: 'build again later; fal does not charge for work that fails',
    uncharged: true,
  })
}

function maybeBilled(error: UpscaleError): UpscaleError {
  return new UpscaleError(error.code, error.problem, { ...error.details, uncharged: false })
}

function cancelledEnd({ problem }: UpscaleError): UpscaleError {
  return new UpscaleError('API_UNAVAILABLE', `the job was taken back when a build stopped: ${problem}`, {
    hint: 'build again',
    uncharged: true,
  })
}

function isCancelled({ code, message }: Envelope): boolean {
  return /cancel/i.test(`${code} ${message}`)
}

function coded(response: HttpResponse, envelope: Envelope, service: Service): UpscaleError {
  const error = refusal(codeFor(response.status, envelope), envelope, response, service)
  // Refused, but the service itself says that the next time may be different.
  if (!isRetryable(response) || error.details.permanent !== true) return error
  const { permanent: _, ...details } = error.details
  return new UpscaleError(error.code, error.problem, details)
}

function codeFor(status: number, { code, message }: Envelope): ApiCode {
  if (code === 'content_policy_violation') return 'API_MODERATED'
  // What fal says to an account without money, under 403: "User is locked. Reason: Exhausted balance".
  if (status === 403 && /exhausted balance/i.test(message ?? '')) return 'API_NO_BALANCE'
  return codeForStatus(status)
}

function isRetryable({ headers }: HttpResponse): boolean {
  return (headers['x-fal-retryable'] ?? headers['x-fal-needs-retry'])?.toLowerCase() === 'true'
}

function readEnvelope({ headers }: HttpResponse, json: unknown): Envelope {
  const detail = field(json, 'detail')
  const first: unknown = Array.isArray(detail) ? detail[0] : undefined
  return {
    code: textField(first, 'type') ?? textField(json, 'error_type') ?? headers['x-fal-error-type'],
    message:
      textField(first, 'msg') ??
      textField(json, 'detail') ??
      textField(json, 'message') ??
      textField(json, 'error'),
  }
}
