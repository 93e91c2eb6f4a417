import type { LedgerEntry } from '../billing/ledger.ts'
import type { EntryFacts } from './entry.ts'

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

/** @param answer - undefined where the answer is not in the cache */
export function traceImage(
  image: EntryFacts,
  answer: EntryFacts | undefined,
  ledger: readonly LedgerEntry[],
): Provenance {
  const charge = ledger.findLast(
    ({ key, event }) => event === 'charged' && key === (answer?.key ?? image.answer),
  )
  const costMicros = answer?.costMicros ?? charge?.costMicros
  const requestId = answer?.requestId ?? charge?.requestId
  return {
    image,
    ...(answer === undefined ? {} : { answer }),
    ...(costMicros === undefined ? {} : { costMicros }),
    ...(charge === undefined ? {} : { paidAt: charge.at, boughtFor: charge.source }),
    ...(requestId === undefined ? {} : { requestId }),
  }
}
