import { escapeLines, escapeText } from './safe-text.ts'

/**
 * Every way the upscaler can refuse or fail. A code never changes its meaning; match on it, not on the class,
 * since two copies of this package can be loaded at once.
 */
export const ERROR_CODES = [
  // what the user wrote
  'BAD_OPTION',
  'BAD_DIRECTIVE',
  'UNKNOWN_ENGINE',
  'FACTOR_UNSUPPORTED',
  'KEY_MISSING',
  'KEY_EXPOSED',
  // the image the user pointed at
  'SOURCE_NOT_FOUND',
  'SOURCE_NOT_A_FILE',
  'SOURCE_OUTSIDE_ROOT',
  'SOURCE_UNREADABLE',
  'SOURCE_UNSUPPORTED',
  'SOURCE_CORRUPT',
  'SOURCE_TOO_LARGE',
  // the engine and the service behind it
  'ENGINE_FAILED',
  'API_REJECTED',
  'API_MODERATED',
  'API_UNAUTHORIZED',
  'API_NO_BALANCE',
  'API_FORBIDDEN',
  'API_NOT_FOUND',
  'API_RATE_LIMITED',
  'API_UNAVAILABLE',
  'API_UNREACHABLE',
  'API_INTERRUPTED',
  'API_TIMEOUT',
  'API_BAD_ANSWER',
  // the picture that came back
  'ANSWER_CORRUPT',
  'ANSWER_WRONG_SIZE',
  'ANSWER_WRONG_ASPECT',
  'ANSWER_DRIFTED',
  'ANSWER_TOO_LARGE',
  // cache and money
  'CACHE_UNWRITABLE',
  'CACHE_UNREADABLE',
  'CACHE_LOCKED',
  'FROZEN_MISS',
  'BUDGET_EXCEEDED',
  'CALL_UNCERTAIN',
  // the build around it
  'LEFTOVER_REFERENCE',
  'HOST_UNSUPPORTED',
  'ABORTED',
] as const

export type ErrorCode = (typeof ERROR_CODES)[number]

export function isErrorCode(value: unknown): value is ErrorCode {
  return (ERROR_CODES as readonly unknown[]).includes(value)
}

/** Where a reference was written. `line` and `column` count from 1. */
export interface Importer {
  readonly file: string
  readonly line?: number
  readonly column?: number
}

export interface ErrorDetails {
  /** What to do next, one sentence. */
  readonly hint: string
  /** The image, as a path the user knows. */
  readonly file?: string
  /** The reference as it was written, `./hero.png?upscale=2`. */
  readonly reference?: string
  readonly importer?: Importer
  readonly cause?: unknown
  /** The service's id of the request that failed, for a support ticket. */
  readonly requestId?: string
  /** True when the same request would be refused again, so that repeating it is pointless. */
  readonly permanent?: boolean
  /**
   * True when the call came to an end for which the service charges nothing, so that it may be ordered afresh. False
   * when it may have charged, although it refused. Absent where the code says enough.
   */
  readonly uncharged?: boolean
}

/**
 * The one error class thrown on purpose. `message` carries all three parts (what happened, where, what to do),
 * because some hosts print nothing else; the parts are also there one by one.
 */
export class UpscaleError extends Error {
  readonly code: ErrorCode
  /** What happened and why, without place and remedy; one line without control characters. */
  readonly problem: string
  readonly details: ErrorDetails

  constructor(code: ErrorCode, problem: string, details: ErrorDetails) {
    const cause = shownCause(details.cause)
    super(compose(code, problem, details), cause === undefined ? undefined : { cause })
    this.name = 'UpscaleError'
    this.code = code
    this.problem = escapeText(problem)
    this.details = details
    // The message has them all, in a form that can be shown; Node prints the fields of an error that nobody caught.
    Object.defineProperty(this, 'details', { enumerable: false })
  }

  /** The same error with the place filled in by somebody who knows it. What is already known wins. */
  at(place: Pick<ErrorDetails, 'file' | 'reference' | 'importer'>): UpscaleError {
    const merged = new UpscaleError(this.code, this.problem, { ...place, ...this.details })
    if (this.stack !== undefined) merged.stack = this.stack.replace(this.message, () => merged.message)
    return merged
  }
}

/** True for an {@link UpscaleError} of this or of another copy of the package. */
export function isUpscaleError(value: unknown): value is UpscaleError {
  return value instanceof Error && value.name === 'UpscaleError' && 'code' in value && 'problem' in value
}

/**
 * A cause as it may be shown: hosts print its message, its stack and its fields, and the errors of a file system have the
 * name of the file in each.
 */
function shownCause(cause: unknown): unknown {
  if (!(cause instanceof Error) || isUpscaleError(cause)) return cause
  const { name, message, stack = '' } = cause
  const fields = Object.entries(cause)
  const texts = [name, message, stack, ...fields.map(([, value]) => value)]
  const inner = shownCause(cause.cause)
  if (inner === cause.cause && texts.every(text => typeof text !== 'string' || escapeLines(text) === text))
    return cause
  const shown = new Error(escapeLines(message), inner === undefined ? undefined : { cause: inner })
  const escaped = fields.map(([key, value]) => [key, typeof value === 'string' ? escapeText(value) : value])
  return Object.assign(shown, Object.fromEntries(escaped), {
    name: escapeText(name),
    stack: escapeLines(stack),
  })
}

function compose(code: ErrorCode, problem: string, details: ErrorDetails): string {
  const lines = [`${details.file === undefined ? '' : `${details.file}: `}${problem} [${code}]`]
  if (details.reference !== undefined || details.importer !== undefined) lines.push(`  at ${place(details)}`)
  if (details.requestId !== undefined) lines.push(`  request ${details.requestId}`)
  lines.push(`  fix: ${details.hint}`)
  // Names and texts from outside stand in every part, and a host prints the message as it is.
  return lines.map(escapeText).join('\n')
}

function place({ reference, importer }: ErrorDetails): string {
  const from =
    importer === undefined
      ? ''
      : [importer.file, importer.line, importer.column].filter(part => part !== undefined).join(':')
  if (reference === undefined) return from
  return from === '' ? `"${reference}"` : `"${reference}" in ${from}`
}
