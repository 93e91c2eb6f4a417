import type { NewEntry } from '../cache/cache.ts'
import { priceOf } from '../engines/call-price.ts'
import type { FileAnswer } from '../engines/engine.ts'
import { type ErrorCode, isUpscaleError, UpscaleError } from '../errors.ts'
import type { Reservation } from './budget.ts'
import { clearLocalIntent, type Intent, readIntent } from './intent.ts'
import type { LedgerLine } from './ledger.ts'
import type { Purchase, Received } from './order.ts'
import { rememberRefusal } from './refusal.ts'
import { type ResponseFile, removeResponses } from './response-file.ts'
import { clearIntentEverywhere, noteIntent } from './shared-intent.ts'
import { keepReceived, keepRejected, layDown } from './store-received.ts'

// How the records are brought in order after a call. In every case the step that makes a second payment impossible
// comes before the one that takes the last trace of the first away, so that a kill between any two of them leaves
// either an answer, or a refusal, or an intent.

/** One call, from the moment its price was held. */
export interface Call extends Purchase {
  readonly intent: Intent
  /** The call in doubt that this one takes up or repeats. */
  readonly before: Intent | undefined
  readonly reservation: Reservation
  readonly response: ResponseFile
}

/**
 * Refusals by the service, and failures before it had the request: nothing can have been charged, unless the service
 * does charge for some refusals and the error says so.
 */
const NOT_CHARGED: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'KEY_MISSING',
  'API_UNAUTHORIZED',
  'API_NO_BALANCE',
  'API_FORBIDDEN',
  'API_REJECTED',
  'API_NOT_FOUND',
  'API_RATE_LIMITED',
  'API_UNREACHABLE',
])

/**
 * Keeps an answer and closes its books.
 * @throws UpscaleError CACHE_UNWRITABLE; what could not be written is made up for by the next build
 */
export async function settleAnswer(answer: FileAnswer, call: Call): Promise<Received> {
  const { request, order, context, store, reservation, response } = call
  const { bytes, requestId } = answer
  const id = requestId === undefined ? {} : { requestId }
  const costMicros = costOf(answer, call)
  try {
    await keepAnswer(answer, call)
  } catch (error) {
    throw await andBooks(error, async () => void (await reservation.spend(answer.costMicros)))
  }
  await reservation.spend(answer.costMicros)
  await account(call, { event: 'charged', costMicros, ...id })
  response.remove()
  await clearLocalIntent(store, order.answerKey)
  context.breaker.succeed(request.engineName)
  return { bytes, origin: 'engine', costMicros, attempt: call.intent.attempt, ...id }
}

/** Stores an answer that nobody has looked at. @throws UpscaleError CACHE_UNWRITABLE naming the place where it lies */
export async function keepAnswer(
  answer: FileAnswer,
  purchase: Purchase & Partial<Pick<Call, 'intent' | 'response'>>,
): Promise<void> {
  const { bytes, requestId } = answer
  const { store, context, response } = purchase
  const facts = factsOf(purchase, { costMicros: costOf(answer, purchase), requestId })
  await keepReceived(store, facts, bytes, {
    signal: context.engineContext.signal,
    response: response?.file(),
    onWait: error => context.notice(heldText(purchase, error)),
  })
}

/** For who sees a build stand still, and can make room. */
function heldText(
  { order, store }: Pick<Purchase, 'order' | 'store'>,
  { problem, details }: UpscaleError,
): string {
  const what = `${order.source}: its answer was paid for and can't be kept in ${store.root} (${problem})`
  return `${what}; it is held in memory and tried again for a minute, in the temporary folder too: ${details.hint}`
}

/** What counts as charged for an answer, in millionths of a US dollar. */
function costOf(
  { costMicros = 0 }: FileAnswer,
  { request, order, intent }: Purchase & Partial<Pick<Call, 'intent'>>,
): number {
  return Math.max(intent?.priceMicros ?? expected(request, order), costMicros)
}

/** What a call costs whose own price was not written down. */
function expected({ engine, scale }: Purchase['request'], order: Purchase['order']): number {
  return priceOf(engine, { ...order, scale })
}

