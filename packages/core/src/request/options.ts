import { isAbsolute, resolve } from 'node:path'
import type { Engine } from '../engines/engine.ts'
import { resize } from '../engines/resize.ts'
import { UpscaleError } from '../errors.ts'
import { type RemoteCache, type RemoteSettings, readRemoteCache } from '../remote/settings.ts'
import { FORMATS, type Format } from '../source/format.ts'
import {
  amount,
  flag,
  integer,
  numberAbove,
  oneOf,
  type Rule,
  record,
  show,
  text,
  textList,
  unknownName,
} from '../validate.ts'
import { loadEnv, refuseExposedKeys } from './env.ts'
import { scratchFolder } from './host-cache-folder.ts'

/** What to ship when an engine fails: nothing, the picture as it is, or a plainly resampled one. */
export const ERROR_POLICIES = ['error', 'original', 'resize'] as const
export type ErrorPolicy = (typeof ERROR_POLICIES)[number]

/** A named set of directive values: `?upscale=hero` stands for all of them. */
export interface Preset {
  /** Target size over source size. @default the option `factor` */
  readonly factor?: number
  /** Name of an engine. @default the option `engine` */
  readonly engine?: string
  /** File format of the result. @default the option `format` */
  readonly format?: Format
  /** 1 to 100, lossy formats only. */
  readonly quality?: number
  /** Keys of the engine as in a directive: `{ detail: '60' }`. */
  readonly params?: Readonly<Record<string, string>>
  /** What to ship when the engine fails. @default the option `onError` */
  readonly onError?: ErrorPolicy
}

/** What a user may write. Every field may be left out. */
export interface UpscalerOptions {
  /** The project's folder; only files in it are read. @default the host's root, else the working folder */
  root?: string
  /** The engine of references that name none: a name, or an engine itself. @default 'local' */
  engine?: string | Engine
  /** Engines of your own by name, used where `engine=<name>` asks for them. `resize` is always there. */
  engines?: Readonly<Record<string, Engine>>
  /** The factor of a bare `?upscale`; above 1, 8 at most. @default 2 */
  factor?: number
  /**
   * File format of results that name none: `'webp'` ships most pictures at a quarter of their PNG, and fewer bytes than
   * their JPEG. `format=png` in a reference keeps one of them lossless. @default the source's own
   */
  format?: Format
  /** Named sets of directive values. */
  presets?: Readonly<Record<string, Preset>>
  /**
   * Where paid answers are kept; meant to be committed. Relative to `root`.
   * @default UPSCALE_CACHE_DIR, else '.upscale'
   */
  cacheDir?: string
  /**
   * A store that several machines share, asked for what is missing here: an address, or a driver of unstorage with its
   * options. False turns off what the environment names.
   * @default UPSCALE_REMOTE_CACHE, else none
   */
  remoteCache?: RemoteCache
  /** Engine calls at a time, 1 to 64. @default 4 */
  concurrency?: number
  /** US dollars a run may spend on paid engines; 0 forbids them. @default UPSCALE_BUDGET, else 1 */
  budget?: number
  /** Paid engines are not called; a picture that is not cached is an error. @default UPSCALE_FROZEN, else true where CI is set */
  frozen?: boolean
  /**
   * Calls again for pictures whose last call was refused for good or ended in doubt, once for each; a second charge is
   * possible.
   * @default UPSCALE_RETRY, else false
   */
  retry?: boolean
  /**
   * What to do when an engine fails, is over budget or frozen: stop, or ship the picture as it is or plainly
   * resampled, with a notice. A stand-in is never kept as if it were the engine's answer. A broken or missing source
   * is always an error.
   * @default 'error'
   */
  onError?: ErrorPolicy
  /** The largest picture to make, in pixels. @default 67108864 (8192 × 8192) */
  maxPixels?: number
  /** Folders or files, relative to `root`, that may be read although they lie outside it or in node_modules. */
  include?: readonly string[]
  /** Folders or files, relative to `root`, that are never read. */
  exclude?: readonly string[]
}

/** What the code relies on: complete, checked, absolute, frozen. */
export interface ResolvedOptions {
  readonly root: string
  readonly engine: string
  readonly engines: ReadonlyMap<string, Engine>
  readonly factor: number
  readonly format: Format | undefined
  readonly presets: ReadonlyMap<string, Preset>
  /** Durable root, absolute. */
  readonly cacheDir: string
  /** Scratch root, absolute; everything in it can be made again without paying. */
  readonly scratchDir: string
  /** What to do so that the scratch root is there in the next build, on a host that keeps nothing by itself. */
  readonly scratchAdvice: string | undefined
  readonly remoteCache: RemoteSettings | undefined
  readonly concurrency: number
  readonly budgetMicros: number
  readonly frozen: boolean
  readonly retry: boolean
  readonly onError: ErrorPolicy
  readonly maxPixels: number
  readonly include: readonly string[]
  readonly exclude: readonly string[]
}

