/** What a driver of unstorage is, as far as it is used here. Keys are parts joined by colons. */
export interface RemoteDriver {
  readonly name?: string
  hasItem(key: string, options: RemoteCall): unknown
  getItem(key: string, options: RemoteCall): unknown
  getItemRaw?(key: string, options: RemoteCall): unknown
  setItem?(key: string, value: string, options: RemoteCall): unknown
  setItemRaw?(key: string, value: unknown, options: RemoteCall): unknown
  removeItem?(key: string, options: RemoteCall): unknown
  getKeys(base: string, options: RemoteCall): unknown
  dispose?(): unknown
}

/** Handed to a driver with every call. Those of this package obey all of it, others may not. */
export interface RemoteCall {
  /** A larger value is refused, in bytes. */
  readonly maxBytes?: number
  /** Seconds after which a store that can do so forgets the value. */
  readonly ttl?: number
}

/** True for what may be such a driver. */
export function isDriver(value: unknown): value is RemoteDriver {
  if (typeof value !== 'object' || value === null) return false
  const { hasItem, getItem, getKeys } = value as Partial<RemoteDriver>
  return [hasItem, getItem, getKeys].every(one => typeof one === 'function')
}

/** How a driver is made: where its packages are looked for, how long it may take, when it must let go. */
export interface DriverHost {
  readonly root: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly timeoutMs: number
  readonly stop: AbortSignal
  readonly secrets: readonly string[]
}
