import { relative } from 'node:path'
import type { Cache } from '../cache/cache.ts'
import type { AnswerKey } from '../cache/keys.ts'
import { isErrorCode, UpscaleError } from '../errors.ts'
import { ATTEMPT } from './recorded-amounts.ts'

/**
 * Keeps a refusal that would come again, so that the next build does not send, and perhaps pay for, the same request.
 *
 * @param attempt which order for this key was refused; where nobody knows, it is the one after the last refused
 * @throws UpscaleError CACHE_UNWRITABLE
 */
export async function rememberRefusal(
  store: Cache,
  pay: AnswerKey,
  error: UpscaleError,
  attempt?: number,
): Promise<void> {
  const { hint, requestId } = error.details
  await store.commitRecord('refusals', pay, {
    code: error.code,
    problem: error.problem,
    hint,
    attempt: attempt ?? (await refusedAttempts(store, pay)) + 1,
    ...(requestId === undefined ? {} : { requestId }),
  })
}

/** How many orders for a key came to nothing for good. The next one is another order, under another idempotency key. */
export async function refusedAttempts(store: Cache, pay: AnswerKey): Promise<number> {
  const record = await store.findRecord('refusals', pay)
  if (record === undefined) return 0
  return ATTEMPT.accepts(record.attempt) ? record.attempt : 1
}

/** The refusal that an earlier run remembered for this key, as the error it was. */
export async function recallRefusal(
  store: Cache,
  pay: AnswerKey,
  root: string,
): Promise<UpscaleError | undefined> {
  const record = await store.findRecord('refusals', pay)
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
