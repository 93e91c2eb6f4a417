import type { Purchase, Received, ServiceRequest } from '../billing/order.ts'
import { isLeft, takeUp } from '../billing/paid-call.ts'
import { openPurchase } from '../billing/purchase.ts'
import { isUpscaleError } from '../errors.ts'
import { ClaimLost } from '../remote/claim.ts'
import type { PipelineContext } from './context.ts'
import { fetchAnswer } from './fetch-answer.ts'
import type { Ordered } from './prepare.ts'

/**
 * Buys an answer under a claim in the shared store, so that of all machines that miss it one pays. A queue has jobs for
 * that, and a store that is away or holds no claims is done without.
 *
 * @throws UpscaleError what a purchase throws
 */
export async function buyClaimed(
  ordered: Ordered,
  request: ServiceRequest,
  context: PipelineContext,
): Promise<Received> {
  const { answerKey, order } = ordered
  const { options, remote, sharedIntent, stopping } = context
  const purchase = { request, order, store: context.stores.forEngine(request.engine) }
  const isShared = remote !== undefined && sharedIntent === undefined
  const isCalled = request.engine.billing === 'paid' && !options.frozen
  const left = isShared && isCalled ? await receiveLeft({ ...purchase, context }) : undefined
  if (left !== undefined) return left
  const claim = isShared && isCalled ? await remote.claim(answerKey, stopping) : undefined
  if (claim === undefined) return openPurchase({ ...purchase, context }).buy()
  try {
    // Another machine may have stored it between the look before and the claim.
    const fetched = await receiveFetched(ordered, request, context)
    if (fetched !== undefined) {
      await remote?.abandon(answerKey)
      return fetched
    }
    const shared = claim === 'answered' ? context : { ...context, sharedIntent: claim }
    return await openPurchase({ ...purchase, context: shared }).buy()
  } catch (error) {
    await remote?.abandon(answerKey)
    // Whoever has the claim now may buy it, or know of a call in doubt.
    if (error instanceof ClaimLost) return buyClaimed(ordered, request, context)
    throw error
  }
}

/**
 * The answer that a process of this machine had received when it ended. Its claim is still there, and others wait for it:
 * nobody has to be outwaited for what is here.
 */
async function receiveLeft(purchase: Purchase): Promise<Received | undefined> {
  if (!(await isLeft(purchase))) return undefined
  try {
    return await takeUp(purchase, async received => received)
  } catch (error) {
    // Somebody is at it.
    if (isUpscaleError(error) && error.code === 'CACHE_LOCKED') return undefined
    throw error
  }
}

/** The answer that another machine bought, kept here like an own one. */
export async function receiveFetched(
  ordered: Ordered,
  request: ServiceRequest,
  context: PipelineContext,
): Promise<Received | undefined> {
  const fetched = await fetchAnswer(ordered, request, context)
  if (fetched === undefined) return undefined
  const { facts, bytes } = fetched
  await context.stores.keepFetched(request.engine, { ...facts, boughtFor: ordered.order.source }, bytes)
  return { bytes, verified: facts.sha256, origin: 'remote', costMicros: 0 }
}
