import { resolve } from 'node:path'
import { UpscaleError, type UpscalerOptions } from 'upscale-core'
import { loadEnv, OPTION_NAMES, show, unknownName } from 'upscale-core/internal'
import { KEYS_VARIABLE, parseKeys } from './auth.ts'
import type { ModelOptions } from './catalogue.ts'
import { type Logger, SILENT } from './logger.ts'

/**
 * Options of the upscaler that a server has another word for, or no use. A stand-in for a picture that failed is one of
 * them: a client that asked for an upscale must not get something else as a success.
 */
type NotHere = 'engine' | 'presets' | 'include' | 'exclude' | 'onError' | 'dev'

/**
 * What a server can be told. Next to its own options it takes those of the upscaler behind it, with their defaults;
 * `budget` counts from the start of the server to its end.
 */
export interface ServerOptions extends Omit<UpscalerOptions, NotHere> {
  /**
   * The models that are offered, by the name clients use: an engine, or the name of one (`local`, `resize`, or one of
   * `engines`).
   * @default { local: 'local' }
   */
  models?: ModelOptions
  /**
   * Origin under which clients reach the server, where that is not the address it listens on: behind a proxy with TLS.
   * Results are addressed with it: `https://images.example.com`.
   * @default what the client called the server, in its Host header
   */
  publicUrl?: string
  /** How long a result can be fetched under its address, in milliseconds; 1000 to 604800000. @default 3600000 */
  mediaTtlMs?: number
  /** The most results that can be fetched at a time, 1 to 1000000; the oldest give way. @default 10000 */
  maxMedia?: number
  /** The largest request body, in bytes, 1024 to 268435456. @default 52428800 (50 MiB) */
  maxBodyBytes?: number
  /** Requests a minute and key, or altogether where there are no keys; 1 to 1000000. @default 300 */
  requestsPerMinute?: number
  /**
   * Edits under way at a time, 1 to 10000; beyond it the answer is 429. Where there are several keys, one of them may have
   * half of it, and as many uploads on their way. @default 64
   */
  maxEdits?: number
  /** How long a client may take to send a request, in milliseconds; 1000 to 3600000. Then the answer is 408. @default 120000 */
  uploadTimeoutMs?: number
  /** How long an upload may rest before its connection is closed, in milliseconds; 100 to 3600000. @default 10000 */
  uploadIdleMs?: number
}

/** What the host knows and a user need not say. Each has a default. */
export interface ServerHost {
  /** Environment variables. @default those of the process over the project's `.env` files */
  readonly env: Readonly<Record<string, string | undefined>>
  /** @default silent */
  readonly logger: Logger
  /** Milliseconds since 1970. @default Date.now */
  readonly now: () => number
  /** Milliseconds of a clock that is never set, for what lasts or is limited for a time. @default performance.now */
  readonly uptime: () => number
}

/** What the code relies on: complete and checked. Holds the keys, so it stays inside the server. */
export interface ResolvedServer {
  readonly models: ModelOptions
  /** As the user wrote them; the upscaler checks them. */
  readonly upscaler: UpscalerOptions
  readonly root: string
  readonly publicUrl: string | undefined
  readonly limits: Limits
  readonly keys: readonly string[]
  readonly host: ServerHost
}

export type Limits = { readonly [Name in keyof typeof LIMIT_RANGES]: number }

/** Lowest, highest, default. */
export const LIMIT_RANGES = {
  mediaTtlMs: [1000, 604_800_000, 3_600_000],
  maxMedia: [1, 1_000_000, 10_000],
  maxBodyBytes: [1024, 268_435_456, 52_428_800],
  requestsPerMinute: [1, 1_000_000, 300],
  maxEdits: [1, 10_000, 64],
  uploadTimeoutMs: [1000, 3_600_000, 120_000],
  uploadIdleMs: [100, 3_600_000, 10_000],
} as const

/**
 * Checks the server's own options and fills in the defaults.
 * @throws UpscaleError BAD_OPTION listing every wrong one
 */
