import { UpscaleError } from '../../errors.ts'
import { below } from '../http/address.ts'
import { field, parseJson, textField } from '../http/json.ts'

/** The endpoint that is ordered from. */
export const FAL_MODEL = 'fal-ai/ideogram/upscale'

/** Requests of an endpoint live under its app, without the sub-path: docs.fal.ai, "Queue". */
const FAL_APP = 'fal-ai/ideogram'

/** One request in fal's queue. */
export interface FalJob {
  readonly id: string
  readonly statusUrl: URL
  readonly resultUrl: URL
  readonly cancelUrl: URL
  /** True once we asked fal to drop it. */
  readonly cancelled: boolean
}

/**
 * The job that a submission's answer names; undefined where it names none. fal asks its clients to use the addresses
 * it returns. They are called with the key, so one that leads anywhere but to the queue's own origin is not used: the
 * documented form, with the job's id, takes its place.
 */
export function readJob(answer: unknown, base: URL): FalJob | undefined {
  const id = textField(answer, 'request_id')
  if (id === undefined || !/^[\w-]{1,100}$/.test(id)) return undefined
  const request = below(base, `${FAL_APP}/requests/${id}`)
  return {
    id,
    statusUrl: own(textField(answer, 'status_url'), base) ?? below(request, 'status'),
    resultUrl: own(textField(answer, 'response_url'), base) ?? request,
    cancelUrl: own(textField(answer, 'cancel_url'), base) ?? below(request, 'cancel'),
    cancelled: field(answer, 'cancelled') === true,
  }
}

/** The job as text, to be written down. Holds no secret. */
export function printJob({ id, statusUrl, resultUrl, cancelUrl, cancelled }: FalJob): string {
  return JSON.stringify({
    request_id: id,
    status_url: statusUrl.href,
    response_url: resultUrl.href,
    cancel_url: cancelUrl.href,
    ...(cancelled ? { cancelled } : {}),
  })
}

/**
 * The job that an earlier call wrote down. The note comes from a folder that others may have written to, so its
 * addresses are checked like those of an answer.
 * @throws UpscaleError CALL_UNCERTAIN where it names no job
 */
export function parseJob(text: string, base: URL): FalJob {
  const job = readJob(parseJson(text), base)
  if (job !== undefined) return job
  throw new UpscaleError('CALL_UNCERTAIN', 'the note of an earlier call to fal names no job of its queue', {
    hint: "look at fal's request history; to order again, build once with UPSCALE_RETRY=1",
  })
}

function own(address: string | undefined, base: URL): URL | undefined {
  if (address === undefined || !URL.canParse(address)) return undefined
  const url = new URL(address)
  return url.origin === base.origin && url.username === '' && url.password === '' ? url : undefined
}
