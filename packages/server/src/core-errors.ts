import type { ErrorCode, UpscaleError } from 'upscale-core'
import { type ApiCode, ApiError } from './api-error.ts'

interface Outcome {
  readonly code: ApiCode
  /** @default that of the code */
  readonly status?: number
  /**
   * False where a repeat would fail alike, or where the call that failed may have been charged: clients repeat a 5xx
   * by themselves, and each repeat could be charged again. @default true
   */
  readonly retry?: boolean
  /** Replaces the upscaler's own words, where those speak to whoever runs the server, or about its disk. */
  readonly message?: string
}

/** A service that is asked to slow down names no time to the upscaler's callers; clients wait a minute at most. */
const SERVICE_PAUSE_SECONDS = 30

const CONFIGURATION: Outcome = {
  code: 'INTERNAL_ERROR',
  retry: false,
  message: 'This server is not set up to do that; its log says why.',
}

const OWN_DISK: Outcome = {
  code: 'INTERNAL_ERROR',
  retry: false,
  message: 'This server could not keep its files; its log says why.',
}

const REFUSED_IMAGE: Outcome = { code: 'INVALID_REQUEST' }
const BAD_PICTURE: Outcome = { code: 'UPSTREAM_ERROR', retry: false }

/** What a client is told for each way in which the upscaler refuses or fails. */
const OUTCOMES: Readonly<Record<ErrorCode, Outcome>> = {
  BAD_OPTION: CONFIGURATION,
  BAD_DIRECTIVE: { code: 'INVALID_REQUEST' },
  UNKNOWN_ENGINE: CONFIGURATION,
  FACTOR_UNSUPPORTED: { code: 'INVALID_REQUEST' },
  KEY_MISSING: CONFIGURATION,
  KEY_EXPOSED: CONFIGURATION,

  // The upload is a file of ours, so only what is in it can be the client's fault.
  SOURCE_NOT_FOUND: OWN_DISK,
  SOURCE_NOT_A_FILE: OWN_DISK,
  SOURCE_OUTSIDE_ROOT: OWN_DISK,
  SOURCE_UNREADABLE: OWN_DISK,
  SOURCE_UNSUPPORTED: REFUSED_IMAGE,
  SOURCE_CORRUPT: REFUSED_IMAGE,
  SOURCE_TOO_LARGE: REFUSED_IMAGE,

  ENGINE_FAILED: { code: 'INTERNAL_ERROR', message: 'The engine failed on this image.' },
  // Not 401 and not 403: it is this server's key for the service that failed, not the client's.
  API_UNAUTHORIZED: { ...CONFIGURATION, code: 'UPSTREAM_ERROR' },
  API_FORBIDDEN: { ...CONFIGURATION, code: 'UPSTREAM_ERROR' },
  API_NOT_FOUND: { ...CONFIGURATION, code: 'UPSTREAM_ERROR' },
  API_NO_BALANCE: { code: 'INSUFFICIENT_BALANCE' },
  API_REJECTED: { code: 'UPSTREAM_ERROR', status: 400 },
  API_MODERATED: { code: 'CONTENT_POLICY_VIOLATION' },
  API_RATE_LIMITED: { code: 'RATE_LIMITED' },
  API_UNREACHABLE: { code: 'ALL_PROVIDERS_EXHAUSTED' },
  API_UNAVAILABLE: { code: 'ALL_PROVIDERS_EXHAUSTED', retry: false },
  API_INTERRUPTED: { code: 'ALL_PROVIDERS_EXHAUSTED', retry: false },
  API_TIMEOUT: { code: 'ALL_PROVIDERS_EXHAUSTED', retry: false },
  API_BAD_ANSWER: BAD_PICTURE,

  ANSWER_CORRUPT: BAD_PICTURE,
  ANSWER_WRONG_SIZE: BAD_PICTURE,
  ANSWER_WRONG_ASPECT: BAD_PICTURE,
  ANSWER_DRIFTED: BAD_PICTURE,
  ANSWER_TOO_LARGE: BAD_PICTURE,

  CACHE_UNWRITABLE: OWN_DISK,
  CACHE_UNREADABLE: OWN_DISK,
  CACHE_LOCKED: {
    code: 'INTERNAL_ERROR',
    message: 'Another process is making this picture and does not finish.',
  },
  FROZEN_MISS: {
    code: 'MODEL_DISABLED',
    message: 'Paid models are frozen on this server, and this picture is not in its cache.',
  },
  BUDGET_EXCEEDED: { code: 'INSUFFICIENT_BALANCE' },
  CALL_UNCERTAIN: {
    code: 'ALL_PROVIDERS_EXHAUSTED',
    retry: false,
    message:
      'An earlier call for this picture got no answer and may have been charged; whoever runs this server decides.',
  },

  LEFTOVER_REFERENCE: CONFIGURATION,
  HOST_UNSUPPORTED: CONFIGURATION,
  ABORTED: { code: 'INTERNAL_ERROR', status: 503, message: 'The server is closing.' },
}

/** The refusal a client gets for an error of the upscaler. A code that is newer than this table is an INTERNAL_ERROR. */
export function fromUpscaleError(error: UpscaleError): ApiError {
  const outcome = Object.hasOwn(OUTCOMES, error.code) ? OUTCOMES[error.code] : CONFIGURATION
  const { code, message = error.problem, ...details } = outcome
  return new ApiError(code, message, {
    ...details,
    ...(code === 'RATE_LIMITED' ? { retryAfterSeconds: SERVICE_PAUSE_SECONDS } : {}),
    cause: error,
  })
}
