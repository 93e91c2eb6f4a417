/*
 * What this server says when it refuses. The codes are those of Lumenfall's error reference, which the clients of that
 * service already know; NOT_FOUND is ours, for an address that is none.
 */

/** The HTTP status and the `type` of each code. Clients branch on the code; the type follows OpenAI's words. */
export const API_CODES = {
  INVALID_REQUEST: { status: 400, type: 'invalid_request_error' },
  CONTENT_POLICY_VIOLATION: { status: 400, type: 'invalid_request_error' },
  AUTHENTICATION_FAILED: { status: 401, type: 'authentication_error' },
  INSUFFICIENT_BALANCE: { status: 402, type: 'insufficient_quota' },
  MODEL_NOT_FOUND: { status: 404, type: 'invalid_request_error' },
  MODEL_DISABLED: { status: 404, type: 'invalid_request_error' },
  NOT_FOUND: { status: 404, type: 'invalid_request_error' },
  RATE_LIMITED: { status: 429, type: 'rate_limit_error' },
  INTERNAL_ERROR: { status: 500, type: 'api_error' },
  UPSTREAM_ERROR: { status: 502, type: 'api_error' },
  ALL_PROVIDERS_EXHAUSTED: { status: 502, type: 'api_error' },
} as const satisfies Record<string, { status: number; type: string }>

export type ApiCode = keyof typeof API_CODES

export interface ApiErrorDetails {
  /** HTTP status. @default that of the code in {@link API_CODES} */
  readonly status?: number
  /** False tells a client not to repeat the request, although the status would let it. @default true */
  readonly retry?: boolean
  /** Sent as `Retry-After`, in seconds. */
  readonly retryAfterSeconds?: number
  readonly cause?: unknown
}

/** A refusal as the client sees it. Its message is written for the client: no path, no key, no address of a result. */
export class ApiError extends Error {
  readonly code: ApiCode
  readonly status: number
  readonly retry: boolean
  readonly retryAfterSeconds: number | undefined

  constructor(code: ApiCode, message: string, details: ApiErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'ApiError'
    this.code = code
    this.status = details.status ?? API_CODES[code].status
    this.retry = details.retry ?? true
    this.retryAfterSeconds = details.retryAfterSeconds
  }
}

/** A refusal for something in the request itself. */
export function invalidRequest(message: string, details: ApiErrorDetails = {}): ApiError {
  return new ApiError('INVALID_REQUEST', message, details)
}

/** The documented body of an error. */
export function errorBody({ code, message }: ApiError): {
  error: { message: string; type: string; code: ApiCode }
} {
  return { error: { message, type: API_CODES[code].type, code } }
}

/** The headers that belong to a refusal. */
export function errorHeaders({ status, retry, retryAfterSeconds }: ApiError): Record<string, string> {
  return {
    ...(status >= 500 && !retry ? { 'x-should-retry': 'false' } : {}),
    ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
  }
}
