import { flag, integer, oneOf, type Rule, show, text, textList, unknownName } from '../check.ts'
import { UpscaleError } from '../errors.ts'
import { isLoopback } from './address.ts'
import { MODELS, type ModelFacts, PROVIDERS } from './models.ts'
import { numberBetween, optionProblems, type ParamValue } from './params.ts'

/** Every option may be left out. Those of the model can also be set for one image in a directive (`detail=60`). */
export interface LumenfallOptions {
  /**
   * A model of Lumenfall's catalogue, or one pinned to a provider: `fal/ideogram-upscale`.
   * @default 'ideogram-upscale'
   */
  readonly model?: string
  /** Read when an image is ordered. Better kept in the environment. @default LUMENFALL_API_KEY */
  readonly apiKey?: string
  /**
   * The API's address, version part included; https unless it is on this machine.
   * @default LUMENFALL_BASE_URL, else 'https://api.lumenfall.ai/openai/v1'
   */
  readonly baseURL?: string
  /** The file type that is asked for; png loses nothing. What is shipped is decided elsewhere. @default 'png' */
  readonly outputFormat?: 'png' | 'jpeg' | 'gif' | 'webp' | 'avif'
  /** Compression level from 0 to 100, with jpeg, webp and avif only. @default the service's own */
  readonly outputCompression?: number
  /** Pictures to order, 1 to 10. Each is paid for and only the first is used. @default 1 */
  readonly n?: number
  /** How much detail to add, 1 to 100. Ideogram. @default the model's own, 50 */
  readonly detail?: number
  /** How close to stay to the original, 1 to 100; 0 to 3 for clarity-upscaler. @default the model's own, 50 */
  readonly resemblance?: number
  /** 0 to 1, clarity-upscaler only. @default the model's own */
  readonly creativity?: number
  /** Describes the picture, 1 to 1000 characters; steers the result. Ideogram. */
  readonly prompt?: string
  /** Lets the model rewrite the prompt; needs one. Ideogram. @default false */
  readonly expandPrompt?: boolean
  /** 0 to 2147483647. Ideogram. @default random */
  readonly seed?: number
  /** Passed on to the provider. No reason to set it is known. @default false */
  readonly syncMode?: boolean
  /** How the result travels: in the answer, or as an address that is fetched at once. @default 'b64_json' */
  readonly responseFormat?: 'b64_json' | 'url'
  /** Hosts from which a result may be fetched, besides the API's own. @default ['media.lumenfall.ai'] */
  readonly mediaHosts?: readonly string[]
  /**
   * How long an order may take from its first byte to its answer, repeats included; a download of the result gets
   * the same again. 1 to 3600000 milliseconds. @default 300000
   */
  readonly timeoutMs?: number
  /**
   * The most that one call can cost, in US dollars; the budget holds it before each call. Needed for models that are
   * not paid by the image. @default the catalogue's price times `n`
   */
  readonly price?: number
}

/** What the engine relies on: complete, checked. Holds the key, so it stays inside the engine. */
export interface ResolvedLumenfall {
  /** As it is sent, with the provider where one was named. */
  readonly model: string
  readonly facts: ModelFacts
  /** Fields that decide about the picture, by their name on the wire; a directive's keys win over them. */
  readonly params: Readonly<Record<string, ParamValue>>
  /** Fields that decide only how it is delivered. */
  readonly delivery: Readonly<Record<string, ParamValue>>
  readonly apiKey: string | undefined
  readonly base: URL | undefined
  readonly mediaHosts: readonly string[]
  readonly timeoutMs: number
  readonly priceMicros: number
}

export const KEY_VARIABLE = 'LUMENFALL_API_KEY'
const BASE_VARIABLE = 'LUMENFALL_BASE_URL'
const DEFAULT_BASE_URL = 'https://api.lumenfall.ai/openai/v1'

const DEFAULTS = {
  model: 'ideogram-upscale',
  outputFormat: 'png',
  responseFormat: 'b64_json',
  mediaHosts: ['media.lumenfall.ai'],
  timeoutMs: 300_000,
} as const

/** As the URL parser writes them: lower case, a port only where it is not 443. */
const hostList: Rule<readonly string[]> = {
  expected: 'a list of hosts such as "media.lumenfall.ai"',
  accepts: (value): value is readonly string[] =>
    textList.accepts(value) && value.every(host => /^(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::\d+)?$/.test(host)),
}

/** Options of the engine and of the gateway; those of the model are in its table, the key has a check of its own. */
const RULES = {
  model: text(200),
  baseURL: text(2000),
  outputFormat: oneOf(['png', 'jpeg', 'gif', 'webp', 'avif']),
  outputCompression: integer(0, 100),
  n: integer(1, 10),
  syncMode: flag,
  responseFormat: oneOf(['b64_json', 'url']),
  mediaHosts: hostList,
  timeoutMs: integer(1, 3_600_000),
  price: numberBetween(0, 1000),
} satisfies Partial<Record<keyof LumenfallOptions, Rule<unknown>>>

