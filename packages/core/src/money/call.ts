import { join } from 'node:path'
import type { Cache } from '../cache/cache.ts'
import { acquireLock, LOCKS } from '../cache/lock.ts'
import type { FileAnswer, FileEngine, FileRequest } from '../engines/engine.ts'
import { type ErrorCode, isUpscaleError, UpscaleError } from '../errors.ts'
import type { PayKey } from '../key.ts'
import type { JobOf, Workshop } from '../workshop.ts'
import type { Reservation } from './budget.ts'
import { dollars } from './dollars.ts'
import { type Intent, inDoubt, readIntent, strikeIntent, writeIntent } from './intent.ts'
import type { LedgerLine } from './ledger.ts'
import { rememberRefusal } from './refusal.ts'

// One call that may be charged, and everything around it, in this order:
//
//   lock of the key, look again     nobody else is buying the same picture
//   intent of an earlier call       in doubt: ask for its job, repeat it under its key, or stop
//   breaker, budget, room on disk   it may be made, it is paid for, its answer can be kept
//   intent, synced                  from here on a death is noticed
//   the call
//   answer, synced                  from here on nothing is lost
//   budget, ledger, intent struck
//
// The slot of the `calls` limit covers the call alone, so that a service that takes N calls at a time always has N.

type ServiceJob = JobOf<FileEngine>

/** What is sent. */
export interface Order {
  readonly pay: PayKey
  readonly png: Uint8Array
  /** The source's size in pixels. */
  readonly width: number
  readonly height: number
  /** The source's name, for people. */
  readonly source: string
  /** A plain file name ending in .png. */
  readonly name: string
}

/** An answer on the disk. */
export interface Received {
  readonly bytes: Uint8Array
  /** Millionths of a US dollar that count as charged for it in this run. */
  readonly costMicros: number
  readonly requestId?: string
  /** True when the service was called for it just now. */
  readonly fresh: boolean
  /** SHA-256 in hex, for an answer that was verified before. Any other has not been looked at. */
  readonly verified?: string
}

/** Errors after which nothing can have been charged: the request never left, or was refused outright. */
const NOT_CHARGED: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'KEY_MISSING',
  'CACHE_UNWRITABLE',
  'API_UNAUTHORIZED',
  'API_NO_BALANCE',
  'API_FORBIDDEN',
  'API_REJECTED',
  'API_NOT_FOUND',
  'API_RATE_LIMITED',
  'API_UNREACHABLE',
])

/** A call may take minutes, and as many as there are processes may wait for one. */
const LOCK_TIMEOUT_MS = 30 * 60 * 1000

/**
 * Buys an answer.
 *
 * @param look - finds what another process stored while we waited for the lock
 * @throws UpscaleError API_*, KEY_MISSING, FROZEN_MISS, BUDGET_EXCEEDED, CALL_UNCERTAIN, CACHE_UNWRITABLE, ABORTED
 */
export async function buy(
  job: ServiceJob,
  order: Order,
  shop: Workshop,
  look: () => Received | undefined,
): Promise<Received> {
  const store = shop.stores.forEngine(job.engine)
  if (shop.options.frozen && job.engine.billing === 'paid') throw frozenMiss(job)
  const file = join(store.root, LOCKS, `${order.pay}.lock`)
  const lock = await acquireLock(file, { signal: shop.context.signal, timeoutMs: LOCK_TIMEOUT_MS })
  try {
    return look() ?? (await reserveAndCall(job, order, shop, store))
  } finally {
    await lock.release()
  }
}

async function reserveAndCall(
  job: ServiceJob,
  order: Order,
  shop: Workshop,
  store: Cache,
): Promise<Received> {
  const before = readIntent(store, order.pay)
  if (before !== undefined && !mayGoOn(job.engine, before, shop)) throw inDoubt(before)
  const resumed = job.engine.recovery === 'job' ? before?.job : undefined
  shop.breaker.check(job.engineName)
  const reservation = await shop.budget.reserve(job.engine.priceMicros)
  const line = lineOf(job, order, {})
  const intent: Intent = {
    at: new Date().toISOString(),
    attempt: attemptOf(job.engine, before, shop),
    priceMicros: job.engine.priceMicros,
    engine: line.engine,
    model: line.model,
    source: order.source,
    ...(resumed === undefined ? {} : { job: resumed }),
  }
  let answer: FileAnswer
  try {
    answer = await shop.calls(async () => {
      // A queue may have been long, and the service may have said no to everything meanwhile.
      shop.breaker.check(job.engineName)
      if (shop.stopping.aborted) throw stopped()
      await writeIntent(store, order.pay, intent)
      return job.engine.upscale(requestFor(job, order, intent, store), shop.context)
    })
  } catch (error) {
    throw await settleFailure(error, { job, order, shop, store, intent, reservation, line })
  }
  return settleAnswer(answer, { job, order, shop, store, intent, reservation, line })
}

