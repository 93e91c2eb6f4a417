import type { CacheEntry } from '../cache/cache.ts'
import { isHexDigest, isSourceFacts } from '../cache/entry.ts'
import type { Hit } from '../cache/hit-journal.ts'
import {
  type AnswerKey,
  aliasKey,
  type FlightKey,
  flightKey,
  type OutputFile,
  outputKey,
  type RequestKey,
  requestKey,
} from '../cache/keys.ts'
import type { KnownSource } from '../cache/known-hits.ts'
import type { ResolvedRequest } from '../request/request.ts'
import { outputName, safeStem } from '../source/file-name.ts'
import type { SourceFacts, SourceFile } from '../source/source.ts'
import type { FinishedFile, PipelineContext } from './context.ts'

/**
 * A finished file out of the cache, and its source, where nobody has written to either since this was found before.
 * Neither is read.
 *
 * @param file absolute path of the source
 * @param request one of which {@link readListOf} has read the list
 * @param folder where the finished file has a second name, which is then looked at in its place
 */
export function recallFinished(
  file: string,
  request: ResolvedRequest,
  context: PipelineContext,
  folder?: string,
): { readonly source: KnownSource; readonly finished: FinishedFile } | undefined {
  const known = context.knownHits.find(file, requestOf(request, context), folder)
  if (known === undefined || !isCurrent(known.hit, request, context)) return undefined
  const { source, output } = known.hit
  const entry = { file: known.file, facts: output }
  return { source, finished: { entry, source, origin: 'cache', costMicros: 0 } }
}

/**
 * A finished file out of the cache. Nothing is decoded here, and no decoder or HTTP client is loaded.
 *
 * The journal of hits knows where most lookups lead; what it doesn't know, or what has changed since, is looked up
 * step by step, and added to the journal.
 *
 * @param flight from {@link flightOf}
 */
export async function findFinished(
  source: SourceFile,
  request: ResolvedRequest,
  flight: FlightKey,
  context: PipelineContext,
): Promise<FinishedFile | undefined> {
  const reading = readListOf(request, context)
  if (reading !== undefined) await reading
  const known = context.hits.find(flight)
  if (known !== undefined && isCurrent(known, request, context)) {
    const entry = await context.stores.scratch.recheck('outputs', known.output)
    if (entry !== undefined) {
      const { stamp } = entry
      if (source.stamp !== undefined && stamp !== undefined) {
        const hit = { ...known, source: { ...source, ...known.source } }
        context.knownHits.keep(requestOf(request, context), hit, { source: source.stamp, output: stamp })
      }
      return { entry, source: known.source, origin: 'cache', costMicros: 0 }
    }
  }
  const found = await lookUp(source, request, context)
  if (found === undefined) return undefined
  context.hits.add(flight, found.hit)
  return { entry: found.entry, source: found.hit.source, origin: 'cache', costMicros: 0 }
}

/** The finished file in the cache. Unlike {@link findFinished} it leaves the journal as it is. */
export async function seeFinished(
  source: SourceFile,
  request: ResolvedRequest,
  context: PipelineContext,
): Promise<
  { readonly entry: CacheEntry; readonly answerKey: AnswerKey; readonly source: SourceFacts } | undefined
> {
  await readListOf(request, context)
  const found = await lookUp(source, request, context)
  return found && { entry: found.entry, answerKey: found.hit.answerKey, source: found.hit.source }
}

/** Reads the list that paid answers are compared with, where that takes a while. */
export function readListOf(
  { engine }: ResolvedRequest,
  { stores }: PipelineContext,
): Promise<void> | undefined {
  return engine.billing === 'paid' ? stores.durable.readManifest() : undefined
}

/** True unless the answer was exchanged since: only paid answers come from outside of this machine. */
function isCurrent(
  { answerKey, answer }: Pick<Hit, 'answerKey' | 'answer'>,
  { engine }: ResolvedRequest,
  { stores }: PipelineContext,
): boolean {
  return engine.billing === 'free' || stores.durable.listed(answerKey)?.sha256 === answer
}

/** The three steps from a source to its finished file. */
async function lookUp(
  source: SourceFile,
  request: ResolvedRequest,
  { stores }: PipelineContext,
): Promise<{ readonly entry: CacheEntry; readonly hit: Hit } | undefined> {
  const store = stores.forEngine(request.engine)
  const alias = readAlias(await store.findRecord('sources', aliasKey(source.digest, request)))
  if (alias === undefined) return undefined
  const { answerKey, width, height, lossless } = alias
  const isKept = request.engine.quick !== true
  const answer = isKept ? (await store.peek('answers', answerKey))?.facts.sha256 : answerKey
  if (answer === undefined) return undefined
  const key = outputKey(answerKey, answer, describe(source, request, alias))
  const entry = await stores.scratch.find('outputs', key)
  if (entry === undefined || !isMadeFrom(source, entry)) return undefined
  return { entry, hit: { answerKey, answer, output: entry.facts, source: { width, height, lossless } } }
}

/**
 * An alias that was exchanged for another picture's leads to that one's output. What another file with the same pixels
 * made is not told from that here: it is finished again, from the same answer, and the journal knows it from then on.
 */
function isMadeFrom({ digest }: SourceFile, { facts }: CacheEntry): boolean {
  return facts.source === undefined || facts.source.digest === digest
}

/** The {@link flightKey} of a request on a source. */
export function flightOf(
  source: SourceFile,
  request: ResolvedRequest,
  { options }: PipelineContext,
): FlightKey {
  return flightKey(source.digest, request, {
    scratchDir: options.scratchDir,
    factor: request.factor,
    format: request.format ?? source.format,
    quality: request.quality,
    fileName: fileNameOf(source, request),
  })
}

/** By the request, which most pictures of a build share. */
const requestKeys = new WeakMap<ResolvedRequest, RequestKey>()

function requestOf(request: ResolvedRequest, { options }: PipelineContext): RequestKey {
  const known = requestKeys.get(request)
  if (known !== undefined) return known
  const { factor, format, quality } = request
  const { root, include, exclude } = options
  const key = requestKey(request, { factor, format, quality }, JSON.stringify([root, include, exclude]))
  requestKeys.set(request, key)
  return key
}

/** The file to be made of an answer. */
export function describe(source: SourceFile, request: ResolvedRequest, facts: SourceFacts): OutputFile {
  return {
    width: Math.round(facts.width * request.factor),
    height: Math.round(facts.height * request.factor),
    format: request.format ?? source.format,
    quality: request.quality,
    lossless: facts.lossless,
    fileName: fileNameOf(source, request),
  }
}

function fileNameOf(source: SourceFile, request: ResolvedRequest): string {
  return outputName(safeStem(source.stem), request.factor, request.format ?? source.format)
}

function readAlias(
  record: Readonly<Record<string, unknown>> | undefined,
): (SourceFacts & { answerKey: AnswerKey }) | undefined {
  if (record === undefined) return undefined
  const { pay: answerKey, ...facts } = record
  if (!isHexDigest(answerKey) || !isSourceFacts(facts)) return undefined
  const { width, height, lossless } = facts
  return { answerKey: answerKey as AnswerKey, width, height, lossless }
}
