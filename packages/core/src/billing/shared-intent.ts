import type { Cache } from '../cache/cache.ts'
import type { AnswerKey } from '../cache/keys.ts'
import { clearLocalIntent, type Intent, parseIntent, readIntent, writeIntent } from './intent.ts'

// An intent lies on the disk of the machine that calls. Where a picture may be taken up by another machine, as a queue
// does with the work of one that died, the next one must know of the call as well, or it would pay again.

/** A place for the intent of one picture that every machine sees which may take the picture up. */
export interface SharedIntent {
  /** What an earlier holder of this work noted last, as it was noted; undefined when there is nothing. */
  readonly earlier: unknown
  /**
   * Keeps a note of a call that is about to be made, or is in doubt, in place of an earlier one.
   * @param note - can be kept as JSON
   * @throws anything when it is not kept; the call is not made then
   */
  note(note: object): Promise<void>
  /** Removes the note: no call is in doubt. */
  strike(): Promise<void>
}

/** The open intent of a key, on this machine or another. @throws UpscaleError CACHE_UNREADABLE */
export function openIntent(
  store: Cache,
  answerKey: AnswerKey,
  { sharedIntent }: Sharing,
): Intent | undefined {
  const own = readIntent(store, answerKey)
  if (own !== undefined || sharedIntent?.earlier === undefined) return own
  const { earlier } = sharedIntent
  return parseIntent(typeof earlier === 'object' && earlier !== null ? { ...earlier } : {})
}

/** Where an intent is shared, if anywhere. */
interface Sharing {
  readonly sharedIntent?: SharedIntent | undefined
}

interface Place {
  readonly store: Cache
  readonly answerKey: AnswerKey
  readonly context: Sharing
}

/** Writes an intent down here and where the shared intent keeps it. @throws UpscaleError CACHE_UNWRITABLE; what the shared intent throws */
export async function noteIntent({ store, answerKey, context }: Place, intent: Intent): Promise<void> {
  await writeIntent(store, answerKey, intent)
  await context.sharedIntent?.note({ ...intent })
}

/** Strikes an intent here and there. @throws UpscaleError CACHE_UNWRITABLE; what the shared intent throws */
export async function clearIntentEverywhere({ store, answerKey, context }: Place): Promise<void> {
  await clearLocalIntent(store, answerKey)
  await context.sharedIntent?.strike()
}
