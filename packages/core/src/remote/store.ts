import { isUpscaleError, UpscaleError } from '../errors.ts'
import { CannotClaim, type StoreDriver } from './drivers/driver.ts'
import type { RemoteSettings } from './settings.ts'

/** Values by key in a store on another machine. Keys are parts of `[a-z0-9-]` joined by colons. Every wait ends. */
export interface RemoteStore {
  /** @throws UpscaleError API_* with what the store said, without secrets */
  has(key: string): Promise<boolean>
  /** @throws UpscaleError API_*; ANSWER_TOO_LARGE for a value over `maxBytes` */
  get(key: string, maxBytes: number): Promise<Uint8Array | undefined>
  /**
   * @param ttl - seconds after which a store that can do so forgets the value
   * @throws UpscaleError API_*; API_REJECTED by a store that can be read and has no room, or refuses this value
   */
  put(key: string, value: Uint8Array, ttl?: number): Promise<void>
  /**
   * Stores a value where there is none, in one step: of all who try at once, one does.
   * @returns true when it was stored; a text, which says why, for a store that has no such step
   * @throws UpscaleError API_*
   */
  claim(key: string, value: Uint8Array, ttl: number): Promise<boolean | string>
  /** Does nothing where there is no such value. @throws UpscaleError API_* */
  remove(key: string): Promise<void>
  /** Why what is stored may not stay, for people; undefined where nothing is known of that. @throws UpscaleError API_* */
  caution(): Promise<string | undefined>
  /** Ends connections; the next call makes new ones. */
  close(): Promise<void>
}

/** Longest wait for a driver to let go of its connections. */
const CLOSE_MS = 2000

/**
 * Opens the store of checked settings. Nothing is loaded or connected before the first call.
 *
 * Drivers keep bytes; limits of time and words without secrets are seen to here. A driver of others that ignores limits
 * is no longer waited for, but may keep its connection until it gives up.
 */
export function openRemoteStore(settings: RemoteSettings): RemoteStore {
  let opened: { readonly driver: Promise<StoreDriver>; readonly stop: AbortController } | undefined

  function driver(): Promise<StoreDriver> {
    if (opened === undefined) {
      const stop = new AbortController()
      opened = { stop, driver: settings.open(stop.signal) }
    }
    return opened.driver
  }

  async function call<T>(work: (driver: StoreDriver) => Promise<T>): Promise<T> {
    try {
      return await within(settings.timeoutMs, (async () => work(await driver()))())
    } catch (error) {
      throw coded(error, settings)
    }
  }

  return {
    has: key => call(driver => driver.has(key)),
    get: (key, maxBytes) =>
      call(async driver => {
        const value = await driver.get(key, maxBytes)
        if (value === undefined || value.length <= maxBytes) return value
        throw new UpscaleError('ANSWER_TOO_LARGE', `it has ${value.length} bytes, allowed are ${maxBytes}`, {
          hint: 'remove it from the store',
        })
      }),
    put: (key, value, ttl) => call(async driver => void (await driver.put(key, value, { ttl }))),
    claim: (key, value, ttl) =>
      call(driver =>
        driver.put(key, value, { ttl, ifAbsent: true }).catch((error: unknown) => {
          if (error instanceof CannotClaim) return settings.conceal(error.message)
          throw error
        }),
      ),
    remove: key => call(driver => driver.remove(key)),
    caution: () => call(async driver => driver.caution?.()),
    async close() {
      if (opened === undefined) return
      const { driver, stop } = opened
      opened = undefined
      stop.abort()
      // What could not be opened, or doesn't close, is of no more use to anybody.
      await within(
        CLOSE_MS,
        driver.then(one => one.close()),
      ).catch(() => undefined)
    },
  }
}

/** @throws UpscaleError API_TIMEOUT */
async function within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, fail) => {
    const error = new UpscaleError('API_TIMEOUT', `no answer within ${timeoutMs / 1000} s`, {
      hint: 'look at the store, or raise timeoutMs',
    })
    timer = setTimeout(() => fail(error), timeoutMs)
  })
  work.catch(() => undefined)
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** An error of a driver in words without secrets. It is no cause of ours: clients hang whole commands on theirs. */
function coded(error: unknown, { conceal }: RemoteSettings): UpscaleError {
  if (isUpscaleError(error)) {
    // What stops a call is the end of the lines, after a failure of another one: no word of a person.
    const code = error.code === 'ABORTED' ? 'API_INTERRUPTED' : error.code
    return new UpscaleError(code, conceal(error.problem), { hint: conceal(error.details.hint) })
  }
  return new UpscaleError('API_UNREACHABLE', conceal(wordsOf(error)), {
    hint: 'look at the store and its address',
  })
}

/** When every address of a host fails, Node wraps the reasons in an error without words. */
function wordsOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return wordsOf(error.errors[0])
  return error instanceof Error && error.message !== '' ? error.message : String(error)
}
