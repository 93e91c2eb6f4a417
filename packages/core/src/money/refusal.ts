import { relative } from 'node:path'
import type { Cache } from '../cache/cache.ts'
import { isErrorCode, UpscaleError } from '../errors.ts'
import type { PayKey } from '../key.ts'

/**
 * Keeps a refusal that would come again, so that the next build does not send, and perhaps pay for, the same request.
 * @throws UpscaleError CACHE_UNWRITABLE
 */
export function rememberRefusal(store: Cache, pay: PayKey, error: UpscaleError): Promise<void> {
  const { hint, requestId } = error.details
  return store.commitRecord('refusals', pay, {
    code: error.code,
    problem: error.problem,
    hint,
    ...(requestId === undefined ? {} : { requestId }),
  })
}

/** The refusal that an earlier run remembered for this key, as the error it was. */
export function recallRefusal(store: Cache, pay: PayKey, root: string): UpscaleError | undefined {
  const record = store.findRecord('refusals', pay)
  if (record === undefined) return undefined
  const { code, problem, hint, requestId } = record
  if (!isErrorCode(code) || typeof problem !== 'string' || typeof hint !== 'string') return undefined
  const file = relative(root, store.recordFile('refusals', pay))
  return new UpscaleError(code, `${problem} (remembered from an earlier run, nothing was sent)`, {
    hint: `${hint}; to ask again, build once with UPSCALE_RETRY=1, or delete ${file}`,
    permanent: true,
    ...(typeof requestId === 'string' ? { requestId } : {}),
  })
}
