/**
 * A store of values by key, as far as a remote cache needs one. Keys are parts of `[a-z0-9-]` joined by colons. Every
 * method rejects with whatever went wrong; `store.ts` gives that a code and takes secrets out.
 */
export interface StoreDriver {
  has(key: string): Promise<boolean>
  /** @param maxBytes - a larger value is not fetched, where the store can tell @throws UpscaleError ANSWER_TOO_LARGE */
  get(key: string, maxBytes: number): Promise<Uint8Array | undefined>
  /** @returns false when the value was to be stored only where there was none, and there was one */
  put(key: string, value: Uint8Array, how: PutOptions): Promise<boolean>
  /** Does nothing where there is no such value. */
  remove(key: string): Promise<void>
  /** Why what is stored may not stay, where the store can tell; for people. */
  caution?(): Promise<string | undefined>
  close(): Promise<void>
}

/** How a value is stored. */
export interface PutOptions {
  /** Seconds after which a store that can do so forgets the value. */
  readonly ttl?: number | undefined
  /** In one step: only where there is no value. @throws {@link CannotClaim} by stores that have no such step */
  readonly ifAbsent?: boolean | undefined
}

/** A store that can't store a value only where there is none. The message is the reason. */
export class CannotClaim extends Error {
  override readonly name = 'CannotClaim'
}

/** How a driver is made: where its packages are looked for, how long it may take, when it must let go. */
export interface DriverHost {
  readonly root: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly timeoutMs: number
  readonly stop: AbortSignal
  readonly secrets: readonly string[]
}
