import type { ServiceRequest } from '../billing/order.ts'
import { takeUp } from '../billing/paid-call.ts'
import { openPurchase } from '../billing/purchase.ts'
import { forgetUnshared, readUnshared, type Unshared } from '../billing/unshared.ts'
import type { Cache } from '../cache/cache.ts'
import type { AnswerKey } from '../cache/keys.ts'
import type { FileEngine } from '../engines/engine.ts'
import { isUpscaleError } from '../errors.ts'
import type { PipelineContext } from './context.ts'
import { verified } from './verified-answer.ts'

// What a process that died had paid for, and had no time to hand on, is offered to the remote cache by the next one that
// uses the folder, whatever that one is asked for: another machine may be about to pay for it again. Nobody waits for it,
// and nothing comes of what fails: it is tried again by the next process.

/** Stores an answer in the remote cache. Returns whether it is there. Never throws. */
export async function share(
  key: AnswerKey,
  store: Cache,
  { remote }: Pick<PipelineContext, 'remote'>,
): Promise<boolean> {
  if ((await remote?.keep(key, store)) !== true) return false
  const note = readUnshared(store, key)
  forgetUnshared(store, key)
  // Whoever asks finds the answer before the doubt; once the store forgets it, the doubt would be all there is.
  if (note !== undefined && note !== 'busy' && !note.isOwn) await remote?.resolve(key, note.at)
  return true
}

/**
 * Takes up what processes that ended left unshared in the durable folder, and begins to store it. Never throws.
 * @param keys what was noted, see listUnshared
 * @returns for each answer, whether the remote cache has taken it
 */
export async function offerUnshared(
  keys: readonly AnswerKey[],
  context: PipelineContext,
): Promise<readonly Promise<boolean>[]> {
  const { durable } = context.stores
  const sharing: Promise<boolean>[] = []
  for (const key of keys) {
    if (context.stopping.aborted) break
    const note = readUnshared(durable, key)
    if (note === 'busy') continue
    if (note === undefined) forgetUnshared(durable, key)
    else if (await isHere(note, context)) sharing.push(share(key, durable, context))
  }
  return sharing
}

/** True when the answer is filed here, and is the picture that was asked for. */
async function isHere(note: Unshared, context: PipelineContext): Promise<boolean> {
  const { options, stores, pictures } = context
  const store = stores.durable
  const { order } = note
  const { answerKey } = order
  try {
    const request = requestOf(note, context)
    if (request === undefined) return false
    const purchase = { request, order: { ...order, png: NOTHING }, store, context }
    const purchaser = openPurchase(purchase)
    const kept = await store.find('answers', answerKey)
    if (kept !== undefined) {
      const received = {
        bytes: kept.bytes,
        verified: kept.facts.sha256,
        origin: 'cache',
        costMicros: 0,
      } as const
      await pictures(() => verified(received, order, purchaser, context))
      return true
    }
    const filed = await takeUp(purchase, received =>
      pictures(async () => {
        await purchaser.file(received, await verified(received, order, purchaser, context))
        return true
      }),
    )
    // A frozen build does not look into a response.
    if (filed === undefined && !options.frozen) forgetUnshared(store, answerKey)
    return filed === true
  } catch (error) {
    if (!isUpscaleError(error)) throw error
    // Told to whoever asks for the picture.
    return false
  }
}

/** Nothing is sent. */
const NOTHING = new Uint8Array()

/** The request as it was, where its engine is still there. */
function requestOf(
  { engineName, id, model, scale, params }: Unshared,
  { options }: PipelineContext,
): ServiceRequest | undefined {
  const isIt = (engine: unknown): engine is FileEngine => {
    const { exchange, billing, ...one } = engine as FileEngine
    return exchange === 'file' && billing === 'paid' && one.id === id && one.model === model
  }
  const engine = [options.engines.get(engineName), ...options.engines.values()].find(isIt)
  if (engine === undefined) return undefined
  return { engineName, engine, scale, params, factor: scale, format: undefined, quality: undefined }
}
