import type { LimitFunction } from 'p-limit'
import type { Stores } from '../cache/stores.ts'
import type { EngineContext } from '../engines/engine.ts'
import type { Breaker } from '../engines/http/breaker.ts'
import type { ResolvedOptions } from '../request/options.ts'
import type { Budget } from './budget.ts'
import type { Ledger } from './ledger.ts'
import type { Prices } from './quoted-prices.ts'
import type { SharedIntent } from './shared-intent.ts'
import type { Word } from './word.ts'

/** What buying an answer needs of the upscaler. */
export interface BillingContext {
  readonly options: ResolvedOptions
  readonly stores: Stores
  readonly budget: Budget
  readonly prices: Prices
  readonly breaker: Breaker
  readonly ledger: Ledger
  readonly word: Word
  /** True where answers go to a remote cache as well. */
  readonly isSharing: boolean
  /** Knows of calls for the one picture that is worked on, on other machines too. */
  readonly sharedIntent?: SharedIntent | undefined
  /** Aborts calls under way; the environment engines take their keys from. */
  readonly engineContext: EngineContext
  /** Tells the user what does not stop the build. */
  notice(text: string): void
  /** Tells the user, once, that a call which costs money is about to be made. */
  announce(): Promise<void>
  /** Aborted when no further call may be begun; those under way go on. */
  readonly stopping: AbortSignal
  /** Engine calls that go over a wire. Never taken inside `pictures`, nor the other way round. */
  readonly calls: LimitFunction
}
