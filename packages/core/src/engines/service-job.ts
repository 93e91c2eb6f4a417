import { UpscaleError } from '../errors.ts'
import type { Service } from './openai/errors.ts'

/** Work that a service began and named. */
export interface ServiceJob {
  readonly id: string
  /** True once we asked the service to drop it. @default false */
  readonly cancelled?: boolean
}

/**
 * The error for a question about a job that found no answer. The job has been ordered, so none of it may be taken for
 * a call that was not charged.
 */
export function afterOrder(error: UpscaleError, job: ServiceJob, service: Service): UpscaleError {
  if (error.code === 'ABORTED') {
    return told(
      'ABORTED',
      `stopped while ${service.name} had the order${job.cancelled === true ? ', which was taken back' : ''}`,
      job,
    )
  }
  if (error.code === 'API_TIMEOUT')
    return told('API_TIMEOUT', `${service.name} has the order and did not end it: ${error.problem}`, job)
  return told(
    'API_INTERRUPTED',
    `${service.name} has the order, but its end could not be seen: ${error.problem}`,
    job,
    error,
  )
}

function told(
  code: 'ABORTED' | 'API_TIMEOUT' | 'API_INTERRUPTED',
  problem: string,
  job: ServiceJob,
  cause?: UpscaleError,
): UpscaleError {
  return new UpscaleError(code, problem, {
    hint: 'build again: the same job is asked for, not ordered again',
    requestId: job.id,
    ...(cause === undefined ? {} : { cause }),
  })
}
