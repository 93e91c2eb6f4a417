import type { Job } from 'bullmq'
import { type ErrorCode, isUpscaleError, type UpscaleRequest } from 'upscale-core'
import { isFormat, safeText } from 'upscale-core/internal'

// A job stands for one answer of an engine. Its id is the key of the answer, so that the same pixels with the same
// request are one job, whoever asks, under whatever name; Redis adds a job of a known id only once.
//
// The picture lies in the shared store under the same key until the job is done. The answer goes to the remote cache;
// files are made of it by whoever wants them.

/** What is in a job. It comes out of Redis, so it is checked before it is used. */
export interface WorkOrder {
  /** For people, and for the manifest and the ledger: the file's name as the user knows it. */
  readonly name: string
  /** SHA-256 of the picture's file, hex. */
  readonly digest: string
  readonly request: Partial<UpscaleRequest>
  /** True when a person said that a call in doubt, or refused for good, may be made again. */
  readonly retry?: boolean
  /** A call that was about to be made, noted before it was; what is left of it is a call in doubt. */
  readonly call?: object
  /** The worker that made it. */
  readonly caller?: string
  /** The worker that has the answer, and waits for the store to take it. */
  readonly kept?: string
  readonly failure?: Failure
}

/** How a job failed. */
export interface Failure {
  readonly code: string
  readonly problem: string
  readonly hint: string
  /** True when doing it again needs a person's word: it was refused for good, or may have been charged. */
  readonly needsWord: boolean
}

/** Where a picture waits for its job. */
export const inputKey = (key: string): string => `upscale:v1:inputs:${key}`

/** A week: long enough for any queue, and a forgotten one doesn't fill a Redis for ever. */
export const INPUT_SECONDS = 7 * 24 * 3600

/** The largest picture that is handed over, in bytes; core reads no larger ones. */
export const MAX_INPUT_BYTES = 256 * 1024 * 1024

/** A job's order; undefined for one that this version didn't write. Total. */
export function readOrder({ data }: Pick<Job<unknown>, 'data'>): WorkOrder | undefined {
  if (!isFields(data) || !isFields(data.request)) return undefined
  const { name, digest, request, retry, call, caller, kept, failure } = data
  const { engine, factor, format, quality } = request
  if (typeof name !== 'string' || typeof digest !== 'string' || !/^[0-9a-f]{64}$/.test(digest))
    return undefined
  if (typeof engine !== 'string' || typeof factor !== 'number') return undefined
  return {
    name: safeText(name),
    digest,
    request: {
      engine,
      factor,
      ...(isFormat(format) ? { format } : {}),
      ...(typeof quality === 'number' ? { quality } : {}),
    },
    ...(retry === true ? { retry } : {}),
    // Whatever stands there says that a call was made.
    ...(call === undefined ? {} : { call: isFields(call) ? call : {} }),
    ...(typeof caller === 'string' ? { caller: safeText(caller) } : {}),
    ...(typeof kept === 'string' ? { kept: safeText(kept) } : {}),
    ...(isFields(failure) ? { failure: readFailure(failure) } : {}),
  }
}

const DOUBTFUL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'CALL_UNCERTAIN',
  'API_INTERRUPTED',
  'API_TIMEOUT',
  'API_BAD_ANSWER',
])

/** How a worker's error is written down. */
export function failureOf(error: unknown): Failure {
  if (!isUpscaleError(error)) {
    const problem = safeText(error instanceof Error ? error.message : String(error))
    return { code: 'UNEXPECTED', problem, hint: 'look at the worker', needsWord: false }
  }
  const { code, problem, details } = error
  const needsWord = details.permanent === true || DOUBTFUL.has(code)
  return { code, problem, hint: details.hint, needsWord }
}

function readFailure({ code, problem, hint, needsWord }: Fields): Failure {
  const say = (value: unknown): string => safeText(typeof value === 'string' ? value : '')
  return { code: say(code), problem: say(problem), hint: say(hint), needsWord: needsWord === true }
}

type Fields = Readonly<Record<string, unknown>>

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
