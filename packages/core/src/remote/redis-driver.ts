import { UpscaleError } from '../errors.ts'
import { type DriverHost, isDriver, type RemoteDriver } from './driver.ts'
import { loadPackage } from './packages.ts'

/** What is used of ioredis. */
interface Client {
  on(event: 'error', listener: (error: Error) => void): unknown
  strlen(key: string): Promise<number>
}

/**
 * unstorage's own driver, with waits that end and values that are measured before they are fetched.
 * @param options - those of the driver: `url`, `host`, `base`, `ttl`, `tls`, …
 */
export async function redisDriver(
  options: Readonly<Record<string, unknown>>,
  { root, timeoutMs }: DriverHost,
): Promise<RemoteDriver> {
  const { default: create } = await loadPackage('unstorage/drivers/redis', root)
  const driver: unknown =
    typeof create === 'function' &&
    create({
      connectTimeout: timeoutMs,
      commandTimeout: timeoutMs,
      // Whoever uses this has a breaker of its own; a client that goes on trying would hold the process.
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
      ...options,
    })
  if (!isDriver(driver) || !hasInstance(driver)) throw new Error('unstorage has no redis driver that fits')
  const client = driver.getInstance()
  // A command that never went out only says that the line is closed; why it is closed is told here, once.
  let reason: Error | undefined
  client.on('error', error => {
    reason ??= error
  })
  const explain = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work
    } catch (error) {
      throw reason ?? error
    }
  }
  const base = typeof options.base === 'string' ? `${options.base.replace(/:+$/, '')}:` : ''
  return {
    ...driver,
    hasItem: (key, call) => explain(asPromise(driver.hasItem(key, call))),
    setItem: (key, value, call) => explain(asPromise(driver.setItem?.(key, value, call))),
    removeItem: (key, call) => explain(asPromise(driver.removeItem?.(key, call))),
    async getItem(key, call) {
      const size = await explain(client.strlen(`${base}${key}`))
      // Bytes are kept in base64 there, four characters for three.
      if (call.maxBytes !== undefined && size > call.maxBytes * 1.34 + 16) throw tooLarge(call.maxBytes)
      return explain(asPromise(driver.getItem(key, call)))
    },
  }
}

/** A driver may answer at once. */
async function asPromise(value: unknown): Promise<unknown> {
  return value
}

function hasInstance(driver: object): driver is { getInstance(): Client } {
  return 'getInstance' in driver && typeof driver.getInstance === 'function'
}

function tooLarge(maxBytes: number): UpscaleError {
  return new UpscaleError('ANSWER_TOO_LARGE', `it is larger than ${Math.round(maxBytes / 1024 / 1024)} MiB`, {
    hint: 'remove it from the store',
  })
}
