import { isUpscaleError, UpscaleError } from '../errors.ts'
import type { RemoteCall } from './drivers/driver.ts'
import { loadPackage } from './drivers/packages.ts'
import type { RemotePlace, RemoteSettings } from './settings.ts'

/** Values by key in a store on another machine. Keys are parts of `[a-z0-9-]` joined by colons. Every wait ends. */
export interface RemoteStore {
  /** @throws UpscaleError API_* with what the store said, without secrets */
  has(key: string): Promise<boolean>
  /** @throws UpscaleError API_*; ANSWER_TOO_LARGE for a value over `maxBytes` */
  get(key: string, maxBytes: number): Promise<Uint8Array | undefined>
  /**
   * @param ttl - seconds after which a store that can do so forgets the value
   * @throws UpscaleError API_*
   */
  put(key: string, value: Uint8Array, ttl?: number): Promise<void>
  /** Does nothing where there is no such value. @throws UpscaleError API_* */
  remove(key: string): Promise<void>
  /** Ends connections; the next call makes new ones. */
  close(): Promise<void>
}

/** What is used of unstorage's Storage. */
interface Storage {
  hasItem(key: string, options: RemoteCall): Promise<boolean>
  getItemRaw(key: string, options: RemoteCall): Promise<unknown>
  setItemRaw(key: string, value: Uint8Array, options: RemoteCall): Promise<void>
  removeItem(key: string, options: RemoteCall): Promise<void>
  dispose(): Promise<void>
}

/** Longest wait for a driver to let go of its connections. */
const CLOSE_MS = 2000

/**
 * Opens the store of checked settings. Nothing is loaded or connected before the first call.
 *
 * unstorage lets every driver keep bytes; what it does not do (limits of time, words without secrets) is done here.
 * A driver of others that ignores limits is no longer waited for, but may keep its connection until it gives up.
 */
export function openRemoteStore(settings: RemoteSettings, { root }: Pick<RemotePlace, 'root'>): RemoteStore {
  let opened: { readonly storage: Promise<Storage>; readonly stop: AbortController } | undefined

  function storage(): Promise<Storage> {
    if (opened === undefined) {
      const stop = new AbortController()
      opened = { stop, storage: openStorage(settings, root, stop.signal) }
    }
    return opened.storage
  }

  async function call<T>(work: (storage: Storage) => Promise<T>): Promise<T> {
    try {
      return await within(settings.timeoutMs, (async () => work(await storage()))())
    } catch (error) {
      throw coded(error, settings)
    }
  }

  return {
    has: key => call(async storage => (await storage.hasItem(key, {})) === true),
    get: (key, maxBytes) =>
      call(async storage => {
        const value = toBytes(await storage.getItemRaw(key, { maxBytes }))
        if (value === undefined || value.length <= maxBytes) return value
        throw new UpscaleError('ANSWER_TOO_LARGE', `it has ${value.length} bytes, allowed are ${maxBytes}`, {
          hint: 'remove it from the store',
        })
      }),
    put: (key, value, ttl) =>
      call(storage => storage.setItemRaw(key, value, ttl === undefined ? {} : { ttl })),
    remove: key => call(storage => storage.removeItem(key, {})),
    async close() {
      if (opened === undefined) return
      const { storage, stop } = opened
      opened = undefined
      stop.abort()
      // What could not be opened, or doesn't close, is of no more use to anybody.
      await within(
        CLOSE_MS,
        storage.then(one => one.dispose()),
      ).catch(() => undefined)
    },
  }
}

async function openStorage(settings: RemoteSettings, root: string, stop: AbortSignal): Promise<Storage> {
  const { createStorage } = await loadPackage('unstorage', root)
  const driver = await settings.open(stop)
  if (typeof createStorage === 'function') return createStorage({ driver })
  throw new Error('unstorage has no createStorage')
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

function toBytes(value: unknown): Uint8Array | undefined {
  if (value === null || value === undefined) return undefined
  if (value instanceof Uint8Array) return value
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  if (typeof value === 'string') return Buffer.from(value)
  throw new UpscaleError('API_BAD_ANSWER', 'the store returned something that is no bytes', {
    hint: 'use another driver',
  })
}

/** An error of a driver in words without secrets. It is no cause of ours: clients hang whole commands on theirs. */
function coded(error: unknown, { conceal }: RemoteSettings): UpscaleError {
  if (isUpscaleError(error)) {
    return new UpscaleError(error.code, conceal(error.problem), { hint: conceal(error.details.hint) })
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
