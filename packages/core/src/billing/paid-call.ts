import { join } from 'node:path'
import type { Cache } from '../cache/cache.ts'
import { acquireLock, LOCKS, type Lock, whileHeld } from '../cache/lock/lock.ts'
import { priceOf } from '../engines/call-price.ts'
import { dollars } from '../engines/dollars.ts'
import type { FileAnswer, FileRequest } from '../engines/engine.ts'
import { type ErrorCode, isUpscaleError, UpscaleError } from '../errors.ts'
import { type Intent, inDoubt, readIntent } from './intent.ts'
import type { Purchase, Received } from './order.ts'
import { refusedAttempts } from './refusal.ts'
import { createResponseFile, findResponse } from './response-file.ts'
import {
  adoptReceived,
  type Call,
  giveUp,
  keepAnswer,
  keepUnread,
  settleAnswer,
  settleFailure,
  settleLateRefusal,
  settleUnsent,
} from './settle.ts'
import { noteIntent, openIntent } from './shared-intent.ts'
import { requiredDiskBytes } from './store-received.ts'
import { noteUnshared } from './unshared.ts'

// One call that may be charged, and everything around it, in this order:
//
//   lock of the key, look again     nobody else is buying the same picture
//   answer of an earlier call       received and not looked at: taken up, no call
//   response of an earlier call     on the disk, whole or not: read, no call
//   intent of an earlier call       in doubt: ask for its job, repeat it under its key, or stop
//   key, breaker, room, budget      it may be made, its answer can be kept, it is paid for
//   intent, synced                  from here on a death is noticed
//   the call                        its response is written as it comes: from here on a death loses nothing that came
//   answer, synced                  nor does a power cut
//   budget, ledger, intent struck   settle.ts
//
// The slot of the `calls` limit covers the call alone, so that a service that takes N calls at a time always has N.

/** A call may take minutes, and as many as there are processes may wait for one. */
const LOCK_TIMEOUT_MS = 30 * 60 * 1000

/**
 * Buys an answer.
 *
 * @param look - finds what another process stored while we waited for the lock
 * @throws UpscaleError API_*, KEY_MISSING, FROZEN_MISS, BUDGET_EXCEEDED, CALL_UNCERTAIN, CACHE_*, ABORTED
 */
export async function buy(purchase: Purchase, look: () => Promise<Received | undefined>): Promise<Received> {
  const { request, order, store, context } = purchase
  const frozen = context.options.frozen && request.engine.billing === 'paid'
  if (frozen && (await store.peek('received', order.answerKey)) === undefined) throw frozenMiss(purchase)
  if (!frozen) await context.budget.join(request.engine.priceMicros)
  const lock = await lockKey(purchase)
  return whileHeld(lock, async () => {
    store.refresh(order.answerKey)
    // Who bought it files it without the lock: between both looks it may have moved to where the first one looked.
    const there = (await look()) ?? (await adoptReceived(purchase)) ?? (await look())
    if (there !== undefined) return there
    if (frozen) throw frozenMiss(purchase)
    if (store.listed(order.answerKey) !== undefined && !context.word.allows(order.answerKey))
      throw boughtElsewhere(store)
    return await reserveAndCall(purchase, lock)
  })
}

/** Who is at the same picture now will see to it. */
const IN_PASSING_MS = 2000

/**
 * Uses what a process that ended had received of an answer, without a call and without a wait for whoever else is at it.
 *
 * @returns undefined where there is no whole answer
 * @throws UpscaleError CACHE_*, ABORTED; what the response says
 */