/** What the host knows and the user need not say. */
export interface HostFacts {
  /** The host's project folder. */
  readonly root: string
  /** Environment variables, `.env` files included; see loadEnv. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Engines that come with the host package, such as `local`. */
  readonly engines?: Readonly<Record<string, Engine>>
}

/**
 * What a host left out: its folder is the working folder, its environment that of the process with the project's
 * `.env` files, which are read only then.
 */
export function completeFacts(options: UpscalerOptions, host: Partial<HostFacts>): HostFacts {
  const root = host.root ?? process.cwd()
  const project = resolve(root, typeof options.root === 'string' ? options.root : '.')
  const env = host.env ?? loadEnv(project)
  return { ...host, root, env }
}

export const FACTOR: Rule<number> = numberAbove(1, 8)

const DEFAULTS = {
  engine: 'local',
  factor: 2,
  concurrency: 4,
  budget: 1,
  maxPixels: 8192 * 8192,
  cacheDir: '.upscale',
}

/** What is in it is checked by itself, since it may hold a password that no message may show. */
const REMOTE: Rule<RemoteCache> = {
  expected: 'an address such as redis://, an object with a driver, or false',
  accepts: (value): value is RemoteCache =>
    value === false || typeof value === 'string' || record.accepts(value),
}

const RULES: { readonly [Name in Exclude<keyof UpscalerOptions, 'engine'>]-?: Rule<unknown> } = {
  root: text(4096),
  engines: record,
  factor: FACTOR,
  format: oneOf(FORMATS),
  presets: record,
  cacheDir: text(4096),
  remoteCache: REMOTE,
  concurrency: integer(1, 64),
  budget: amount(),
  frozen: flag,
  retry: flag,
  onError: oneOf(ERROR_POLICIES),
  maxPixels: integer(1, 2 ** 30),
  include: textList,
  exclude: textList,
}

const PRESET_RULES: { readonly [Name in keyof Preset]-?: Rule<unknown> } = {
  factor: FACTOR,
  engine: text(64),
  format: oneOf(FORMATS),
  quality: integer(1, 100),
  params: record,
  onError: oneOf(ERROR_POLICIES),
}

/** Names of every option, as a user writes them. */
export const OPTION_NAMES: readonly string[] = ['engine', ...Object.keys(RULES)]

/**
 * Checks what the user wrote and fills in the defaults. Happens once, where the options enter.
 * @param onNotice - told when the default engine is not installed
 * @throws UpscaleError BAD_OPTION listing every wrong key; UNKNOWN_ENGINE; KEY_EXPOSED for a key under a public prefix
 */
export function resolveOptions(
  options: UpscalerOptions,
  host: HostFacts,
  onNotice: (text: string) => void = () => {},
): ResolvedOptions {
  refuseExposedKeys(host.env)
  const root = resolve(host.root, typeof options.root === 'string' ? options.root : '.')
  const problems = findProblems(options)
  const remote = problems.length > 0 ? undefined : remoteOf(options, root, host.env)
  if (typeof remote === 'string') problems.push(remote)
  if (problems.length > 0 || typeof remote === 'string') {
    throw new UpscaleError('BAD_OPTION', problems.join('; '), {
      hint: `known options are ${OPTION_NAMES.join(', ')}`,
    })
  }
  const { env } = host
  const scratch = scratchFolder(root, env)
  const engines = new Map<string, Engine>(Object.entries({ resize, ...host.engines, ...options.engines }))
  const engine = pickEngine(options.engine ?? defaultEngine(engines, onNotice), engines)
  return Object.freeze({
    root,
    engine,
    engines,
    factor: options.factor ?? DEFAULTS.factor,
    format: options.format,
    presets: new Map(Object.entries(options.presets ?? {})),
    cacheDir: absolute(root, options.cacheDir ?? nonEmpty(env.UPSCALE_CACHE_DIR) ?? DEFAULTS.cacheDir),
    scratchDir: scratch.folder,
    scratchAdvice: scratch.advice,
    remoteCache: remote,
    concurrency: options.concurrency ?? DEFAULTS.concurrency,
    budgetMicros: Math.round((options.budget ?? readBudget(env.UPSCALE_BUDGET) ?? DEFAULTS.budget) * 1e6),
    frozen: options.frozen ?? readFlag('UPSCALE_FROZEN', env.UPSCALE_FROZEN) ?? isSet(env.CI),
    retry: options.retry ?? readFlag('UPSCALE_RETRY', env.UPSCALE_RETRY) ?? false,
    onError: options.onError ?? 'error',
    maxPixels: options.maxPixels ?? DEFAULTS.maxPixels,
    include: (options.include ?? []).map(path => absolute(root, path)),
    exclude: (options.exclude ?? []).map(path => absolute(root, path)),
  })
}

