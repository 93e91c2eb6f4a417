import { inDoubt, readIntent } from '../billing/intent.ts'
import { recallRefusal } from '../billing/refusal.ts'
import type { CacheEntry } from '../cache/cache.ts'
import type { AnswerKey } from '../cache/keys.ts'
import { priceOf } from '../engines/call-price.ts'
import type { Engine } from '../engines/engine.ts'
import type { UpscaleError } from '../errors.ts'
import type { ResolvedRequest } from '../request/request.ts'
import type { Format } from '../source/format.ts'
import type { SourceImage } from '../source/source.ts'
import { seeFinished } from './cache-hit.ts'
import type { PipelineContext } from './context.ts'
import { prepare } from './prepare.ts'

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
  readonly answerKey?: string
  /** What the call would cost, in millionths of a US dollar; 0 unless the state is `missing`. */
  readonly priceMicros: number
}

/** A file of a picture. */
export interface ExaminedFile {
  /** Absolute. */
  readonly file: string
  /** Size in pixels; of a source, orientation applied. */
  readonly width: number
  readonly height: number
  readonly format: Format
  /** Bytes. */
  readonly size: number
  /** SHA-256 of the file, hex. */
  readonly digest: string
}

/** What is known of one picture, for whoever shows it. */
export interface ExaminedImage extends PlannedImage {
  readonly billing: Engine['billing']
  readonly model: string
  /** What the engine chose for this picture, where its model leaves a choice; known once it is finished. */
  readonly chosen?: string
  /** Key of the engine's answer, under which the ledger has what was paid for it. */
  readonly answerKey: string
  readonly original: ExaminedFile
  /** Present when the state is `finished`. */
  readonly finished?: ExaminedFile
  /** Why it would not be called; present when the state is `refused` or `uncertain`. */
  readonly reason?: UpscaleError
}

/**
 * Looks a picture up without calling an engine or writing anything; asks the remote cache, but fetches nothing. Decodes
 * it only when its file isn't cached.
 */
export async function planImage(
  image: SourceImage,
  request: ResolvedRequest,
  context: PipelineContext,
): Promise<PlannedImage> {
  const { source, factor, engine, state, priceMicros, answerKey } = await examineImage(
    image,
    request,
    context,
  )
  return { source, factor, engine, state, priceMicros, ...(state === 'finished' ? {} : { answerKey }) }
}

/** The same with all that is known. */
export async function examineImage(
  source: SourceImage,
  request: ResolvedRequest,
  context: PipelineContext,
): Promise<ExaminedImage> {
  const made = await seeFinished(source, request, context)
  const known =
    made === undefined
      ? await examineUnfinished(source, request, context)
      : { state: 'finished' as const, answerKey: made.answerKey, ...sizeOf(made.source) }
  const { state, answerKey, width, height, reason } = { reason: undefined, ...known }
  const { engine, engineName, factor } = request
  const { file, format, size, digest } = source
  return {
    source: source.name,
    factor,
    engine: engineName,
    state,
    priceMicros: state === 'missing' ? priceOf(engine, { width, height, scale: request.scale }) : 0,
    billing: engine.billing,
    model: engine.model,
    answerKey,
    original: { file, width, height, format, size, digest },
    ...(made?.entry.facts.chosen === undefined ? {} : { chosen: made.entry.facts.chosen }),
    ...(made === undefined ? {} : { finished: fileOf(made.entry) }),
    ...(reason === undefined ? {} : { reason }),
  }
}

interface Unfinished {
  readonly state: PlanState
  readonly answerKey: AnswerKey
  /** Of the source, in pixels. */
  readonly width: number
  readonly height: number
  readonly reason?: UpscaleError | undefined
}

async function examineUnfinished(
  source: SourceImage,
  request: ResolvedRequest,
  context: PipelineContext,
): Promise<Unfinished> {
  const { options, pictures, remote, stores, word } = context
  const seen = await pictures(async () => {
    const { answerKey, facts } = await prepare(source, request, context)
    return { answerKey, ...sizeOf(facts) }
  })
  if (request.engine.quick === true) return { ...seen, state: 'missing' }
  const store = stores.forEngine(request.engine)
  const isAnswered =
    (await store.peek('answers', seen.answerKey)) !== undefined ||
    (await store.peek('received', seen.answerKey)) !== undefined
  if (isAnswered) return { ...seen, state: 'answered' }
  const isAsked = request.engine.exchange === 'file' && !word.allows(seen.answerKey)
  const refusal = isAsked ? await recallRefusal(store, seen.answerKey, options.root) : undefined
  if (refusal !== undefined) return { ...seen, state: 'refused', reason: refusal }
  if (await remote?.has(seen.answerKey)) return { ...seen, state: 'remote' }
  if (!isAsked) return { ...seen, state: 'missing' }
  const intent = readIntent(store, seen.answerKey)
  if (intent === undefined) return { ...seen, state: 'missing' }
  return { ...seen, state: 'uncertain', reason: inDoubt(store, seen.answerKey, intent) }
}

function sizeOf({
  width,
  height,
}: Pick<ExaminedFile, 'width' | 'height'>): Pick<ExaminedFile, 'width' | 'height'> {
  return { width, height }
}

function fileOf({ file, facts: { width, height, format, size, sha256 } }: CacheEntry): ExaminedFile {
  return { file, width, height, format, size, digest: sha256 }
}
