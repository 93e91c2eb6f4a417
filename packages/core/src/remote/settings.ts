import { UpscaleError } from '../errors.ts'
import { safeText } from '../safe-text.ts'
import { flag, integer, record, show, text } from '../validate.ts'
import type { DriverHost, StoreDriver } from './drivers/driver.ts'
import { loadPackage, missingPackages } from './drivers/packages.ts'
import { bucketAddress, type S3Options, s3Driver, s3Secrets } from './drivers/s3.ts'
import { fromUnstorage, isRemoteDriver, type RemoteDriver } from './drivers/unstorage.ts'

/** The store that a team's machines share, and what may be done with it. */
export interface RemoteCacheOptions {
  /**
   * `'redis'`, `'s3'` or `'http'`, the name of another driver of unstorage (`'azure-storage-blob'`, `'vercel-blob'`, …),
   * or a driver that was made already. Not needed where `url` is given.
   */
  readonly driver?: string | RemoteDriver
  /** `redis://`, `rediss://`, `http://`, `https://` or `s3://bucket`; stands for a driver and its options. */
  readonly url?: string
  /** Nothing is stored there. For builds of code that nobody has read yet. @default UPSCALE_REMOTE_CACHE_READONLY, else false */
  readonly readOnly?: boolean
  /** Longest wait for one answer of the store, in milliseconds, 100 to 600000. @default 15000 */
  readonly timeoutMs?: number
  /** Options of the driver: those of ioredis, of S3 (`bucket`, `region`, …), or as unstorage documents them. */
  readonly [option: string]: unknown
}

/** What a user may write for the option `remoteCache`: options, an address, or false to ignore UPSCALE_REMOTE_CACHE. */
export type RemoteCache = string | false | RemoteCacheOptions

/** A remote cache that was checked. It shows no secret, whoever looks at it. */
export interface RemoteSettings {
  /** For people: driver and address, without credentials. */
  readonly name: string
  readonly readOnly: boolean
  readonly timeoutMs: number
  /** What a store said, fit for a message: one line, without the secrets of these settings. */
  readonly conceal: (said: string) => string
  /** Loads and makes the driver. */
  readonly open: (stop: AbortSignal) => Promise<StoreDriver>
}

/** Where settings are read. */
export interface RemotePlace {
  readonly root: string
  readonly env: Readonly<Record<string, string | undefined>>
}

const DEFAULT_TIMEOUT_MS = 15_000

const TIMEOUT = integer(100, 600_000)

const SCHEMES = 'redis://, rediss://, http://, https:// or s3://'

/** What is behind a remote cache. */
interface Target {
  readonly name: string
  readonly packages: readonly string[]
  readonly secrets: readonly string[]
  make(host: DriverHost): Promise<StoreDriver>
}

/**
 * Checks the option. Nothing is loaded or connected, and nothing of what was written is quoted: it may be a password.
 *
 * @returns settings, or what is wrong; undefined for none
 * @throws UpscaleError BAD_OPTION naming the command that installs what is missing
 */
export function readRemoteCache(
  written: RemoteCache | undefined,
  place: RemotePlace & { readonly readOnly: boolean | undefined },
): RemoteSettings | string | undefined {
  const value = written ?? (place.env.UPSCALE_REMOTE_CACHE || false)
  if (value === false) return undefined
  const given = typeof value === 'string' ? { url: value } : value
  const { driver, url, readOnly, timeoutMs, ...options } = given
  if (readOnly !== undefined && !flag.accepts(readOnly))
    return `remoteCache.readOnly is ${show(readOnly)}, expected ${flag.expected}`
  if (timeoutMs !== undefined && !TIMEOUT.accepts(timeoutMs))
    return `remoteCache.timeoutMs is ${show(timeoutMs)}, expected ${TIMEOUT.expected}`
  const target = targetOf(driver, url, options, place)
  if (typeof target === 'string') return target
  const { root, env } = place
  requirePackages(target, root)
  const secrets = [...target.secrets, ...secretsIn(options)]
  const limitMs = timeoutMs ?? DEFAULT_TIMEOUT_MS
  return Object.freeze({
    name: target.name,
    readOnly: readOnly ?? place.readOnly ?? false,
    timeoutMs: limitMs,
    conceal: (said: string) => safeText(said, { secrets, maxCharacters: 200 }),
    open: (stop: AbortSignal) => target.make({ root, env, stop, secrets, timeoutMs: limitMs }),
  })
}

type Options = Readonly<Record<string, unknown>>

function targetOf(driver: unknown, url: unknown, options: Options, place: RemotePlace): Target | string {
  if (url !== undefined) return fromUrl(url, driver, options, place)
  if (isRemoteDriver(driver)) {
    const make = async (): Promise<StoreDriver> => fromUnstorage(driver)
    return { name: `${driver.name ?? 'own'} driver`, packages: [], secrets: [], make }
  }
  if (driver === 'redis') return redisTarget(options)
  if (driver === 'http') {
    return URL.canParse(String(options.base))
      ? webTarget(new URL(String(options.base)), options)
      : 'remoteCache.base is not an address, expected http:// or https://'
  }
  if (driver === 's3') return s3Target(options, place)
  if (typeof driver === 'string' && /^[a-z0-9-]{1,60}$/.test(driver))
    return namedTarget(driver, options, place)
  return `remoteCache names no driver, expected an address (${SCHEMES}), or a driver's name`
}