/** Endings of a call that say nothing about what had come of its answer. */
const UNREAD: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'API_BAD_ANSWER',
  'API_INTERRUPTED',
  'API_TIMEOUT',
  'ANSWER_CORRUPT',
  'ANSWER_TOO_LARGE',
  'ABORTED',
])

/**
 * Keeps what came of a response in which the engine found no picture: it may have been paid for, and a person, or a
 * later version, may find one. Returns the error, with the place where it lies.
 */
export async function keepUnread(error: unknown, { response, store, ...call }: Call): Promise<unknown> {
  const body = await response.body()
  if (!isUpscaleError(error) || !UNREAD.has(error.code) || body.length === 0) {
    response.remove()
    return error
  }
  try {
    const file = await keepRejected(store, factsOf(call, { costMicros: 0 }), body)
    response.remove()
    return withHint(error, `what came (${body.length} bytes) is kept in ${file}`)
  } catch (failure) {
    // The file that was written as it came is left where it is.
    if (!isUpscaleError(failure)) return error
    return withHint(error, await layDown(store, factsOf(call, { costMicros: 0 }), body, failure))
  }
}

function withHint(error: UpscaleError, more: string): UpscaleError {
  return new UpscaleError(error.code, error.problem, {
    ...error.details,
    hint: `${error.details.hint}; ${more}`,
  })
}

/**
 * Files the refusal that a killed process had not read to its end.
 * @returns the error to throw
 */
export async function settleLateRefusal(
  error: UpscaleError,
  purchase: Purchase,
  before: Intent,
): Promise<UpscaleError> {
  const { store, order } = purchase
  await rememberRefusal(store, order.answerKey, error, before.attempt)
  await giveUp(purchase, before)
  removeResponses(store, order.answerKey)
  await clearLocalIntent(store, order.answerKey)
  return error
}

/**
 * Takes up an answer that an earlier build received and had no time to look at, and writes down what it paid if it
 * had no time for that either. To be called under the lock of the key.
 *
 * @throws UpscaleError CACHE_UNWRITABLE
 */
export async function adoptReceived(purchase: Purchase): Promise<Received | undefined> {
  const { request, order, store, context } = purchase
  const waiting = await store.find('received', order.answerKey)
  if (waiting === undefined) return undefined
  const { costMicros = 0, requestId } = waiting.facts
  const id = requestId === undefined ? {} : { requestId }
  const intent = readIntent(store, order.answerKey)
  if (intent !== undefined) {
    if (request.engine.billing === 'paid') {
      const { attempt } = intent
      await context.ledger.append({ ...lineOf(purchase, id), attempt, event: 'charged', costMicros })
    }
    removeResponses(store, order.answerKey)
    await clearLocalIntent(store, order.answerKey)
  }
  const attempt = intent === undefined ? {} : { attempt: intent.attempt }
  return { bytes: waiting.bytes, origin: 'cache', costMicros: 0, ...attempt, ...id }
}

/**
 * Writes down that a call in doubt will stay one for good, before its intent goes. Only one whose process lived to see
 * it fail is in the ledger already.
 *
 * @throws UpscaleError CACHE_UNWRITABLE
 */
export async function giveUp(purchase: Purchase, intent: Intent): Promise<void> {
  const { request, order, context } = purchase
  if (request.engine.billing !== 'paid' || intent.code !== undefined) return
  const { attempt, requestId, engine, model } = intent
  const costMicros = intent.damaged === true ? expected(request, order) : intent.priceMicros
  const line = { ...lineOf(purchase, { requestId }), engine, model }
  await context.ledger.append({ ...line, attempt, event: 'uncertain', costMicros })
}

/** After a call that was never made. Returns the error to throw. */
export function settleUnsent(error: unknown, call: Call): Promise<unknown> {
  const { order, store, intent, before, reservation } = call
  return andBooks(error, async () => {
    await reservation.cancel()
    // The intent may have got its name before the write of it failed. That of who took the lock over is another.
    if (before === undefined && readIntent(store, order.answerKey)?.at === intent.at)
      await clearIntentEverywhere(placeOf(call))
  })
}