export async function takeUp<T>(
  purchase: Purchase,
  use: (received: Received) => Promise<T>,
): Promise<T | undefined> {
  const { order, store, context } = purchase
  return whileHeld(await lockKey(purchase, IN_PASSING_MS), async () => {
    store.refresh(order.answerKey)
    const received = (await adoptReceived(purchase)) ?? (await readLeft())
    return received === undefined ? undefined : use(received)
  })

  async function readLeft(): Promise<Received | undefined> {
    // It may name an address that the picture has to be fetched from.
    if (context.options.frozen) return undefined
    const before = readIntent(store, order.answerKey)
    return before === undefined || before.job !== undefined
      ? undefined
      : readResponse(purchase, before, mayGoOn(purchase, before))
  }
}

/** True where {@link takeUp} may find something. Costs two looks at files that most often are not there. */
export async function isLeft({ order, store }: Purchase): Promise<boolean> {
  const { answerKey } = order
  return readIntent(store, answerKey) !== undefined || (await store.peek('received', answerKey)) !== undefined
}

/** Keeps everybody else from buying the same picture. @throws UpscaleError CACHE_LOCKED, CACHE_UNWRITABLE, ABORTED */
export function lockKey(
  { store, order, context }: Purchase,
  timeoutMs: number = LOCK_TIMEOUT_MS,
): Promise<Lock> {
  const file = join(store.root, LOCKS, `${order.answerKey}.lock`)
  return acquireLock(file, { signal: context.engineContext.signal, timeoutMs })
}

async function reserveAndCall(purchase: Purchase, lock: Pick<Lock, 'check'>): Promise<Received> {
  const { request, order, store, context } = purchase
  const { engine } = request
  const before = openIntent(store, order.answerKey, context)
  if (before !== undefined) {
    const goesOn = mayGoOn(purchase, before)
    const arrived = before.job === undefined ? await readResponse(purchase, before, goesOn) : undefined
    if (arrived !== undefined) return arrived
    if (!goesOn) throw inDoubt(store, order.answerKey, before)
  }
  engine.checkAccess?.(context.engineContext, { ...order, scale: request.scale })
  context.breaker.check(request.engineName)
  if (engine.billing === 'paid') await context.announce()
  await store.probe(requiredDiskBytes(order, request.scale))
  const priceMicros = await context.prices.of(request, order)
  const reservation = await context.budget.reserve(priceMicros)
  const intent: Intent = {
    at: new Date().toISOString(),
    ...(await continuation(purchase, before)),
    priceMicros,
    engine: engine.id,
    model: engine.model,
    source: order.source,
  }
  const response = createResponseFile(store, order.answerKey)
  const call: Call = { ...purchase, intent, before, reservation, response }
  let sent = false
  let answer: FileAnswer
  try {
    answer = await context.calls(async () => {
      // A queue may have been long, and the service may have said no to everything meanwhile.
      if (context.stopping.aborted) throw stopped()
      reservation.check()
      context.breaker.enter(request.engineName)
      await lock.check()
      if (before !== undefined && before.attempt !== intent.attempt) await giveUp(purchase, before)
      noteUnshared(purchase, intent.at)
      await noteIntent({ store, answerKey: order.answerKey, context }, intent)
      sent = true
      context.word.use(order.answerKey)
      // What the next call depends on is noted before the slot is free, or that call would be out already.
      try {
        const answer = await engine.upscale(requestFor(call), context.engineContext)
        reservation.charged(answer.costMicros)
        return answer
      } catch (error) {
        context.breaker.observe(request.engineName, error)
        throw error
      }
    })
  } catch (error) {
    throw await (sent ? settleFailure(await keepUnread(error, call), call) : settleUnsent(error, call))
  }
  return settleAnswer(answer, call)
}

/**
 * The answer in the response that a killed process had begun to read. One that can't be read says no more than that the
 * call was made.
 *
 * @param goesOn - whether the call may be made again, so that what is wrong with the response is no reason to stop
 * @throws UpscaleError what the response says for good, or what kept the picture that it names from being fetched
 */
