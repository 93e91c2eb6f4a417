import type { Archive, ArchivedImage } from './archive.ts'
import type { CacheRecord } from './cache.ts'
import type { EntryFacts } from './entry.ts'
import { type AnswerKey, outputKey } from './keys.ts'

/** Where a picture of the cache comes from. What is not known is left out. */
export interface Provenance {
  /** The picture itself. */
  readonly image: EntryFacts
  /** The engine's answer that it was made of; the picture itself where it is one. Its key is what money depends on. */
  readonly answer?: EntryFacts
  /** The quality it was encoded with; absent where none was asked for. */
  readonly quality?: number
  /** What the answer cost, in millionths of a US dollar, when it was paid for (ISO 8601, UTC), and for which picture. */
  readonly costMicros?: number
  readonly paidAt?: string
  readonly boughtFor?: string
  /** The service's id of the request. */
  readonly requestId?: string
}

export async function traceImage({ shelf, facts }: ArchivedImage, archive: Archive): Promise<Provenance> {
  if (facts === undefined) throw new TypeError('a picture whose entry.json is damaged has no provenance')
  const made = shelf === 'outputs' ? await findAnswer(facts, archive) : { answer: facts }
  if (made === undefined) return { image: facts }
  const { answer, quality } = made
  const lines = (await archive.ledger()).filter(({ key }) => key === answer.key)
  const charge = lines.findLast(({ event }) => event === 'charged')
  const costMicros = answer.costMicros ?? charge?.costMicros
  const requestId = answer.requestId ?? charge?.requestId
  return {
    image: facts,
    answer,
    ...(quality === undefined ? {} : { quality }),
    ...(costMicros === undefined ? {} : { costMicros }),
    ...(charge === undefined ? {} : { paidAt: charge.at, boughtFor: charge.source }),
    ...(requestId === undefined ? {} : { requestId }),
  }
}

interface Made {
  readonly answer: EntryFacts
  readonly quality?: number
}

/** An output doesn't name its answer, but its key is made of it; so the records that lead to answers are tried. */
async function findAnswer(output: EntryFacts, archive: Archive): Promise<Made | undefined> {
  const answers = new Map<string, EntryFacts>()
  for await (const { facts } of archive.images(['answers'])) {
    if (facts?.engine === output.engine && facts.model === output.model) answers.set(facts.key, facts)
  }
  for await (const { shelf, record } of archive.records()) {
    const link = shelf === 'sources' ? linkOf(record) : undefined
    const answer = link === undefined ? undefined : answers.get(link.answerKey)
    if (link === undefined || answer === undefined) continue
    const made = madeOf(output, answer, link)
    if (made !== undefined) return made
  }
  return undefined
}

/** All that goes into an output's key is known except the quality, and there are a hundred of them. */
function madeOf(output: EntryFacts, answer: EntryFacts, { answerKey, lossless }: Link): Made | undefined {
  const { width, height, format, fileName } = output
  const keyFor = (quality: number | undefined): string =>
    outputKey(answerKey, answer.sha256, { width, height, format, lossless, fileName, quality })
  if (keyFor(undefined) === output.key) return { answer }
  for (let quality = 1; quality <= 100; quality++)
    if (keyFor(quality) === output.key) return { answer, quality }
  return undefined
}

interface Link {
  readonly answerKey: AnswerKey
  readonly lossless: boolean
}

function linkOf(record: CacheRecord | undefined): Link | undefined {
  if (typeof record?.pay !== 'string' || typeof record.lossless !== 'boolean') return undefined
  return { answerKey: record.pay as AnswerKey, lossless: record.lossless }
}
