import type { Cache } from '../cache/cache.ts'
import type { AnswerKey } from '../cache/keys.ts'
import type { FileEngine } from '../engines/engine.ts'
import type { Asked } from '../image/verify-answer.ts'
import type { RequestOf } from '../request/request.ts'
import type { BillingContext } from './context.ts'

export type ServiceRequest = RequestOf<FileEngine>

/** What is sent. */
export interface EngineOrder {
  readonly answerKey: AnswerKey
  readonly png: Uint8Array
  /** The source's size in pixels. */
  readonly width: number
  readonly height: number
  /** The source's name, for people. */
  readonly source: string
  /** A plain file name ending in .png. */
  readonly name: string
  /** What the answer must show. */
  readonly asked: Asked
}

/** One picture that a service makes: what is wanted, what is sent, and where its records lie. */
export interface Purchase {
  readonly request: ServiceRequest
  readonly order: EngineOrder
  /** Where answers of this engine belong. */
  readonly store: Cache
  readonly context: BillingContext
}

/** Where an answer came from: kept here before, kept in the remote cache, or an engine just now. */
export type AnswerOrigin = 'cache' | 'remote' | 'engine'

/** An answer on the disk. */
export interface Received {
  readonly bytes: Uint8Array
  /** Millionths of a US dollar that count as charged for it in this run. */
  readonly costMicros: number
  readonly requestId?: string | undefined
  /** Which order for its key it answers, where that is known. */
  readonly attempt?: number | undefined
  readonly origin: AnswerOrigin
  /** SHA-256 in hex, for an answer that was verified before. Any other has not been looked at. */
  readonly verified?: string | undefined
}