function fromUrl(written: unknown, driver: unknown, options: Options, place: RemotePlace): Target | string {
  if (driver !== undefined) return 'remoteCache has a driver and a url, expected one of them'
  const url = text(4096).accepts(written) && URL.canParse(written) ? new URL(written) : undefined
  switch (url?.protocol) {
    case 'redis:':
    case 'rediss:':
      return redisTarget({ ...options, url: url.href }, url)
    case 'http:':
    case 'https:':
      return webTarget(url, options)
    case 's3:':
      return s3Target({ bucket: url.host, ...Object.fromEntries(url.searchParams), ...options }, place)
    default:
      return `remoteCache is no address of a store, expected ${SCHEMES}`
  }
}

function redisTarget(options: Options, url?: URL): Target {
  const { host = '127.0.0.1', port = 6379 } = options
  return {
    name: url === undefined ? `redis ${host}:${port}` : `redis ${url.host}`,
    packages: ['ioredis'],
    secrets: url === undefined ? [] : credentialsOf(url),
    make: async driverHost => (await import('./drivers/redis.ts')).redisDriver(options, driverHost),
  }
}

function webTarget(address: URL, { headers }: Options): Target | string {
  if (!/^https?:$/.test(address.protocol))
    return 'remoteCache.base is not an address, expected http:// or https://'
  if (headers !== undefined && !isTexts(headers)) return 'remoteCache.headers is not an object of texts'
  const base = new URL(address)
  base.username = ''
  base.password = ''
  base.search = ''
  base.hash = ''
  const [user, password] = [decoded(address.username), decoded(address.password)]
  const basic = Buffer.from(`${user}:${password}`).toString('base64')
  const all = { ...(user === '' && password === '' ? {} : { authorization: `Basic ${basic}` }), ...headers }
  return {
    name: `http ${base.host}${base.pathname === '/' ? '' : base.pathname}`,
    packages: [],
    secrets: [...credentialsOf(address), ...Object.values(all), basic],
    make: async driverHost => (await import('./drivers/http.ts')).webDriver(base, () => all, driverHost),
  }
}

function s3Target(options: Options, { env }: RemotePlace): Target | string {
  const { bucket, endpoint } = options
  if (!text(255).accepts(bucket))
    return 'remoteCache has no bucket, expected s3://bucket or the option bucket'
  const wrong = Object.entries(options).find(([, value]) => value !== undefined && typeof value !== 'string')
  if (wrong !== undefined) return `remoteCache.${wrong[0]} is ${show(wrong[1])}, expected a text`
  if (endpoint !== undefined && !URL.canParse(String(endpoint)))
    return 'remoteCache.endpoint is not an address, expected https://'
  const own = options as S3Options
  return {
    name: `s3 ${bucket} at ${bucketAddress(own, env).host}`,
    packages: ['aws4fetch'],
    secrets: s3Secrets(env),
    make: driverHost => s3Driver(own, driverHost),
  }
}

/** Any other driver of unstorage. Its own packages are found, or missed, when it is made. */
function namedTarget(name: string, options: Options, { root }: RemotePlace): Target | string {
  const module = `unstorage/drivers/${name}`
  if (missingPackages(['unstorage'], root).length === 0 && missingPackages([module], root).length > 0)
    return `remoteCache.driver is ${show(name)}, which unstorage doesn't have`
  return {
    name: `${name} driver`,
    packages: ['unstorage'],
    secrets: [],
    async make() {
      const { default: create } = await loadPackage(module, root)
      const driver: unknown = typeof create === 'function' ? create(options) : undefined
      if (isRemoteDriver(driver)) return fromUnstorage(driver)
      throw new Error(`${module} makes no driver`)
    },
  }
}

function requirePackages({ name, packages }: Target, root: string): void {
  const missing = missingPackages(packages, root)
  if (missing.length === 0) return
  throw new UpscaleError('BAD_OPTION', `the remote cache (${name}) needs ${missing.join(' and ')}`, {
    hint: `install what is missing: npm install ${missing.join(' ')}`,
  })
}

function credentialsOf({ username, password }: URL): string[] {
  return [username, password].flatMap(part => [part, decoded(part)]).filter(part => part !== '')
}

/** A part of an address without its percent signs; as it is where they mean nothing. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

function isTexts(value: unknown): value is Record<string, string> {
  return record.accepts(value) && Object.values(value).every(one => typeof one === 'string')
}

/** Names under which stores want their credentials. */
const SECRET_NAME = /key|secret|token|pass|auth|sas|connection|dsn|url/i

/** Texts of options that may be credentials. */
function secretsIn(options: Options, isSecret = false): string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    const here = isSecret || SECRET_NAME.test(name)
    if (typeof value === 'string') return here ? [value] : []
    return record.accepts(value) ? secretsIn(value, here) : []
  })
}