export function resolveServer(options: ServerOptions, host: Partial<ServerHost>): ResolvedServer {
  const { models = { local: 'local' }, publicUrl, root: written = '.', ...rest } = options
  const isLimit = ([name]: [string, unknown]): boolean => Object.hasOwn(LIMIT_RANGES, name)
  const given = Object.entries(rest).filter(([, value]) => value !== undefined)
  const limits = given.filter(isLimit)
  const problems = [...nameProblems(options), ...limitProblems(limits), ...modelProblems(models)]
  if (publicUrl !== undefined && !isOrigin(publicUrl)) {
    problems.push(`publicUrl is ${show(publicUrl)}, expected an origin such as "https://images.example.com"`)
  }
  if (typeof written !== 'string') problems.push(`root is ${show(written)}, expected a folder`)
  if (problems.length > 0) {
    throw new UpscaleError('BAD_OPTION', problems.join('; '), {
      hint: `known options are ${NAMES.join(', ')}`,
    })
  }
  const root = resolve(written)
  const env = host.env ?? loadEnv(root)
  const defaults = Object.entries(LIMIT_RANGES).map(([name, [, , standard]]) => [name, standard])
  return {
    models,
    upscaler: { maxPixels: MAX_PIXELS, ...Object.fromEntries(given.filter(entry => !isLimit(entry))) },
    root,
    publicUrl: publicUrl === undefined ? undefined : new URL(publicUrl).origin,
    limits: Object.fromEntries([...defaults, ...limits]),
    keys: parseKeys(env[KEYS_VARIABLE]),
    host: {
      env,
      logger: host.logger ?? SILENT,
      now: host.now ?? Date.now,
      uptime: host.uptime ?? (() => performance.now()),
    },
  }
}

/**
 * The most pixels of an upload unless `maxPixels` says otherwise: those of a phone's photo. Fewer than elsewhere, since
 * here others choose the pictures.
 */
const MAX_PIXELS = 12_000_000

const NOT_HERE: ReadonlySet<string> = new Set<NotHere>([
  'engine',
  'presets',
  'include',
  'exclude',
  'onError',
  'dev',
])

const NAMES: readonly string[] = [
  'models',
  'publicUrl',
  ...Object.keys(LIMIT_RANGES),
  ...OPTION_NAMES.filter(name => !NOT_HERE.has(name)),
]

function nameProblems(options: ServerOptions): string[] {
  return Object.keys(options).flatMap(name =>
    NAMES.includes(name) ? [] : [unknownName('option', name, NAMES)],
  )
}

function limitProblems(limits: readonly [string, unknown][]): string[] {
  const ranges: Readonly<Record<string, readonly [number, number, number]>> = LIMIT_RANGES
  return limits.flatMap(([name, value]) => {
    const [min, max] = ranges[name] ?? [0, 0]
    const fits = typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
    return fits ? [] : [`${name} is ${show(value)}, expected a whole number from ${min} to ${max}`]
  })
}

function modelProblems(models: unknown): string[] {
  const isRecord = typeof models === 'object' && models !== null && !Array.isArray(models)
  if (!isRecord || Object.keys(models).length === 0) {
    return [`models is ${show(models)}, expected an object with at least one model`]
  }
  return Object.entries(models).flatMap(([id, engine]: [string, unknown]) => {
    // It appears in addresses, headers and the log.
    if (!/^\w[\w./:-]{0,99}$/.test(id))
      return [`the model name ${show(id)} may only have letters, digits and ._/:-`]
    const fits = typeof engine === 'string' || (typeof engine === 'object' && engine !== null)
    return fits ? [] : [`models["${id}"] is ${show(engine)}, expected an engine, or the name of one`]
  })
}

function isOrigin(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false
  const { protocol, pathname, search, hash, username } = new URL(value)
  const bare = pathname === '/' && search === '' && hash === '' && username === ''
  return bare && (protocol === 'https:' || protocol === 'http:')
}
