import { whileHeld } from '../cache/lock/lock.ts'
import { dollars } from '../engines/dollars.ts'
import { isUpscaleError, UpscaleError } from '../errors.ts'
import { extensionOf } from '../source/format.ts'
import { sniffFormat } from '../source/sniff.ts'
import { clearLocalIntent, readIntent } from './intent.ts'
import type { Purchase, Received } from './order.ts'
import { buy, lockKey } from './paid-call.ts'
import { recallRefusal, rememberRefusal } from './refusal.ts'
import { removeResponses } from './response-file.ts'
import { adoptReceived, factsOf, giveUp, lineOf } from './settle.ts'
import { keepRejected } from './store-received.ts'

// The way of an answer that comes over a wire and may have cost money. Its folders, by the same key:
//
//   answers/    verified; never asked for again
//   received/   arrived and synced to disk, not looked at yet; a build that died here goes on from it
//   rejected/   arrived and refused by our checks; kept, because it was paid for
//   refusals/   what was refused for good, by the service or by our checks; not asked again
//
// An answer is on disk before anything looks at it, so neither a bad answer nor an abort loses what was paid for.

/** The steps of buying one picture, in the order in which they are tried. */
export interface Purchaser {
  /**
   * The verified answer in the cache; closes the books that a killed build left open.
   * @throws UpscaleError the refusal that is remembered; CACHE_*
   */
  kept(): Promise<Received | undefined>
  /** The answer that an earlier build received, or one bought now. @throws UpscaleError what {@link buy} throws */
  buy(): Promise<Received>
  /** Files an answer that was looked at, for good. Returns its SHA-256, hex. */
  file(received: Received, size: { readonly width: number; readonly height: number }): Promise<string>
  /** Keeps an answer that our checks refused, remembers why, and throws that. */
  reject(received: Received, error: unknown): Promise<never>
}

export function openPurchase(purchase: Purchase): Purchaser {
  const { request, order, store, context } = purchase
  const { answerKey } = order
  const isPaid = request.engine.billing === 'paid'

  async function look(): Promise<Received | undefined> {
    const kept = await store.find('answers', answerKey)
    if (kept !== undefined)
      return { bytes: kept.bytes, verified: kept.facts.sha256, origin: 'cache', costMicros: 0 }
    const { root } = context.options
    const refusal = context.word.allows(answerKey) ? undefined : await recallRefusal(store, answerKey, root)
    if (refusal !== undefined) throw refusal
    return undefined
  }

  /**
   * Finishes what a build that was killed after it had filed this answer left undone. A leftover does no harm, so a
   * frozen build, which need not be able to write, and a cache that can't be written leave it there.
   */
  async function closeBooks(): Promise<void> {
    const isOpen = async (): Promise<boolean> =>
      readIntent(store, answerKey) !== undefined || (await store.peek('received', answerKey)) !== undefined
    if (context.options.frozen) return
    try {
      if (!(await isOpen())) return
      await whileHeld(await lockKey(purchase), async () => {
        if (!(await isOpen())) return
        const received = await adoptReceived(purchase)
        if (received !== undefined) return await closeReceived(received)
        // The answer came another way, from a colleague for one. What became of our own call is still not known.
        const intent = readIntent(store, answerKey)
        if (intent === undefined) return
        await giveUp(purchase, intent)
        removeResponses(store, answerKey)
        await clearLocalIntent(store, answerKey)
      })
    } catch (error) {
      if (!isUpscaleError(error) || !error.code.startsWith('CACHE_')) throw error
    }
  }

  /** Writes down that a received answer was filed, and removes what is there twice now. */
  async function closeReceived(received: Received): Promise<void> {
    if (isPaid) await context.ledger.append({ ...lineOf(purchase, received), event: 'stored' })
    await store.remove('received', answerKey)
  }

  return {
    async kept() {
      const kept = await look()
      if (kept !== undefined) await closeBooks()
      return kept
    },
    buy: () => buy(purchase, look),
    async file(received, { width, height }) {
      const format = sniffFormat(received.bytes)
      const fileName = `answer.${extensionOf(format)}`
      const about = { width, height, format, fileName, boughtFor: order.source }
      const entry = await store.commit(
        'answers',
        { ...factsOf(purchase, received), ...about },
        received.bytes,
      )
      await closeReceived(received)
      await store.removeRecord('refusals', answerKey)
      return entry.facts.sha256
    },
    async reject(received, error) {
      if (!isUpscaleError(error)) throw error
      const file = await keepRejected(store, factsOf(purchase, received), received.bytes)
      const refusal = new UpscaleError(error.code, error.problem, {
        ...error.details,
        hint: `${error.details.hint}; what came back is kept in ${file}${chargeNote(received)}`,
        permanent: true,
        ...(received.requestId === undefined ? {} : { requestId: received.requestId }),
      })
      await rememberRefusal(store, answerKey, refusal, received.attempt)
      const line = { ...lineOf(purchase, received), event: 'rejected', code: error.code } as const
      if (isPaid) await context.ledger.append(line)
      await store.remove('received', answerKey)
      throw refusal
    },
  }
}

function chargeNote({ costMicros }: Received): string {
  return costMicros === 0 ? '' : `, ${dollars(costMicros)} were charged for it`
}
