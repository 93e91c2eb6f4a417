import { UpscaleError } from '../../errors.ts'
import { safeText } from '../../safe-text.ts'
import type { HttpResponse } from '../http/client.ts'
import { field, textField } from '../http/json.ts'
import { apiError, type Envelope, refusal, type Service } from '../openai/errors.ts'
import { afterOrder, type ServiceJob } from '../service-job.ts'

// developer.ideogram.ai, "Errors" and "Rate limits": 400 and 422 `{ "error" }`, 401 `{ "message" }`, 402 and 429 with
// `reject_reason` (`insufficient_funds`, `inflight_limit`). A refused order is not charged; a picture that was made and
// withheld is.

/** What a refused order means. Nothing was begun, unless the status leaves that open (5xx). */
export function orderError(response: HttpResponse, json: unknown, service: Service): UpscaleError {
  const envelope: Envelope = {
    code: textField(json, 'reject_reason') ?? textField(json, 'code'),
    message: textField(json, 'error') ?? textField(json, 'message'),
  }
  if (response.status !== 422) return apiError(response, json, service)
  // The status of a prompt or a picture that their safety checks refuse.
  const error = refusal('API_MODERATED', envelope, response, service)
  return new UpscaleError(error.code, error.problem, { ...error.details, uncharged: true })
}

/** What the answer to a question about a job means, where it is not about its state. Only the job's own end says anything of it. */
export function questionError(
  response: HttpResponse,
  json: unknown,
  job: ServiceJob,
  service: Service,
): UpscaleError {
  const error = orderError(response, json, service)
  if (response.status !== 404) return afterOrder(error, job, service)
  return new UpscaleError('API_INTERRUPTED', `Ideogram had the order, and now knows nothing of it`, {
    hint: "look at Ideogram's usage page whether it charged; to order again, build once with UPSCALE_RETRY=1",
    requestId: job.id,
  })
}

/** The error of a job that failed. Not charged only where the service says that it cost nothing. */
export function failedJob(json: unknown, job: ServiceJob, { secrets }: Service): UpscaleError {
  const reason = safeText(textField(json, 'failure_reason') ?? 'no reason given', { secrets })
  const isFree = field(json, 'usage_cost_usd_micros') === 0
  return new UpscaleError('API_UNAVAILABLE', `Ideogram could not do the work: ${reason}`, {
    hint: isFree
      ? 'build again later; it was not charged'
      : "look at Ideogram's usage page whether it charged; to order again, build once with UPSCALE_RETRY=1",
    requestId: job.id,
    ...(isFree ? { uncharged: true } : {}),
  })
}

/** The error of a picture that was made, is charged, and is not handed over. */
export function withheld(job: ServiceJob | undefined): UpscaleError {
  return new UpscaleError(
    'API_MODERATED',
    'Ideogram made the picture and withholds it by its content rules',
    {
      hint: 'use engine=local for this image, or another picture; asking again may be charged and refused again',
      permanent: true,
      ...(job === undefined ? {} : { requestId: job.id }),
    },
  )
}
