import { type ErrorCode, UpscaleError } from '../../errors.ts'
import { safeText } from '../../safe-text.ts'
import type { HttpResponse } from '../http/client.ts'
import { field, textField } from '../http/json.ts'

/** How messages speak about the service. */
export interface Service {
  readonly name: string
  /** What its key is called where the user put it: a variable of the environment, or the option `apiKey`. */
  readonly keyName: string
  /** Values that no message may contain. */
  readonly secrets: readonly string[]
}

/** What an answer can mean; the other API_ codes are for calls without one. */
export type ApiCode = Exclude<
  Extract<ErrorCode, `API_${string}`>,
  'API_UNREACHABLE' | 'API_INTERRUPTED' | 'API_TIMEOUT'
>

/**
 * What the codes in an error envelope mean. Upper-case ones are Lumenfall's, from its error reference; lower-case
 * ones are OpenAI's, which other gateways copy. The envelope's `type` is not looked at: Lumenfall's own pages
 * disagree about it.
 */
const BY_CODE: ReadonlyMap<string, ApiCode> = new Map([
  ['INVALID_REQUEST', 'API_REJECTED'],
  ['CONTENT_POLICY_VIOLATION', 'API_MODERATED'],
  ['AUTHENTICATION_FAILED', 'API_UNAUTHORIZED'],
  ['INSUFFICIENT_BALANCE', 'API_NO_BALANCE'],
  ['MODEL_NOT_FOUND', 'API_NOT_FOUND'],
  ['MODEL_DISABLED', 'API_NOT_FOUND'],
  ['RECORDING_NOT_FOUND', 'API_NOT_FOUND'],
  ['RATE_LIMITED', 'API_RATE_LIMITED'],
  ['ALL_PROVIDERS_EXHAUSTED', 'API_UNAVAILABLE'],
  ['INTERNAL_ERROR', 'API_UNAVAILABLE'],
  ['content_policy_violation', 'API_MODERATED'],
  ['moderation_blocked', 'API_MODERATED'],
  ['invalid_api_key', 'API_UNAUTHORIZED'],
  ['insufficient_quota', 'API_NO_BALANCE'],
  ['model_not_found', 'API_NOT_FOUND'],
  ['rate_limit_exceeded', 'API_RATE_LIMITED'],
])

const BY_STATUS: ReadonlyMap<number, ApiCode> = new Map([
  [401, 'API_UNAUTHORIZED'],
  [402, 'API_NO_BALANCE'],
  [403, 'API_FORBIDDEN'],
  [404, 'API_NOT_FOUND'],
  [405, 'API_NOT_FOUND'],
  [408, 'API_UNAVAILABLE'],
  [409, 'API_UNAVAILABLE'],
  // The order is bound to another one (423), or whoever works for the service failed at it (424).
  [423, 'API_UNAVAILABLE'],
  [424, 'API_UNAVAILABLE'],
  [425, 'API_UNAVAILABLE'],
  [429, 'API_RATE_LIMITED'],
])

/**
 * The last refusal that HTTP knows. Proxies have their own above it: 499 and 460 say that whoever asked hung up, while the
 * service behind them goes on.
 */
const LAST_REFUSAL = 451

/** What happened, and what to do about it. */
const WORDS: Readonly<Record<ApiCode, readonly [problem: string, hint: (service: Service) => string]>> = {
  API_REJECTED: ['refused the request', () => 'check the image and the parameters against the reason given'],
  API_MODERATED: [
    'refused the picture by its content rules',
    () =>
      'use engine=local for this image, or another picture; asking again may be charged and refused again',
  ],
  API_UNAUTHORIZED: [
    'did not accept the API key',
    ({ keyName }) =>
      `check ${keyName}, or make a new key; it may be incomplete, revoked or of another service`,
  ],
  API_NO_BALANCE: [
    'has too little balance for this call',
    ({ name }) => `top up the balance of your ${name} account and build again; finished pictures are kept`,
  ],
  API_FORBIDDEN: [
    'does not allow this key to do that',
    ({ keyName }) => `check what the key in ${keyName} is allowed to use`,
  ],
  API_NOT_FOUND: [
    'knows no such model or address',
    ({ name }) =>
      `check the model's name, and that the base URL of ${name} is complete, version part included`,
  ],
  API_RATE_LIMITED: [
    'asks to slow down',
    () => 'build again later, or lower "concurrency"; finished pictures are kept',
  ],
  API_UNAVAILABLE: [
    'could not do the work',
    ({ name }) => `look at the request log of ${name} whether it charged, then build again`,
  ],
  API_BAD_ANSWER: [
    'sent an answer that is none',
    ({ name }) => `check the base URL of ${name}; if it is right, the service is at fault`,
  ],
}

