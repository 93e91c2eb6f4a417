import type { ErrorCode, UpscaleError } from '../errors.ts'

/** Failures that say nothing about the source or the directive, so that a stand-in makes sense. */
const ENGINE_SIDE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ENGINE_FAILED',
  'KEY_MISSING',
  'FROZEN_MISS',
  'BUDGET_EXCEEDED',
  'CALL_UNCERTAIN',
])

/** True for a failure that the option `onError` may cover. */
export function isEngineSide({ code }: UpscaleError): boolean {
  return ENGINE_SIDE.has(code) || code.startsWith('API_') || code.startsWith('ANSWER_')
}
