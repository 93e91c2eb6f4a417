import { UpscaleError } from '../../errors.ts'
import { flag, integer, oneOf, type Rule, show, text, unknownName } from '../../validate.ts'
import { DEFAULT_TIMEOUT_MS } from '../http/time-limits.ts'
import { combinationProblems, optionRules, paramsAmong } from '../model-params.ts'
import type { Connection } from '../openai/spec.ts'
import { optionProblems, type ParamValue } from '../params.ts'
import {
  type Env,
  hideKey,
  keyProblems,
  microsOf,
  parseBase,
  refuseProblems,
  resolveKey,
  SERVICE_RULES,
} from '../service-options.ts'
import { MODELS, type ModelFacts, PROVIDERS } from './models-and-prices.ts'
import { REPLAY_RULES, type Replay, type ReplayOptions, replayProblems, resolveReplay } from './replay.ts'

/** Every option may be left out. Those of the model can also be set for one image in a directive (`detail=60`). */
export interface LumenfallOptions extends ReplayOptions {
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
   * not paid by the image, but for `fal/seedvr-image-upscale` and `fal/clarity-upscaler`, whose price for a megapixel is
   * known. @default the catalogue's price times `n`
   */
  readonly price?: number
}

/** What the engine relies on: complete, checked. Holds the key, so it stays inside the engine. */
export interface ResolvedLumenfall extends LumenfallAccess {
  /** As it is sent, with the provider where one was named. */
  readonly model: string
  readonly facts: ModelFacts
  /** Fields that decide about the picture, by their name on the wire; a directive's keys win over them. */
  readonly params: Readonly<Record<string, ParamValue>>
  /** Fields that decide only how it is delivered. */
  readonly delivery: Readonly<Record<string, ParamValue>>
  readonly mediaHosts: readonly string[]
  readonly timeoutMs: number
  readonly priceMicros: number
  readonly pricedBy: 'picture' | 'megapixel'
  readonly replay: Replay | undefined
}

/** What was said about address and key; the rest is in the environment. */
export interface LumenfallAccess {
  readonly apiKey: string | undefined
  readonly base: URL | undefined
}

const KEY_VARIABLE = 'LUMENFALL_API_KEY'
const BASE_VARIABLE = 'LUMENFALL_BASE_URL'
const DEFAULT_BASE_URL = 'https://api.lumenfall.ai/openai/v1'

const DEFAULTS = {
  model: 'ideogram-upscale',
  outputFormat: 'png',
  responseFormat: 'b64_json',
  mediaHosts: ['media.lumenfall.ai'],
} as const

/** Options of the engine and of the gateway; those of the model are in its table. */
const RULES = {
  ...SERVICE_RULES,
  ...REPLAY_RULES,
  model: text(200),
  outputFormat: oneOf(['png', 'jpeg', 'gif', 'webp', 'avif']),
  outputCompression: integer(0, 100),
  n: integer(1, 10),
  syncMode: flag,
  responseFormat: oneOf(['b64_json', 'url']),
} satisfies Partial<Record<keyof LumenfallOptions, Rule<unknown>>>

/** @throws UpscaleError BAD_OPTION listing every wrong option */
export function resolveLumenfall(options: LumenfallOptions): ResolvedLumenfall {
  const model = options.model ?? DEFAULTS.model
  const facts = findModel(model)
  const own = paramsAmong(options, facts.params)
  checkOptions(options, facts, own)
  const n = options.n ?? 1
  return {
    ...resolveAccess(options),
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
    mediaHosts: options.mediaHosts ?? DEFAULTS.mediaHosts,
    timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    ...priceFor(options, facts),
    replay: resolveReplay(options),
  }
}

/** What is paid for what: as the options say, else as the catalogue does. Of several pictures each is paid for. */
function priceFor(
  { price, model, n = 1 }: LumenfallOptions,
  facts: ModelFacts,
): Pick<ResolvedLumenfall, 'priceMicros' | 'pricedBy'> {
  if (price !== undefined) return { priceMicros: microsOf(price), pricedBy: 'picture' }
  if (facts.priceMicros !== undefined) return { priceMicros: facts.priceMicros * n, pricedBy: 'picture' }
  return { priceMicros: (megapixelPrice(model, facts) ?? 0) * n, pricedBy: 'megapixel' }
}

function megapixelPrice(model: unknown, { megapixelMicros = {} }: ModelFacts): number | undefined {
  const [provider = ''] = typeof model === 'string' ? model.split('/') : []
  return Object.hasOwn(megapixelMicros, provider) ? megapixelMicros[provider] : undefined
}

/** @throws UpscaleError BAD_OPTION for an address that can't be used */
export function resolveAccess({
  apiKey,
  baseURL,
}: Pick<LumenfallOptions, 'apiKey' | 'baseURL'>): LumenfallAccess {
  const base = baseURL === undefined ? undefined : parseBase(baseURL, 'baseURL', DEFAULT_BASE_URL)
  return { apiKey, base }
}

/**
 * Address and key of a call.
 * @throws UpscaleError KEY_MISSING; BAD_OPTION for an address in the environment that can't be used
 */
export function connectLumenfall(access: LumenfallAccess, env: Env): Connection & { apiKey: string } {
  const apiKey = resolveKey(access.apiKey, KEY_VARIABLE, 'Lumenfall', env)
  const written = env[BASE_VARIABLE]?.trim() || DEFAULT_BASE_URL
  return {
    base: access.base ?? parseBase(written, BASE_VARIABLE, DEFAULT_BASE_URL),
    apiKey,
    service: { name: 'Lumenfall', keyName: KEY_VARIABLE, secrets: [apiKey] },
  }
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

function checkOptions(options: LumenfallOptions, facts: ModelFacts, own: Record<string, ParamValue>): void {
  const shown = hideKey(options)
  const rules = { ...RULES, ...optionRules(facts.params) }
  const problems = [
    ...optionProblems(shown, rules),
    ...keyProblems(options.apiKey),
    ...combinationProblems(own),
    ...replayProblems(shown),
  ]
  if (shown.outputCompression !== undefined && !isLossy(shown.outputFormat)) {
    problems.push('outputCompression without outputFormat jpeg, webp or avif')
  }
  const isPriced = facts.priceMicros !== undefined || megapixelPrice(shown.model, facts) !== undefined
  if (!isPriced && shown.price === undefined) {
    const pinned = Object.keys(facts.megapixelMicros ?? {}).map(
      name => `, or pin it: "${name}/${facts.slug}"`,
    )
    problems.push(
      `${facts.slug} has no fixed price an image; say the most a call may cost with "price", in US dollars${pinned.join('')}`,
    )
  }
  refuseProblems('lumenfall()', problems, Object.keys(rules))
}

function isLossy(format: unknown): boolean {
  return format === 'jpeg' || format === 'webp' || format === 'avif'
}
