import type { Redis, RedisOptions } from 'ioredis'
import { UpscaleError } from '../../errors.ts'
import type { DriverHost, StoreDriver } from './driver.ts'
import { loadPackage } from './packages.ts'
import { evictionOf, isFull } from './redis-memory.ts'

/** A connection, and why it broke where it did. */
interface Line {
  readonly client: Redis
  reason: Error | undefined
}

/**
 * Redis and what speaks its language, through ioredis, with waits that end, lines that are made anew once they are
 * broken, and values that are measured before they are fetched.
 * @param options - those of ioredis, and `url`, `base` (before every key) and `ttl` (seconds, of every value)
 */
export async function redisDriver(
  { url, base, ttl: usualTtl, ...options }: Readonly<Record<string, unknown>>,
  { root, timeoutMs }: DriverHost,
): Promise<StoreDriver> {
  const { Redis: Client } = (await loadPackage('ioredis', root)) as typeof import('ioredis')
  const prefix = typeof base === 'string' ? `${base.replace(/:+$/, '')}:` : ''
  let line: Line | undefined

  function connect(): Line {
    const all: RedisOptions = {
      connectTimeout: timeoutMs,
      commandTimeout: timeoutMs,
      // Whoever uses this has a breaker of its own; a client that goes on trying would hold the process.
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
      ...options,
    }
    const client = typeof url === 'string' ? new Client(url, all) : new Client(all)
    const made: Line = { client, reason: undefined }
    // Without a listener the client would print.
    client.on('error', error => {
      made.reason ??= error
    })
    return made
  }

  async function use<T>(work: (client: Redis) => Promise<T>): Promise<T> {
    if (line === undefined || line.client.status === 'end') line = connect()
    const own = line
    try {
      return await work(own.client)
    } catch (error) {
      if (isFull(error)) throw full(error)
      // A command that never went out only says that the line is closed.
      throw own.reason ?? error
    }
  }

  return {
    has: async key => (await use(client => client.exists(prefix + key))) === 1,
    async get(key, maxBytes) {
      if ((await use(client => client.strlen(prefix + key))) > maxBytes) throw tooLarge(maxBytes)
      return (await use(client => client.getBuffer(prefix + key))) ?? undefined
    },
    async put(key, value, { ttl = usualTtl, ifAbsent }) {
      const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
      const name = prefix + key
      if (typeof ttl === 'number') {
        const ms = Math.round(ttl * 1000)
        return ifAbsent === true
          ? (await use(client => client.set(name, bytes, 'PX', ms, 'NX'))) === 'OK'
          : (await use(client => client.set(name, bytes, 'PX', ms))) === 'OK'
      }
      return ifAbsent === true
        ? (await use(client => client.set(name, bytes, 'NX'))) === 'OK'
        : (await use(client => client.set(name, bytes))) === 'OK'
    },
    remove: async key => void (await use(client => client.del(prefix + key))),
    // A server that does not tell is taken at its word.
    caution: async () => evictionOf(await use(client => client.info('memory')).catch(() => '')),
    close: async () => line?.client.disconnect(),
  }
}

function full({ message }: Error): UpscaleError {
  return new UpscaleError('API_REJECTED', `it is full: ${message}`, {
    hint: 'give it more memory (maxmemory), or what is stored there a shorter life (ttl)',
  })
}

function tooLarge(maxBytes: number): UpscaleError {
  return new UpscaleError('ANSWER_TOO_LARGE', `it is larger than ${Math.round(maxBytes / 1024 / 1024)} MiB`, {
    hint: 'remove it from the store',
  })
}