async function readResponse(
  purchase: Purchase,
  before: Intent,
  goesOn: boolean,
): Promise<Received | undefined> {
  const { request, order, store, context } = purchase
  const response = await findResponse(store, order.answerKey)
  if (response === undefined) return undefined
  const asked = { ...requestFor({ ...purchase, intent: before }), response }
  let answer: FileAnswer
  try {
    answer = await context.calls(() => request.engine.upscale(asked, context.engineContext))
  } catch (error) {
    if (!isUpscaleError(error)) throw error
    if (error.details.permanent === true) throw await settleLateRefusal(error, purchase, before)
    // What a part of a refusal says is no end of the call.
    if (goesOn || UNREADABLE.has(error.code) || response.status >= 400) return undefined
    throw error
  }
  await keepAnswer(answer, purchase)
  return adoptReceived(purchase)
}

/** What an engine says about a response that is cut off, or is none. */
const UNREADABLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['API_BAD_ANSWER', 'ANSWER_CORRUPT'])

/** True when a call in doubt can be taken up again without a second charge, or a person asked for it. */
function mayGoOn({ request: { engine }, order, context }: Purchase, before: Intent): boolean {
  if (engine.billing === 'free' || engine.recovery === 'idempotency-key') return true
  return (engine.recovery === 'job' && before.job !== undefined) || context.word.allows(order.answerKey)
}

/**
 * A call that is taken up again keeps its job or its number, and so its idempotency key; a second order gets the next
 * number. A job that was asked for in vain is given up when a person says so.
 */
async function continuation(
  { request: { engine }, order, store, context }: Purchase,
  before: Intent | undefined,
): Promise<Pick<Intent, 'attempt' | 'job'>> {
  const refused = await refusedAttempts(store, order.answerKey)
  if (before === undefined) return { attempt: refused + 1 }
  const { attempt, job, asked } = before
  const isGone = context.word.allows(order.answerKey) && asked === true
  if (engine.recovery === 'job' && job !== undefined && !isGone) return { attempt, job }
  return { attempt: engine.recovery === 'idempotency-key' ? attempt : Math.max(attempt, refused) + 1 }
}

function requestFor({
  request,
  order,
  intent,
  context,
  store,
  response,
}: Purchase & Pick<Call, 'intent'> & Partial<Pick<Call, 'response'>>): FileRequest {
  const { png, name, width, height, answerKey } = order
  return {
    png,
    name,
    width,
    height,
    scale: request.scale,
    params: request.params,
    idempotencyKey: `${answerKey}-${intent.attempt}`,
    ...(intent.job === undefined ? {} : { job: intent.job }),
    ...(response === undefined ? {} : { onResponse: head => response.begin(head) }),
    onJob: named => noteIntent({ store, answerKey, context }, { ...intent, job: named }),
  }
}

/** A key on the list of paid answers was paid for; that its answer isn't here is no reason to pay again. */
function boughtElsewhere({ root }: Cache): UpscaleError {
  const problem = 'this picture was bought, as manifest.json there says, but its answer is not in the cache'
  return new UpscaleError('CACHE_UNREADABLE', problem, {
    file: root,
    hint: 'restore the folder from version control or from the cache of CI; to buy it again, build once with UPSCALE_RETRY=1',
  })
}

function frozenMiss({ request: { engine, engineName, scale }, order, store }: Purchase): UpscaleError {
  const price = dollars(priceOf(engine, { ...order, scale }))
  const problem = `this picture is not in the cache, and paid engines are frozen here (engine "${engineName}", ${price})`
  const hint =
    store.listed(order.answerKey) === undefined
      ? 'build once where it may spend money and commit the cache folder, or set frozen: false'
      : 'it was bought, as manifest.json says: restore its answer from version control or from the cache of CI'
  return new UpscaleError('FROZEN_MISS', problem, { hint })
}

function stopped(): UpscaleError {
  return new UpscaleError('ABORTED', 'the build was stopped before this picture was asked for', {
    hint: 'start the build again; what was bought is kept',
  })
}
