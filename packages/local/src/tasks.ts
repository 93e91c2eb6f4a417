/** What a thread can be asked to do. */
import type { Damage } from './damage.mjs'
import type { Mix } from './mix.mjs'
import type { Network } from './network.ts'
import type { Tile } from './tiles.ts'

/** Enlarges one tile, by two networks where the picture's kinds meet. */
export interface EnlargeTask {
  readonly kind: 'enlarge'
  readonly tile: Tile & { readonly channels: number }
  /** One, or with `mix` two. */
  readonly networks: readonly Network[]
  /** For each network the tile with its halo. The buffers are handed over. */
  readonly inputs: readonly Uint8Array<ArrayBuffer>[]
  readonly mix?: Mix | undefined
}

/** Counts what the blocks of a strip are made of: survey.mjs. */
export interface SurveyTask {
  readonly kind: 'survey'
  readonly data: Uint8Array<ArrayBuffer>
  readonly width: number
  readonly height: number
  readonly channels: number
}

/** Looks for traces of compression and noise in patches of a picture: damage.mjs. */
export interface DamageTask {
  readonly kind: 'damage'
  readonly patches: Uint8Array<ArrayBuffer>
  readonly channels: number
}

export type Task = EnlargeTask | SurveyTask | DamageTask

export type ResultOf<T extends Task> = T extends EnlargeTask
  ? Uint8Array
  : T extends SurveyTask
    ? Int32Array
    : Damage
