import { json } from './faults.ts'
import * as picture from './picture.ts'
import type { Answer } from './sale.ts'

/** One order in the fake queue. */
export interface FakeJob {
  readonly id: string
  readonly image: Buffer
  readonly input: Readonly<Record<string, unknown>>
  /** Where this service listens, without a path. */
  readonly origin: string
  /** Charges the price of one picture. */
  charge(): void
  /** Keeps a picture and returns its address. */
  publish(picture: Buffer): string
}

/** What becomes of an order. */
export interface Fate {
  /** States that are told before COMPLETED, one for each question. The last one stays where `stays` is true. */
  readonly states?: readonly ('IN_QUEUE' | 'IN_PROGRESS')[]
  readonly stays?: boolean
  /** The order is answered by the picture, without a job. */
  readonly isAtOnce?: boolean
  /** The answer to the question for the result; made once, when the work is done. */
  result(job: FakeJob): Answer | Promise<Answer>
}

const file = (url: string): object => ({ url, content_type: 'image/png', file_name: 'a.png', file_size: 1 })

function sell(treatment: picture.Treatment): Fate {
  return {
    async result(job) {
      job.charge()
      return json({ images: [file(job.publish(await treatment(job.image, 2)))], seed: 1 })
    },
  }
}

const honest = sell(picture.enlarge)

/** A refusal in the words of the model. */
function modelError(status: number, type: string, headers: Record<string, string> = {}): Answer {
  const answer = json({ detail: [{ loc: ['body', 'image_url'], msg: `because ${type}`, type }] }, status)
  return { ...answer, headers: { ...answer.headers, ...headers } }
}

/** A failure in the words of the platform. */
function platformError(status: number, type: string): Answer {
  const answer = json({ detail: `because ${type}`, error_type: type }, status)
  return { ...answer, headers: { ...answer.headers, 'x-fal-error-type': type } }
}

/** Everything that can become of an order, by name. Work that was done is charged. */
export const FATES = {
  ok: honest,
  'in steps': { ...honest, states: ['IN_QUEUE', 'IN_PROGRESS'] },
  'stays queued': { ...honest, states: ['IN_QUEUE'], stays: true },
  'stays at work': { ...honest, states: ['IN_PROGRESS'], stays: true },
  'picture itself': { ...honest, isAtOnce: true },
  'single image': {
    async result(job) {
      job.charge()
      return json({ image: file(job.publish(await picture.enlarge(job.image, 2))) })
    },
  },

  // the picture
  'same size': sell(source => picture.enlarge(source, 1)),
  cropped: sell(picture.crop),
  black: sell(picture.blacken),
  'no picture at all': sell(async () => Buffer.from('this is no picture at all')),

  // ends without a picture
  moderated: {
    result(job) {
      job.charge()
      return modelError(422, 'content_policy_violation')
    },
  },
  'too small': { result: () => modelError(422, 'image_too_small') },
  'not loaded': { result: () => modelError(422, 'image_load_error', { 'x-fal-retryable': 'false' }) },
  'not downloaded': { result: () => modelError(422, 'file_download_error', { 'x-fal-needs-retry': 'true' }) },
  'failed at work': { result: () => modelError(504, 'generation_timeout') },
  'runner lost': { result: () => platformError(503, 'runner_disconnected') },
  'nothing made': { result: () => json({ images: [] }) },
  'result that is no JSON': { result: () => ({ status: 200, body: '<html>' }) },
  'result forgotten': { result: () => json({ detail: 'Request not found' }, 404) },
  'key revoked': { result: () => json({ detail: 'Invalid key' }, 401) },
  'gateway page': {
    result: () => ({ status: 502, headers: { 'content-type': 'text/html' }, body: '<b>Bad</b>' }),
  },
  'media gone': { result: ({ origin }) => json({ images: [file(`${origin}/media/gone.png`)] }) },
} satisfies Record<string, Fate>

export type FateName = keyof typeof FATES

/** A job whose picture is said to lie at `address`. */
export function resultAt(address: string): Fate {
  return { result: () => json({ images: [file(address)] }) }
}

/** What an order can be answered with, instead of a job. */
export const REFUSALS = {
  unauthorized: json({ detail: 'Invalid key' }, 401),
  locked: json({ detail: 'User is locked. Reason: Exhausted balance. Top up your balance.' }, 403),
  forbidden: json({ detail: 'Not allowed' }, 403),
  'rate limited': json({ detail: 'Too many requests' }, 429),
  'invalid input': modelError(422, 'value_error'),
  'plain 404': { status: 404, headers: { 'content-type': 'text/html' }, body: '<b>Not found</b>' },
  'server error': json({ detail: 'Internal error' }, 500),
  'no job': json({ status: 'IN_QUEUE' }),
  'odd id': json({ request_id: '../../x' }),
  'reset before answer': { status: 200, cutAfterBytes: 0 },
  hang: { status: 200, hang: true },
} satisfies Record<string, Answer>

export type RefusalName = keyof typeof REFUSALS