function remoteOf(
  { remoteCache }: UpscalerOptions,
  root: string,
  env: HostFacts['env'],
): RemoteSettings | string | undefined {
  const name = 'UPSCALE_REMOTE_CACHE_READONLY'
  return readRemoteCache(remoteCache, { root, env, readOnly: readFlag(name, env[name]) })
}

function findProblems(options: UpscalerOptions): string[] {
  const problems = misfits('option', options, { ...RULES, engine: ENGINE })
  const presets: unknown = options.presets
  if (record.accepts(presets)) {
    for (const [name, preset] of Object.entries(presets)) {
      if (/^[\d.;+-]/.test(name) || name === '')
        problems.push(`preset ${show(name)} must not look like a number`)
      if (record.accepts(preset)) problems.push(...misfits(`key of preset "${name}"`, preset, PRESET_RULES))
      else problems.push(`preset "${name}" is ${show(preset)}, expected an object`)
    }
  }
  const engines: unknown = options.engines
  if (record.accepts(engines)) {
    for (const [name, engine] of Object.entries(engines)) {
      if (!isEngine(engine))
        problems.push(`engines.${name} is ${show(engine)}, expected an engine such as lumenfall()`)
    }
  }
  return problems
}

function misfits(kind: string, values: object, rules: Readonly<Record<string, Rule<unknown>>>): string[] {
  return Object.entries(values).flatMap(([name, value]) => {
    if (value === undefined) return []
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined
    if (rule === undefined) return [unknownName(kind, name, Object.keys(rules))]
    return rule.accepts(value) ? [] : [`${name} is ${show(value)}, expected ${rule.expected}`]
  })
}

const ENGINE: Rule<string | Engine> = {
  expected: 'the name of an engine, or an engine such as lumenfall()',
  accepts: (value): value is string | Engine =>
    (typeof value === 'string' && value !== '') || isEngine(value),
}

function isEngine(value: unknown): value is Engine {
  return (
    record.accepts(value) &&
    (value.exchange === 'pixels' || value.exchange === 'file') &&
    typeof value.id === 'string' &&
    typeof value.upscale === 'function'
  )
}

function defaultEngine(engines: ReadonlyMap<string, Engine>, onNotice: (text: string) => void): string {
  if (engines.has(DEFAULTS.engine)) return DEFAULTS.engine
  onNotice(
    'the engine "local" is not here, so pictures are only resampled: install upscale-local and pass local()',
  )
  return 'resize'
}

function pickEngine(wanted: string | Engine, engines: Map<string, Engine>): string {
  if (typeof wanted !== 'string') {
    const taken = engines.get(wanted.id)
    if (taken !== undefined && taken !== wanted) {
      throw new UpscaleError(
        'BAD_OPTION',
        `the engine given and another one are both called "${wanted.id}"`,
        {
          hint: 'give it a name of its own: engines: { hero: … } and engine: "hero"',
        },
      )
    }
    engines.set(wanted.id, wanted)
    return wanted.id
  }
  if (engines.has(wanted)) return wanted
  const known = [...engines.keys()]
  throw new UpscaleError('UNKNOWN_ENGINE', unknownName('engine', wanted, known), {
    hint: `use one of ${known.join(', ')}, or add it to the option "engines"`,
  })
}

function absolute(root: string, path: string): string {
  return isAbsolute(path) ? path : resolve(root, path)
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === '' ? undefined : value
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== '0' && value !== 'false'
}

function readFlag(name: string, value: string | undefined): boolean | undefined {
  if (value === undefined || value === '') return undefined
  if (['1', 'true'].includes(value)) return true
  if (['0', 'false'].includes(value)) return false
  throw new UpscaleError('BAD_OPTION', `${name} is ${show(value)}`, { hint: 'set it to 1 or 0' })
}

function readBudget(value: string | undefined): number | undefined {
  if (value === undefined || value.trim() === '') return undefined
  const dollars = Number(value)
  if (amount().accepts(dollars)) return dollars
  throw new UpscaleError('BAD_OPTION', `UPSCALE_BUDGET is ${show(value)}`, {
    hint: 'set it to US dollars, such as 2.50',
  })
}