/** @throws UpscaleError BAD_OPTION listing every wrong option */
export function resolveLumenfall(options: LumenfallOptions): ResolvedLumenfall {
  const model = options.model ?? DEFAULTS.model
  const facts = findModel(model)
  const own = ownParams(options, facts)
  refuseProblems(options, facts, own)
  const n = options.n ?? 1
  return {
    model,
    facts,
    params: {
      ...own,
      output_format: options.outputFormat ?? DEFAULTS.outputFormat,
      ...(options.outputCompression === undefined ? {} : { output_compression: options.outputCompression }),
    },
    delivery: {
      response_format: options.responseFormat ?? DEFAULTS.responseFormat,
      ...(options.n === undefined ? {} : { n }),
      ...(options.syncMode === undefined ? {} : { sync_mode: options.syncMode }),
    },
    apiKey: options.apiKey,
    base: options.baseURL === undefined ? undefined : parseBase(options.baseURL, 'baseURL'),
    mediaHosts: options.mediaHosts ?? DEFAULTS.mediaHosts,
    timeoutMs: options.timeoutMs ?? DEFAULTS.timeoutMs,
    priceMicros: options.price === undefined ? (facts.priceMicros ?? 0) * n : Math.round(options.price * 1e6),
  }
}

/**
 * The key of a call.
 * @throws UpscaleError KEY_MISSING where there is none, or one that can't be sent
 */
export function resolveKey(
  apiKey: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const key = apiKey ?? env[KEY_VARIABLE]?.trim()
  if (key !== undefined && key !== '' && isSendable(key)) return key
  const problem = key
    ? `the API key in ${KEY_VARIABLE} has characters that no key has`
    : 'there is no API key for Lumenfall'
  throw new UpscaleError('KEY_MISSING', problem, {
    hint: `put ${KEY_VARIABLE}=… into the environment or into .env.local, which must not be committed`,
  })
}

/** @throws UpscaleError BAD_OPTION for an address that can't be used */
export function resolveBase(base: URL | undefined, env: Readonly<Record<string, string | undefined>>): URL {
  if (base !== undefined) return base
  const fromEnv = env[BASE_VARIABLE]?.trim()
  return fromEnv === undefined || fromEnv === ''
    ? new URL(DEFAULT_BASE_URL)
    : parseBase(fromEnv, BASE_VARIABLE)
}

function findModel(model: unknown): ModelFacts {
  const known = MODELS.map(({ slug }) => slug)
  const [slug, provider, ...more] = typeof model === 'string' ? model.split('/').reverse() : []
  const facts = more.length > 0 ? undefined : MODELS.find(candidate => candidate.slug === slug)
  if (facts !== undefined && (provider === undefined || PROVIDERS.includes(provider))) return facts
  const problem =
    facts !== undefined && provider !== undefined
      ? unknownName('provider', provider, PROVIDERS)
      : unknownName('model', typeof model === 'string' ? model : show(model), known)
  const native = typeof model === 'string' && model.startsWith('fal-ai/')
  const why = native ? `${problem}; names of fal itself are not accepted here` : problem
  throw new UpscaleError('BAD_OPTION', `lumenfall(): ${why}`, {
    hint: `use one of ${known.join(', ')}, or pin a provider as in "fal/ideogram-upscale"`,
  })
}

/** The model's parameters among the options, by their name on the wire. */
function ownParams(options: LumenfallOptions, facts: ModelFacts): Record<string, ParamValue> {
  const params: Record<string, ParamValue> = {}
  for (const [name, { rule }] of Object.entries(facts.params)) {
    const value: unknown = Reflect.get(options, camelCase(name))
    if (rule.accepts(value)) params[name] = value
  }
  return params
}

function refuseProblems(options: LumenfallOptions, facts: ModelFacts, own: Record<string, ParamValue>): void {
  // Without the key: messages about options quote them.
  const { apiKey, ...shown } = options
  const ofModel = Object.entries(facts.params).map(([name, { rule }]) => [camelCase(name), rule] as const)
  const rules = { ...RULES, ...Object.fromEntries(ofModel) }
  const problems = optionProblems(shown, rules)
  if (apiKey !== undefined && !isSendable(apiKey)) problems.push('apiKey is no text that could be a key')
  if (own.expand_prompt === true && own.prompt === undefined) problems.push('expandPrompt without a prompt')
  if (shown.outputCompression !== undefined && !isLossy(shown.outputFormat)) {
    problems.push('outputCompression without outputFormat jpeg, webp or avif')
  }
  if (facts.priceMicros === undefined && shown.price === undefined) {
    problems.push(
      `${facts.slug} has no fixed price an image; say the most a call may cost with "price", in US dollars`,
    )
  }
  if (problems.length === 0) return
  throw new UpscaleError('BAD_OPTION', `lumenfall(): ${problems.join('; ')}`, {
    hint: `options for ${facts.slug} are ${[...Object.keys(rules), 'apiKey'].join(', ')}`,
  })
}

function parseBase(address: string, name: string): URL {
  const problem = baseProblem(address)
  if (problem === undefined) return new URL(address)
  throw new UpscaleError('BAD_OPTION', `${name} ${problem}`, {
    hint: `write it like ${DEFAULT_BASE_URL}; plain http is for this machine only`,
  })
}

/** Doesn't quote the address, which may hold credentials. */
function baseProblem(address: string): string | undefined {
  if (!URL.canParse(address)) return 'is no address'
  const url = new URL(address)
  if (url.username !== '' || url.password !== '') return 'must not carry credentials'
  if (url.search !== '' || url.hash !== '') return 'must not have a query or a fragment'
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url))) return undefined
  return `must start with https:, found ${url.protocol}`
}

function isLossy(format: unknown): boolean {
  return format === 'jpeg' || format === 'webp' || format === 'avif'
}

/** Printable ASCII without blanks: what a header takes. */
function isSendable(key: unknown): boolean {
  return typeof key === 'string' && /^[\x21-\x7e]{1,500}$/.test(key)
}

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
