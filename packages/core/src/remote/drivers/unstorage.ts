import { UpscaleError } from '../../errors.ts'
import { CannotClaim, type StoreDriver } from './driver.ts'

/**
 * A driver of unstorage (https://unstorage.unjs.io/drivers), as far as it is used here. Other stores than Redis, S3 and
 * HTTP are reached through one, by name or as an object that was made already.
 */
export interface RemoteDriver {
  readonly name?: string
  hasItem(key: string, options: object): unknown
  getItem(key: string, options: object): unknown
  getItemRaw?(key: string, options: object): unknown
  setItem?(key: string, value: string, options: object): unknown
  setItemRaw?(key: string, value: unknown, options: object): unknown
  removeItem?(key: string, options: object): unknown
  getKeys(base: string, options: object): unknown
  dispose?(): unknown
}

/** True for what may be such a driver. */
export function isRemoteDriver(value: unknown): value is RemoteDriver {
  if (typeof value !== 'object' || value === null) return false
  const { hasItem, getItem, getKeys } = value as Partial<RemoteDriver>
  return [hasItem, getItem, getKeys].every(one => typeof one === 'function')
}

/** How unstorage itself marks bytes in a store that keeps texts only. */
const BASE64 = 'base64:'

/** The store behind a driver of unstorage. It has no step that stores a value only where there is none. */
export function fromUnstorage(driver: RemoteDriver): StoreDriver {
  return {
    has: async key => (await driver.hasItem(key, {})) === true,
    async get(key) {
      if (driver.getItemRaw !== undefined) return toBytes(await driver.getItemRaw(key, {}))
      return toBytes(await driver.getItem(key, {}))
    },
    async put(key, value, { ttl, ifAbsent }) {
      if (ifAbsent === true)
        throw new CannotClaim(
          'drivers of unstorage have no step that stores a value only where there is none',
        )
      const options = ttl === undefined ? {} : { ttl }
      if (driver.setItemRaw !== undefined) await driver.setItemRaw(key, value, options)
      else if (driver.setItem === undefined) throw new Error('the driver stores nothing')
      else await driver.setItem(key, `${BASE64}${Buffer.from(value).toString('base64')}`, options)
      return true
    },
    remove: async key => void (await driver.removeItem?.(key, {})),
    close: async () => void (await driver.dispose?.()),
  }
}

function toBytes(value: unknown): Uint8Array | undefined {
  if (value === null || value === undefined) return undefined
  if (value instanceof Uint8Array) return value
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  if (typeof value === 'string') {
    return value.startsWith(BASE64) ? Buffer.from(value.slice(BASE64.length), 'base64') : Buffer.from(value)
  }
  throw new UpscaleError('API_BAD_ANSWER', 'the store returned something that is no bytes', {
    hint: 'use another driver',
  })
}
