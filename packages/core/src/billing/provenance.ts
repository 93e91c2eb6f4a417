import type { Archive, ArchivedImage } from '../cache/archive.ts'
import type { EntryFacts } from '../cache/entry.ts'
import { readLedger } from './ledger.ts'

/** Where a picture of the cache comes from. What is not known is left out. */
export interface Provenance {
  /** The picture itself. */
  readonly image: EntryFacts
  /** The engine's answer that it was made of; the picture itself where it is one. Its key is what money depends on. */
  readonly answer?: EntryFacts
  /** What the answer cost, in millionths of a US dollar, when it was paid for (ISO 8601, UTC), and for which picture. */
  readonly costMicros?: number
  readonly paidAt?: string
  readonly boughtFor?: string
  /** The service's id of the request. */
  readonly requestId?: string
}

/**
 * Where a picture comes from, as far as cache and ledger know.
 * @throws TypeError for a picture without facts
 */
export async function provenanceOf({ shelf, facts }: ArchivedImage, archive: Archive): Promise<Provenance> {
  if (facts === undefined) throw new TypeError('a picture whose entry.json is damaged has no provenance')
  const key = facts.answer ?? facts.key
  const answer = shelf === 'outputs' ? archive.answer(key) : facts
  const ledger = await readLedger(archive.roots.durable)
  const charge = ledger.findLast(line => line.event === 'charged' && line.key === key)
  const costMicros = answer?.costMicros ?? charge?.costMicros
  const requestId = answer?.requestId ?? charge?.requestId
  return {
    image: facts,
    ...(answer === undefined ? {} : { answer }),
    ...(costMicros === undefined ? {} : { costMicros }),
    ...(charge === undefined ? {} : { paidAt: charge.at, boughtFor: charge.source }),
    ...(requestId === undefined ? {} : { requestId }),
  }
}
