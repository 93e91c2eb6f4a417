import { type Rule, text } from '../../validate.ts'
import type { EngineParams } from '../engine.ts'
import { DEFAULT_TIMEOUT_MS } from '../http/time-limits.ts'
import { optionRules, paramsAmong } from '../model-params.ts'
import type { Connection } from '../openai/spec.ts'
import { numberBetween, optionProblems } from '../params.ts'
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
import { findIdeogramModel, type IdeogramModel } from './models-and-prices.ts'

/** Every option may be left out, but for `pricePerMegapixel` of a model whose price is not known. */
export interface IdeogramOptions {
  /**
   * The upscaler. `topaz-text-refine` and `topaz-standard-2` stay true to the source; `topaz-wonder-3-5`,
   * `topaz-wonder-4`, `topaz-bloom-2` and `topaz-redefine` add detail or reinterpret it.
   * @default 'topaz-text-refine'
   */
  readonly model?: string
  /** Read when an image is ordered. Better kept in the environment. @default IDEOGRAM_API_KEY */
  readonly apiKey?: string
  /** The API's address, without a version; https unless it is on this machine. @default 'https://api.ideogram.ai' */
  readonly baseURL?: string
  /** How strongly detail is rebuilt: `low`, `medium` or `high`. topaz-wonder-3-5. @default the model's own */
  readonly enhancementStrength?: 'low' | 'medium' | 'high'
  /** Describes the picture, 1 to 1000 characters; steers the result. topaz-bloom-2 and topaz-redefine. */
  readonly prompt?: string
  /** Hosts from which a result may be fetched, besides the API's own. @default ['ideogram.ai', '*.ideogram.ai'] */
  readonly mediaHosts?: readonly string[]
  /**
   * How long each step may take, repeats included: the order, the wait for its job, and the download of the result.
   * 1 to 3600000 milliseconds. @default 300000
   */
  readonly timeoutMs?: number
  /**
   * The most that a megapixel of the result can cost, in US dollars; the budget holds the price of each picture before
   * its call, or what the service's own dry run says where that is more. @default what is known of the model's price
   */
  readonly pricePerMegapixel?: number
}

/** What the engine relies on: complete, checked. Holds the key, so it stays inside the engine. */
export interface ResolvedIdeogram {
  readonly model: IdeogramModel
  readonly params: EngineParams
  readonly apiKey: string | undefined
  readonly base: URL
  readonly mediaHosts: readonly string[]
  readonly timeoutMs: number
  /** Of a megapixel. */
  readonly priceMicros: number
}

const KEY_VARIABLE = 'IDEOGRAM_API_KEY'

const DEFAULTS = {
  model: 'topaz-text-refine',
  baseURL: 'https://api.ideogram.ai',
  /** Results of the present API lie below https://ideogram.ai/api/images/. */
  mediaHosts: ['ideogram.ai', '*.ideogram.ai'],
} as const

const RULES = {
  model: text(200),
  apiKey: SERVICE_RULES.apiKey,
  baseURL: SERVICE_RULES.baseURL,
  mediaHosts: SERVICE_RULES.mediaHosts,
  timeoutMs: SERVICE_RULES.timeoutMs,
  pricePerMegapixel: numberBetween(0, 1000),
} satisfies Partial<Record<keyof IdeogramOptions, Rule<unknown>>>

/** @throws UpscaleError BAD_OPTION listing every wrong option */
export function resolveIdeogram(options: IdeogramOptions): ResolvedIdeogram {
  const model = findIdeogramModel(options.model ?? DEFAULTS.model)
  const shown = hideKey(options)
  const rules = { ...RULES, ...optionRules(model.params) }
  const problems = [...optionProblems(shown, rules), ...keyProblems(options.apiKey)]
  const priceMicros =
    shown.pricePerMegapixel === undefined ? model.priceMicros : microsOf(shown.pricePerMegapixel)
  if (priceMicros === undefined) {
    problems.push(
      `the price of ${model.name} is not known; say the most a megapixel may cost with "pricePerMegapixel", in US dollars`,
    )
  }
  refuseProblems('ideogram()', problems, Object.keys(rules))
  return {
    model,
    params: paramsAmong(options, model.params),
    apiKey: options.apiKey,
    base: parseBase(options.baseURL ?? DEFAULTS.baseURL, 'ideogram(): baseURL', DEFAULTS.baseURL),
    mediaHosts: options.mediaHosts ?? DEFAULTS.mediaHosts,
    timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    priceMicros: priceMicros ?? 0,
  }
}

/** Address and key of a call. @throws UpscaleError KEY_MISSING */
export function connectIdeogram(
  { apiKey, base }: ResolvedIdeogram,
  env: Env,
): Connection & { readonly apiKey: string } {
  const key = resolveKey(apiKey, KEY_VARIABLE, 'Ideogram', env)
  return { base, apiKey: key, service: { name: 'Ideogram', keyName: KEY_VARIABLE, secrets: [key] } }
}