/** True when a call in doubt can be taken up again without a second charge, or a person asked for it. */
function mayGoOn(engine: FileEngine, before: Intent, { options }: Workshop): boolean {
  if (engine.recovery === 'idempotency-key') return true
  return (engine.recovery === 'job' && before.job !== undefined) || options.retry
}

/** A call that is taken up again keeps its number, and so its idempotency key; a second order gets the next. */
function attemptOf(engine: FileEngine, before: Intent | undefined, { options }: Workshop): number {
  if (before === undefined) return 1
  return options.retry && engine.recovery === 'none' ? before.attempt + 1 : before.attempt
}

function requestFor(job: ServiceJob, order: Order, intent: Intent, store: Cache): FileRequest {
  const { png, name, width, height, pay } = order
  return {
    png,
    name,
    width,
    height,
    scale: job.scale,
    params: job.params,
    idempotencyKey: `${pay}-${intent.attempt}`,
    ...(intent.job === undefined ? {} : { job: intent.job }),
    onJob: named => writeIntent(store, pay, { ...intent, job: named }),
  }
}

interface Call {
  readonly job: ServiceJob
  readonly order: Order
  readonly shop: Workshop
  readonly store: Cache
  readonly intent: Intent
  readonly reservation: Reservation
  readonly line: Omit<LedgerLine, 'event'>
}

async function settleAnswer(answer: FileAnswer, call: Call): Promise<Received> {
  const { job, order, shop, store, reservation, line } = call
  const { bytes, requestId } = answer
  const id = requestId === undefined ? {} : { requestId }
  const costMicros = Math.max(job.engine.priceMicros, answer.costMicros ?? 0)
  await store.commit('received', factsOf(job, order, { costMicros, ...id }), bytes)
  await reservation.spend(answer.costMicros)
  await account(call, { ...line, event: 'charged', costMicros, ...id })
  await strikeIntent(store, order.pay)
  shop.breaker.succeed(job.engineName)
  return { bytes, fresh: true, costMicros, ...id }
}

/** Brings money and records in order after a call that failed. Returns the error to throw. */
async function settleFailure(error: unknown, call: Call): Promise<unknown> {
  const { job, order, shop, store, intent, reservation, line } = call
  shop.breaker.observe(job.engineName, error)
  const coded = isUpscaleError(error) ? error : undefined
  const about = {
    ...(coded === undefined ? {} : { code: coded.code }),
    ...(coded?.details.requestId === undefined ? {} : { requestId: coded.details.requestId }),
  }
  const open = readIntent(store, order.pay)
  const neverSent = coded !== undefined && (NOT_CHARGED.has(coded.code) || open === undefined)
  if (neverSent) {
    await reservation.cancel()
    await account(call, { ...line, event: 'free', ...about })
    // An earlier call in doubt stays in doubt, whatever became of this one.
    if (intent.attempt === 1 && intent.job === undefined) await strikeIntent(store, order.pay)
  } else {
    await reservation.spend(undefined)
    await account(call, { ...line, event: 'uncertain', costMicros: job.engine.priceMicros, ...about })
    if (coded?.details.permanent === true) await strikeIntent(store, order.pay)
    else await writeIntent(store, order.pay, { ...(open ?? intent), ...about })
  }
  if (coded?.details.permanent === true) await rememberRefusal(store, order.pay, coded)
  return error
}

async function account({ job, shop }: Call, line: LedgerLine): Promise<void> {
  if (job.engine.billing === 'paid') await shop.ledger.append(line)
}

/** What every ledger line about a call says. */
export function lineOf(
  { engine }: ServiceJob,
  { pay, source }: Order,
  { requestId }: Pick<Received, 'requestId'>,
) {
  return {
    key: pay,
    source,
    engine: engine.id,
    model: engine.model,
    ...(requestId === undefined ? {} : { requestId }),
  } as const
}

/** The facts of an answer that nobody has looked at: its size and format are those that were asked for. */
export function factsOf(
  { engine, scale }: ServiceJob,
  { pay, width, height }: Order,
  { costMicros, requestId }: Pick<Received, 'costMicros' | 'requestId'>,
) {
  return {
    key: pay,
    fileName: 'answer.bin',
    width: Math.round(width * scale),
    height: Math.round(height * scale),
    format: 'png',
    engine: engine.id,
    model: engine.model,
    ...(costMicros === 0 ? {} : { costMicros }),
    ...(requestId === undefined ? {} : { requestId }),
  } as const
}

function frozenMiss({ engine, engineName }: ServiceJob): UpscaleError {
  const price = dollars(engine.priceMicros)
  return new UpscaleError(
    'FROZEN_MISS',
    `this picture is not in the cache, and paid engines are frozen here (engine "${engineName}", ${price})`,
    { hint: 'build once where it may spend money and commit the cache folder, or set frozen: false' },
  )
}

function stopped(): UpscaleError {
  return new UpscaleError('ABORTED', 'the build was stopped before this picture was asked for', {
    hint: 'start the build again; what was bought is kept',
  })
}
