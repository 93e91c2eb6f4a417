import type { LimitFunction } from 'p-limit'
import type { BillingContext } from '../billing/context.ts'
import type { AnswerOrigin } from '../billing/order.ts'
import type { HitJournal } from '../cache/hit-journal.ts'
import type { AnswerKey } from '../cache/keys.ts'
import type { FinishedFacts, KnownHits } from '../cache/known-hits.ts'
import type { EncodedImage } from '../image/codec.ts'
import type { Picture } from '../image/pixel-image.ts'
import type { RemoteCache } from '../remote/remote-cache.ts'
import type { SourceFacts } from '../source/source.ts'
import type { Origin } from './report.ts'

/** What the steps after a cache miss share. */
export interface PipelineContext extends BillingContext {
  /** Asked for answers that are missing on this machine, where the user has one. */
  readonly remote: RemoteCache | undefined
  readonly hits: HitJournal
  readonly knownHits: KnownHits
  /** Decoded sources alive, and small results. */
  readonly pictures: LimitFunction
  /** Large results alive; taken inside of {@link pictures}. */
  readonly largePictures: LimitFunction
}

/** A verified answer of an engine, decoded. */
export interface Answer {
  readonly answerKey: AnswerKey
  /** SHA-256 of the stored answer, hex; of a quick engine, whose answers aren't stored, their key. */
  readonly digest: string
  readonly source: SourceFacts
  readonly picture: Picture
  /** The file to ship, where one was made already because it is the kept answer as well. */
  readonly file?: EncodedImage | undefined
  /** What the engine chose within its model. */
  readonly chosen?: string | undefined
  readonly origin: AnswerOrigin
  /** What was charged for it just now, in millionths of a US dollar. */
  readonly costMicros: number
}

/** A finished file and where it came from. */
export interface FinishedFile {
  readonly entry: { readonly file: string; readonly facts: FinishedFacts }
  readonly source: SourceFacts
  readonly origin: Origin
  /** Millionths of a US dollar charged for it just now. */
  readonly costMicros: number
}
