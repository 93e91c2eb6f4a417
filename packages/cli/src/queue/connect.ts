import type { Queue } from 'bullmq'
import type { Redis as RedisClient } from 'ioredis'
import { isUpscaleError, UpscaleError } from 'upscale-core'
import { safeText } from 'upscale-core/internal'
import { evictionOf, isFull } from 'upscale-core/internal/upkeep'

/** Where work is handed over. */
export interface QueuePlace {
  /** `redis://` or `rediss://`, with the password where there is one. Never shown. */
  readonly url: string
  /** Several projects may share one Redis; each has a name of its own there. */
  readonly name: string
}

/** A connection to a queue. */
export interface QueueLink {
  readonly bullmq: typeof import('bullmq')
  readonly queue: Queue
  /** True for a Redis that forgets; BullMQ need not say so again. */
  readonly isEvicting: boolean
  /** For people: the address without user and password. */
  readonly shown: string
  /** The error for what a command to the queue threw, with a code. */
  explain(error: unknown): UpscaleError
  /** A connection of its own, for whoever waits on it. It is closed with the link. */
  connect(): RedisClient
  close(): Promise<void>
}

/** Enough for a distant server; one that is not there is told at once. */
const CONNECT_MS = 10_000

const INSTALL = 'npm install bullmq ioredis unstorage'

/**
 * Reads `--queue` and `--name`.
 * @throws UpscaleError BAD_OPTION, without quoting what may be a password
 */
export function queuePlace(
  { queue, name = 'upscale' }: { readonly queue?: string; readonly name?: string },
  env: Readonly<Record<string, string | undefined>>,
): QueuePlace {
  const url = queue ?? (env.UPSCALE_QUEUE || undefined)
  if (url === undefined) {
    throw new UpscaleError('BAD_OPTION', 'neither --queue nor UPSCALE_QUEUE says where the queue is', {
      hint: 'add --queue redis://localhost:6379, or set UPSCALE_QUEUE where the address holds a password',
    })
  }
  if (!isAddress(url)) {
    throw new UpscaleError('BAD_OPTION', 'the address of the queue is not one of a Redis server', {
      hint: 'write it like redis://localhost:6379 or rediss://user:password@redis.example:6379/2',
    })
  }
  if (!/^[\w-]{1,60}$/.test(name)) {
    throw new UpscaleError(
      'BAD_OPTION',
      'the name of the queue has characters other than letters, digits, _ and -',
      {
        hint: 'write it like --name photos',
      },
    )
  }
  return { url, name }
}

function isAddress(text: string): boolean {
  try {
    const { protocol, username, password } = new URL(text)
    // Throws for percent signs that mean nothing.
    decodeURIComponent(username + password)
    return protocol === 'redis:' || protocol === 'rediss:'
  } catch {
    return false
  }
}

/** @throws UpscaleError BAD_OPTION for packages that are not installed; API_UNREACHABLE */
export async function openQueue(
  { url, name }: QueuePlace,
  onTrouble: (text: string) => void,
): Promise<QueueLink> {
  const { bullmq, Redis } = await loadPackages()
  const { username, password, host } = new URL(url)
  const secrets = [username, password].flatMap(part => [part, decodeURIComponent(part)])
  const words = (error: unknown): string =>
    safeText(error instanceof Error ? error.message : String(error), { secrets })
  const shown = `redis://${host}`
  const memory = await probe(Redis, url, reason => unreachable(shown, words(reason)))
  const eviction = evictionOf(memory)
  if (eviction !== undefined) {
    onTrouble(
      `the queue ${shown}: ${eviction}: jobs, pictures and the notes of paid calls may be lost, and a picture paid for again; set maxmemory-policy noeviction`,
    )
  }
  const clients = new Set<RedisClient>()
  let told = ''
  const tell = (error: unknown): void => {
    const text = `the queue ${shown}: ${words(error)}`
    if (text !== told) onTrouble(text)
    told = text
  }
  const connect = (): RedisClient => {
    // Null, as BullMQ wants it: while Redis is away commands wait, and go on when it is back.
    const client = new Redis(url, { maxRetriesPerRequest: null, connectTimeout: CONNECT_MS })
    client.on('error', tell)
    clients.add(client)
    return client
  }
  // What BullMQ would print of a server that forgets is said above.
  const queue = new bullmq.Queue(name, { connection: connect(), skipVersionCheck: eviction !== undefined })
  queue.on('error', tell)
  return {
    bullmq,
    queue,
    isEvicting: eviction !== undefined,
    shown,
    explain: error => (isUpscaleError(error) ? error : refused(shown, error, words(error))),
    connect,
    async close() {
      await queue.close()
      for (const client of clients) client.disconnect()
    },
  }
}

interface Packages {
  readonly bullmq: typeof import('bullmq')
  readonly Redis: typeof RedisClient
}

async function loadPackages(): Promise<Packages> {
  try {
    const [bullmq, { Redis }] = await Promise.all([import('bullmq'), import('ioredis')])
    return { bullmq, Redis }
  } catch (cause) {
    throw new UpscaleError('BAD_OPTION', 'a queue needs the packages bullmq, ioredis and unstorage', {
      hint: `install them beside upscale-cli: ${INSTALL}`,
      cause,
    })
  }
}

/** One question without patience: those of a queue wait for ever. Returns what the server says of its memory. */
async function probe(
  Redis: Packages['Redis'],
  url: string,
  fail: (reason: unknown) => UpscaleError,
): Promise<string> {
  let reason: unknown
  const client = new Redis(url, {
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    connectTimeout: CONNECT_MS,
    commandTimeout: CONNECT_MS,
  })
  client.on('error', error => {
    reason ??= error
  })
  try {
    await client.connect()
    await client.ping()
    // One that does not tell may be used all the same.
    return await client.info('memory').catch(() => '')
  } catch (error) {
    throw isUpscaleError(error) ? error : fail(reason ?? error)
  } finally {
    client.disconnect()
  }
}

function refused(shown: string, error: unknown, reason: string): UpscaleError {
  return isFull(error)
    ? new UpscaleError('API_UNAVAILABLE', `the queue ${shown} is full: ${reason}`, {
        hint: 'give its Redis more memory (maxmemory), then run the same command again: what is queued already stays queued',
      })
    : new UpscaleError('API_UNAVAILABLE', `the queue ${shown} refused: ${reason}`, {
        hint: 'look at its Redis server, then run the same command again',
      })
}

function unreachable(shown: string, reason: string): UpscaleError {
  return new UpscaleError('API_UNREACHABLE', `the queue ${shown} can't be reached: ${reason}`, {
    hint: 'start the Redis server, or check the address, the user and the password',
  })
}
