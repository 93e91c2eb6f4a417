import { flag, integer, type Rule } from '../../validate.ts'
import type { EngineParams } from '../engine.ts'
import { DEFAULT_TIMEOUT_MS } from '../http/time-limits.ts'
import { combinationProblems, IDEOGRAM_PARAMS, optionRules, paramsAmong } from '../model-params.ts'
import type { Connection } from '../openai/spec.ts'
import { optionProblems } from '../params.ts'
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

/** Every option may be left out. Those of the model can also be set for one image in a directive (`detail=60`). */
export interface FalOptions {
  /** Read when an image is ordered. Better kept in the environment. @default FAL_KEY */
  readonly apiKey?: string
  /** The queue's address; https unless it is on this machine. @default 'https://queue.fal.run' */
  readonly baseURL?: string
  /** The address that prepares uploads of large images; https unless it is on this machine. @default 'https://rest.fal.ai' */
  readonly uploadURL?: string
  /** How much detail to add, 1 to 100. @default the model's own, 50 */
  readonly detail?: number
  /** How close to stay to the original, 1 to 100. @default the model's own, 50 */
  readonly resemblance?: number
  /** Describes the picture, 1 to 1000 characters; steers the result. */
  readonly prompt?: string
  /** Lets the model rewrite the prompt; needs one. @default false */
  readonly expandPrompt?: boolean
  /** 0 to 2147483647. @default random */
  readonly seed?: number
  /**
   * Up to this many bytes an image travels in the order itself; a larger one is uploaded first, to an address that
   * anyone who knows it can read. 0 to 16777216. @default 4194304
   */
  readonly maxInlineBytes?: number
  /**
   * How long fal keeps the result, and an image that was uploaded, in seconds, 3600 to 31536000. Until they are gone,
   * anyone who knows an address can read what is there, and a build that was interrupted can still fetch the result.
   * @default fal's own
   */
  readonly keepSeconds?: number
  /**
   * False: fal is told to store neither order nor answer of a job (`X-Fal-Store-IO: 0`). A build that is interrupted
   * may then find its job without a result, and what that cost is lost. @default true
   */
  readonly storeIo?: boolean
  /** Hosts to which an image may be uploaded, and from which a result may be fetched. @default ['fal.media', '*.fal.media'] */
  readonly mediaHosts?: readonly string[]
  /**
   * How long each step may take, repeats included: the upload of a large image, the order, the wait for its job (in
   * fal's queue and at work), and the download of the result. 1 to 3600000 milliseconds. @default 300000
   */
  readonly timeoutMs?: number
  /** The most that one call can cost, in US dollars; the budget holds it before each call. @default 0.06 */
  readonly price?: number
}

/** What the engine relies on: complete, checked. Holds the key, so it stays inside the engine. */
export interface ResolvedFal {
  readonly params: EngineParams
  readonly apiKey: string | undefined
  readonly base: URL
  readonly uploadBase: URL
  readonly maxInlineBytes: number
  readonly keepSeconds: number | undefined
  readonly storeIo: boolean
  readonly mediaHosts: readonly string[]
  readonly timeoutMs: number
  readonly priceMicros: number
}

const KEY_VARIABLE = 'FAL_KEY'

const DEFAULTS = {
  baseURL: 'https://queue.fal.run',
  uploadURL: 'https://rest.fal.ai',
  /**
   * fal documents that its models take data URIs, and no limit (docs.fal.ai, "fal CDN"). Base64 makes 5.6 MB of this,
   * about what a photograph of 2 megapixels is as PNG.
   */
  maxInlineBytes: 4 * 1024 * 1024,
  /** "fal CDN" shows v3.fal.media and v3b.fal.media, and names fal.media as the fallback. */
  mediaHosts: ['fal.media', '*.fal.media'],
  /** fal.ai/models/fal-ai/ideogram/upscale: $0.06 an image. */
  price: 0.06,
} as const

const RULES: Readonly<Record<keyof FalOptions, Rule<unknown>>> = {
  ...SERVICE_RULES,
  ...(optionRules(IDEOGRAM_PARAMS) as Record<
    'detail' | 'resemblance' | 'prompt' | 'expandPrompt' | 'seed',
    Rule<unknown>
  >),
  uploadURL: SERVICE_RULES.baseURL,
  maxInlineBytes: integer(0, 16 * 1024 * 1024),
  keepSeconds: integer(3600, 31_536_000),
  storeIo: flag,
}

/** @throws UpscaleError BAD_OPTION listing every wrong option */
export function resolveFal(options: FalOptions): ResolvedFal {
  const params = paramsAmong(options, IDEOGRAM_PARAMS)
  const problems = [
    ...optionProblems(hideKey(options), RULES),
    ...keyProblems(options.apiKey),
    ...combinationProblems(params),
  ]
  refuseProblems('fal()', problems, Object.keys(RULES))
  const { baseURL = DEFAULTS.baseURL, uploadURL = DEFAULTS.uploadURL } = options
  return {
    params,
    apiKey: options.apiKey,
    base: parseBase(baseURL, 'fal(): baseURL', DEFAULTS.baseURL),
    uploadBase: parseBase(uploadURL, 'fal(): uploadURL', DEFAULTS.uploadURL),
    maxInlineBytes: options.maxInlineBytes ?? DEFAULTS.maxInlineBytes,
    keepSeconds: options.keepSeconds,
    storeIo: options.storeIo ?? true,
    mediaHosts: options.mediaHosts ?? DEFAULTS.mediaHosts,
    timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    priceMicros: microsOf(options.price ?? DEFAULTS.price),
  }
}

/** Address and key of a call. @throws UpscaleError KEY_MISSING */
export function connectFal({ apiKey, base }: ResolvedFal, env: Env): Connection & { apiKey: string } {
  const key = resolveKey(apiKey, KEY_VARIABLE, 'fal', env)
  return { base, apiKey: key, service: { name: 'fal', keyName: KEY_VARIABLE, secrets: [key] } }
}