/** What a service says about its refusal. */
export interface Envelope {
  readonly code: string | undefined
  readonly message: string | undefined
}

/**
 * Refused for what the request says, so the same request would be refused again. Only where the service itself says
 * so: a proxy's page, or a wrong base URL, answers 400 as well, and must not be remembered for the image.
 */
const PERMANENT: ReadonlySet<ApiCode> = new Set(['API_REJECTED', 'API_MODERATED'])

/**
 * The error for an answer that is not a success: a status other than 200, or an `error` in a 200.
 * @param json - the body as JSON, undefined where it is none
 */
export function apiError(response: HttpResponse, json: unknown, service: Service): UpscaleError {
  const envelope = readEnvelope(json)
  return refusal(codeFor(response.status, envelope.code), envelope, response, service)
}

/** The words for a refusal whose meaning is known; `permanent` where the same request would be refused again. */
export function refusal(
  code: ApiCode,
  envelope: Envelope,
  response: HttpResponse,
  service: Service,
): UpscaleError {
  const [problem, hint] = WORDS[code]
  const said = safeText(envelope.message ?? plainText(response), { secrets: service.secrets })
  const wait = response.headers['retry-after']
  const label = [`HTTP ${response.status}`, envelope.code, wait && `Retry-After ${wait}`]
    .filter(Boolean)
    .join(', ')
  const text = `${service.name} ${problem} (${safeText(label, { secrets: service.secrets, maxCharacters: 80 })})`
  return new UpscaleError(code, said === '' ? text : `${text}: ${said}`, {
    hint: hint(service),
    ...(PERMANENT.has(code) && envelope.message !== undefined ? { permanent: true } : {}),
    ...(response.isEarly === true ? { uncharged: true } : {}),
  })
}

/** The error for a success that holds no picture we could take. */
export function badAnswer(service: Service, problem: string): UpscaleError {
  return new UpscaleError('API_BAD_ANSWER', `${service.name} ${problem}`, {
    hint: WORDS.API_BAD_ANSWER[1](service),
  })
}

/** A refusal that is none: only the service knows whether it charged. @param what - came with it */
export function contradiction(
  { status }: HttpResponse,
  json: unknown,
  what: string,
  { name, secrets }: Service,
): UpscaleError {
  const said = safeText(textField(field(json, 'error'), 'message') ?? '', { secrets })
  const problem = `${name} sent a refusal (HTTP ${status}), and ${what} with it${said === '' ? '' : `: ${said}`}`
  return new UpscaleError('API_BAD_ANSWER', problem, {
    hint: `look at the request log of ${name} whether it charged`,
  })
}

function readEnvelope(json: unknown): Envelope {
  const error = field(json, 'error')
  return {
    code: textField(error, 'code') ?? textField(error, 'error_code') ?? textField(json, 'error_code'),
    message:
      textField(error, 'message') ??
      (typeof error === 'string' ? error : undefined) ??
      textField(json, 'message') ??
      textField(json, 'detail'),
  }
}

/** Codes that say the same under any status: what they say is believed although it may have been charged. */
const UNDER_ANY_STATUS: ReadonlySet<ApiCode> = new Set(['API_MODERATED'])

/**
 * A status that leaves open whether the work was done outdoes a code that says it was not: a service that failed (500 to 599)
 * names the reason of whoever works for it, and a 409 is about an order that is still worked on.
 */
function codeFor(status: number, code: string | undefined): ApiCode {
  const byStatus = codeForStatus(status)
  const byCode = code === undefined ? undefined : BY_CODE.get(code)
  if (byCode === undefined) return byStatus
  return byStatus === 'API_UNAVAILABLE' && !UNDER_ANY_STATUS.has(byCode) ? byStatus : byCode
}

/** What a status means where nothing else is said. */
export function codeForStatus(status: number): ApiCode {
  const byStatus = BY_STATUS.get(status)
  if (byStatus !== undefined) return byStatus
  if (status > LAST_REFUSAL) return 'API_UNAVAILABLE'
  return status >= 400 ? 'API_REJECTED' : 'API_BAD_ANSWER'
}

/** The most of a body that is no JSON in which words are looked for. */
const MAX_SAID_BYTES = 64 * 1024

/** What a body that is no JSON says, a web page without its tags. */
function plainText({ body, headers, status }: HttpResponse): string {
  if (status >= 300 && status < 400) return 'a redirect, which is not followed'
  const text = body.toString('utf8', 0, MAX_SAID_BYTES)
  const isPage = /html/i.test(headers['content-type'] ?? '') || /^\s*</.test(text)
  // The pattern gives up at the next "<", so a page full of them takes no longer than another.
  return isPage ? `a web page instead of JSON: ${text.replace(/<[^<>]*>/g, ' ')}` : text
}
