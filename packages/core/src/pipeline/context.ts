import type { LimitFunction } from 'p-limit'
import type { Breaker } from '../billing/breaker.ts'
import type { Budget } from '../billing/budget.ts'
import type { Ledger } from '../billing/ledger.ts'
import type { SharedIntent } from '../billing/shared-intent.ts'
import type { HitJournal } from '../cache/hits.ts'
import type { AnswerKey } from '../cache/keys.ts'
import type { Stores } from '../cache/stores.ts'
import type { Engine, EngineContext } from '../engines/engine.ts'
import type { Picture } from '../image/codec.ts'
import type { RemoteCache } from '../remote/remote-cache.ts'
import type { ResolvedOptions } from '../request/options.ts'
import type { ResolvedRequest } from '../request/request.ts'
import type { SourceFacts } from '../source/source.ts'
import type { Origin } from './report.ts'

/** What the steps after a cache miss share. */
export interface PipelineContext {
  readonly options: ResolvedOptions
  readonly stores: Stores
  /** Asked for answers that are missing on this machine, where the user has one. */
  readonly remote: RemoteCache | undefined
  readonly hits: HitJournal
  readonly budget: Budget
  readonly breaker: Breaker
  readonly ledger: Ledger
  /** Knows of calls for the one picture that is worked on, on other machines too. */
  readonly sharedIntent?: SharedIntent
  /** Aborts calls under way; the environment engines take their keys from. */
  readonly engineContext: EngineContext
  /** Tells the user, once, that a call which costs money is about to be made. */
  announce(): Promise<void>
  /** Aborted when no further call may be begun; those under way go on. */
  readonly stopping: AbortSignal
  /** Engine calls that go over a wire. Never taken inside `pictures`, nor the other way round. */
  readonly calls: LimitFunction
  /** Decoded pictures alive. */
  readonly pictures: LimitFunction
}

/** A verified answer of an engine, decoded. */
export interface Answer {
  readonly answerKey: AnswerKey
  /** SHA-256 of the stored answer, hex. */
  readonly digest: string
  readonly source: SourceFacts
  readonly picture: Picture
  /** `engine` when it ran for it just now. */
  readonly origin: Exclude<Origin, 'fallback'>
  /** What was charged for it just now, in millionths of a US dollar. */
  readonly costMicros: number
}

/** A request whose engine is of one kind. */
export type RequestOf<Kind extends Engine> = ResolvedRequest & { readonly engine: Kind }