/** After a call that was made and failed. Returns the error to throw. */
export function settleFailure(error: unknown, call: Call): Promise<unknown> {
  const { order, store, intent, before, reservation } = call
  const coded = isUpscaleError(error) ? error : undefined
  const about = {
    ...(coded === undefined ? {} : { code: coded.code }),
    ...(coded?.details.requestId === undefined ? {} : { requestId: coded.details.requestId }),
  }
  return andBooks(error, async () => {
    const isFree = coded !== undefined && (coded.details.uncharged ?? NOT_CHARGED.has(coded.code))
    if (isFree) {
      await reservation.cancel()
      await account(call, { event: 'free', ...about })
    } else {
      await reservation.spend(undefined)
      await account(call, { event: 'uncertain', costMicros: intent.priceMicros, ...about })
    }
    const isRefused = coded?.details.permanent === true
    if (isRefused) await rememberRefusal(store, order.answerKey, coded, intent.attempt)
    // What became of a free call says nothing about an earlier one in doubt, unless it was the end of that one's job.
    if (isFree && before !== undefined && !isEnd(coded))
      await noteIntent(placeOf(call), { ...before, ...pickAsked(intent) })
    else if (isFree || isRefused) await clearIntentEverywhere(placeOf(call))
    else
      await noteIntent(placeOf(call), {
        ...(isEnd(coded) ? withoutJob(intent) : withJob(call)),
        ...about,
      })
  })
}

function placeOf({ store, order, context }: Call): Parameters<typeof clearIntentEverywhere>[0] {
  return { store, answerKey: order.answerKey, context }
}

/** True when the service said about the order itself that nothing comes of it. */
function isEnd(error: UpscaleError | undefined): boolean {
  if (error === undefined) return false
  const { code, details } = error
  return details.permanent === true || details.uncharged === true || code === 'API_REJECTED'
}

/** A call in doubt, with the job that the service named meanwhile: the next build asks for that. */
function withJob({ store, order, intent }: Call): Intent {
  const job = readIntent(store, order.answerKey)?.job
  return { ...intent, ...(job === undefined ? {} : { job }), ...pickAsked(intent) }
}

/** A call in doubt whose job is over: asking for that again would only hear the same. */
function withoutJob({ job: _over, ...intent }: Intent): Intent {
  return intent
}

/** Notes that the job of an earlier call was asked for. */
function pickAsked({ job }: Intent): Pick<Intent, 'asked'> {
  return job === undefined ? {} : { asked: true }
}

/** Does the bookkeeping about an error. A disk that takes none of it must not hide the error, which is about money. */
async function andBooks(error: unknown, write: () => Promise<void>): Promise<unknown> {
  try {
    await write()
    return error
  } catch (failure) {
    if (!isUpscaleError(failure) || !isUpscaleError(error)) return error
    return withHint(error, `this could not be written down: ${failure.problem}`)
  }
}

type Entry = Pick<LedgerLine, 'event'> & Partial<LedgerLine>

async function account(call: Call, entry: Entry): Promise<void> {
  if (call.request.engine.billing !== 'paid') return
  await call.context.ledger.append({ ...lineOf(call, {}), attempt: call.intent.attempt, ...entry })
}

/** What every ledger line about a call says. */
export function lineOf(
  { request: { engine }, order: { answerKey, source } }: Pick<Purchase, 'request' | 'order'>,
  { requestId }: Pick<Received, 'requestId'>,
): Omit<LedgerLine, 'event'> {
  return {
    key: answerKey,
    source,
    engine: engine.id,
    model: engine.model,
    ...(requestId === undefined ? {} : { requestId }),
  }
}

/** The facts of an answer that nobody has looked at: its size and format are those that were asked for. */
export function factsOf(
  { request: { engine, scale }, order: { answerKey, width, height } }: Pick<Purchase, 'request' | 'order'>,
  { costMicros, requestId }: Pick<Received, 'costMicros' | 'requestId'>,
): NewEntry {
  return {
    key: answerKey,
    fileName: 'answer.bin',
    width: Math.round(width * scale),
    height: Math.round(height * scale),
    format: 'png',
    engine: engine.id,
    model: engine.model,
    ...(costMicros === 0 ? {} : { costMicros }),
    ...(requestId === undefined ? {} : { requestId }),
  }
}
