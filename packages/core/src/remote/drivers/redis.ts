import { UpscaleError } from '../../errors.ts'
import { type DriverHost, isDriver, type RemoteDriver } from './driver.ts'
import { loadPackage } from './packages.ts'

/** What is used of ioredis. */
interface Client {
  readonly status: string
  on(event: 'error', listener: (error: Error) => void): unknown
  strlen(key: string): Promise<number>
}

/** A driver, its connection, and why that broke where it did. */
interface Line {
  readonly driver: RemoteDriver
  readonly client: Client
  reason: Error | undefined
}

/**
 * unstorage's own driver, with waits that end, lines that are made anew once they are broken, and values that are
 * measured before they are fetched.
 * @param options - those of the driver: `url`, `host`, `base`, `ttl`, `tls`, …
 */
export async function redisDriver(
  options: Readonly<Record<string, unknown>>,
  { root, timeoutMs }: DriverHost,
): Promise<RemoteDriver> {
  const { default: create } = await loadPackage('unstorage/drivers/redis', root)
  const base = typeof options.base === 'string' ? `${options.base.replace(/:+$/, '')}:` : ''
  let line: Line | undefined

  function connect(): Line {
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
    const made: Line = { driver, client: driver.getInstance(), reason: undefined }
    // Without a listener the client would print.
    made.client.on('error', error => {
      made.reason ??= error
    })
    return made
  }

  async function use<T>(work: (line: Line) => T): Promise<Awaited<T>> {
    if (line === undefined || line.client.status === 'end') line = connect()
    const own = line
    try {
      return await work(own)
    } catch (error) {
      // A command that never went out only says that the line is closed.
      throw own.reason ?? error
    }
  }

  return {
    name: 'redis',
    hasItem: (key, call) => use(({ driver }) => driver.hasItem(key, call)),
    async getItem(key, call) {
      const size = await use(({ client }) => client.strlen(`${base}${key}`))
      // Bytes are kept in base64 there, four characters for three.
      if (call.maxBytes !== undefined && size > call.maxBytes * 1.34 + 16) throw tooLarge(call.maxBytes)
      return use(({ driver }) => driver.getItem(key, call))
    },
    setItem: (key, value, call) => use(({ driver }) => driver.setItem?.(key, value, call)),
    removeItem: (key, call) => use(({ driver }) => driver.removeItem?.(key, call)),
    getKeys: () => [],
    dispose: () => line?.driver.dispose?.(),
  }
}

function hasInstance(driver: object): driver is { getInstance(): Client } {
  return 'getInstance' in driver && typeof driver.getInstance === 'function'
}

function tooLarge(maxBytes: number): UpscaleError {
  return new UpscaleError('ANSWER_TOO_LARGE', `it is larger than ${Math.round(maxBytes / 1024 / 1024)} MiB`, {
    hint: 'remove it from the store',
  })
}
