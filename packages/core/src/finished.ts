import type { CacheEntry } from './cache/cache.ts'
import { computeAnswer } from './compute.ts'
import type { Job } from './job.ts'
import { aliasKey, type FinishedFile, outputKey, type PayKey } from './key.ts'
import { purchaseAnswer } from './money/purchase.ts'
import { outputName, safeStem } from './names.ts'
import { finish } from './pixels.ts'
import type { Origin } from './report.ts'
import type { SourceImage } from './source.ts'
import type { Answer, SourceFacts, Workshop } from './workshop.ts'

/** A finished file and where it came from. */
export interface Finished {
  readonly entry: CacheEntry
  readonly source: SourceFacts
  readonly origin: Origin
  /** Millionths of a US dollar charged for it just now. */
  readonly costMicros: number
}

/** A finished file out of the cache. Nothing is decoded here, and no decoder or HTTP client is loaded. */
export function findFinished(source: SourceImage, job: Job, { stores }: Workshop): Finished | undefined {
  const store = stores.forEngine(job.engine)
  const alias = readAlias(store.findRecord('sources', aliasKey(source.digest, job)))
  if (alias === undefined) return undefined
  const answer = store.peek('answers', alias.pay)
  if (answer === undefined) return undefined
  const key = outputKey(alias.pay, answer.facts.sha256, describe(source, job, alias))
  const entry = stores.scratch.find('outputs', key)
  return entry && { entry, source: alias, origin: 'cache', costMicros: 0 }
}

/** Gets the answer, and finishes it into a file. */
export function makeFinished(source: SourceImage, job: Job, shop: Workshop): Promise<Finished> {
  const use = (answer: Answer): Promise<Finished> => store(source, job, answer, shop)
  const { engine } = job
  return engine.exchange === 'pixels'
    ? shop.pictures(async () => use(await computeAnswer(source, { ...job, engine }, shop)))
    : purchaseAnswer(source, { ...job, engine }, shop, use)
}

/** Names work that gives the same file, so that it is done once at a time. */
export function flightOf(source: SourceImage, job: Job, { options }: Workshop): string {
  const file = {
    format: job.format ?? source.format,
    quality: job.quality,
    fileName: fileNameOf(source, job),
  }
  return JSON.stringify([options.scratchDir, aliasKey(source.digest, job), job.factor, file])
}

async function store(source: SourceImage, job: Job, answer: Answer, { stores }: Workshop): Promise<Finished> {
  const file = describe(source, job, answer.source)
  const { bytes, width, height, format } = await finish(answer.picture, file)
  const entry = await stores.keepOutput(
    {
      key: outputKey(answer.pay, answer.digest, file),
      fileName: file.fileName,
      width,
      height,
      format,
      engine: job.engine.id,
      model: job.engine.model,
    },
    bytes,
  )
  // Last, since it is what makes the rest findable.
  await stores.keepAlias(job.engine, aliasKey(source.digest, job), { pay: answer.pay, ...answer.source })
  const origin = answer.fresh ? 'engine' : 'cache'
  return { entry, source: answer.source, origin, costMicros: answer.costMicros }
}

/** The file to be made of an answer. */
function describe(source: SourceImage, job: Job, facts: SourceFacts): FinishedFile {
  return {
    width: Math.round(facts.width * job.factor),
    height: Math.round(facts.height * job.factor),
    format: job.format ?? source.format,
    quality: job.quality,
    lossless: facts.lossless,
    fileName: fileNameOf(source, job),
  }
}

function fileNameOf(source: SourceImage, job: Job): string {
  return outputName(safeStem(source.stem), job.factor, job.format ?? source.format)
}

function readAlias(
  record: Readonly<Record<string, unknown>> | undefined,
): (SourceFacts & { pay: PayKey }) | undefined {
  if (record === undefined) return undefined
  const { pay, width, height, lossless } = record
  const sound =
    typeof pay === 'string' &&
    /^[0-9a-f]{64}$/.test(pay) &&
    typeof width === 'number' &&
    typeof height === 'number' &&
    typeof lossless === 'boolean'
  return sound ? { pay: pay as PayKey, width, height, lossless } : undefined
}
