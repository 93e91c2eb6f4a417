import { isFinished } from './finished.ts'
import type { Job } from './job.ts'
import { type PayKey, payKey } from './key.ts'
import { dollars } from './money/dollars.ts'
import { readIntent } from './money/intent.ts'
import { recallRefusal } from './money/refusal.ts'
import { normalise, pixelDigest } from './pixels.ts'
import type { SourceImage } from './source.ts'
import type { Workshop } from './workshop.ts'

/**
 * How far a picture is:
 *
 * - `finished`: its file is in the cache.
 * - `answered`: the engine's answer is in the cache, only the file has to be made of it.
 * - `remote`: the engine's answer is in the remote cache and would be fetched.
 * - `missing`: the engine would be called.
 * - `refused`: the engine or our checks refused it for good; it would not be called.
 * - `uncertain`: the last call ended in doubt; it would not be called again.
 */
export type PlanState = 'finished' | 'answered' | 'remote' | 'missing' | 'refused' | 'uncertain'

/** What a build would do about one picture. */
export interface PlannedImage {
  /** The source, relative to the project's folder. */
  readonly source: string
  readonly factor: number
  /** Name of the engine, as configured. */
  readonly engine: string
  readonly state: PlanState
  /** Names the engine's answer, the same on every machine; absent when the picture is finished. 64 hex characters. */
  readonly key?: string
  /** What the call would cost, in millionths of a US dollar; 0 unless the state is `missing`. */
  readonly priceMicros: number
}

/** Looks a picture up without calling an engine or writing anything; asks the remote cache, but fetches nothing. Decodes it only when its file isn't cached. */
export async function planImage(source: SourceImage, job: Job, shop: Workshop): Promise<PlannedImage> {
  const { state, key } = await stateOf(source, job, shop)
  const priceMicros = state === 'missing' ? job.engine.priceMicros : 0
  const known = key === undefined ? {} : { key }
  return { source: source.name, factor: job.factor, engine: job.engineName, state, priceMicros, ...known }
}

async function stateOf(
  source: SourceImage,
  job: Job,
  shop: Workshop,
): Promise<{ readonly state: PlanState; readonly key?: PayKey }> {
  const { options, pictures } = shop
  if (isFinished(source, job, shop)) return { state: 'finished' }
  const limits = { maxPixels: options.maxPixels, factor: job.factor }
  const key = payKey(await pictures(async () => pixelDigest(await normalise(source, limits))), job)
  return { key, state: await stateOfAnswer(key, job, shop) }
}

async function stateOfAnswer(
  pay: PayKey,
  job: Job,
  { options, remote, stores }: Workshop,
): Promise<PlanState> {
  const store = stores.forEngine(job.engine)
  if (store.peek('answers', pay) !== undefined || store.peek('received', pay) !== undefined) return 'answered'
  const refusal = job.engine.exchange === 'file' && !options.retry && recallRefusal(store, pay, options.root)
  if (refusal) return 'refused'
  if (job.engine.quick !== true && (await remote?.has(pay))) return 'remote'
  if (job.engine.exchange === 'pixels' || options.retry) return 'missing'
  return readIntent(store, pay) === undefined ? 'missing' : 'uncertain'
}

/** The most pictures that {@link priceText} names one by one. */
const MAX_NAMED = 10

/** What is about to be paid for, for a person: a line in all, then one a picture. */
export function priceText(planned: readonly PlannedImage[], budgetMicros: number): string {
  const missing = planned.filter(({ priceMicros }) => priceMicros > 0)
  const total = missing.reduce((sum, { priceMicros }) => sum + priceMicros, 0)
  const named = missing
    .slice(0, MAX_NAMED)
    .map(
      ({ source, factor, engine, priceMicros }) =>
        `  ${source} ×${factor} by ${engine}, ${dollars(priceMicros)}`,
    )
  const rest = missing.length > MAX_NAMED ? [`  and ${missing.length - MAX_NAMED} more`] : []
  const count = `${missing.length} picture${missing.length === 1 ? ' is' : 's are'} not in the cache`
  const head = `before the first paid call: ${count}, ${dollars(total)} (budget ${dollars(budgetMicros)})`
  return [head, ...named, ...rest].join('\n')
}
