import { UpscaleError } from '../../errors.ts'
import { flag, numberAbove, oneOf, type Rule, record, show, text } from '../../validate.ts'
import type { FileEngine } from '../engine.ts'
import { DEFAULT_TIMEOUT_MS } from '../http/time-limits.ts'
import type { Scales } from '../lumenfall/models-and-prices.ts'
import type { ModelParams } from '../model-params.ts'
import { flagParam, numberParam, optionProblems, type Param, type ParamValue, textParam } from '../params.ts'
import {
  hideKey,
  keyProblems,
  microsOf,
  parseBase,
  refuseProblems,
  resolveKey,
  SERVICE_RULES,
} from '../service-options.ts'
import { createEditEngine } from './engine.ts'

/** A gateway is told by its address, model, price and factors; the rest may be left out. */
export interface OpenaiCompatibleOptions {
  /** The API's address, version part included; https unless it is on this machine. */
  readonly baseURL: string
  /** As the gateway calls it. */
  readonly model: string
  /** The most that one call can cost, in US dollars; the budget holds it before each call. 0 means free. */
  readonly price: number
  /** Factors the model can be asked for: a rising list of numbers above 1, or any from `min` to `max`, 64 at most. */
  readonly scales: readonly number[] | { readonly min: number; readonly max: number }
  /** Better kept in the environment. @default none, unless `keyVariable` names a variable */
  readonly apiKey?: string
  /** The variable of the environment that holds the key. @default none */
  readonly keyVariable?: string
  /**
   * Further form fields of every order, by their name on the wire. A directive may set those that are listed here and
   * that it knows (`detail`, `resemblance`, `prompt`, `expand_prompt`, `seed`), with a value of the same type.
   */
  readonly params?: Readonly<Record<string, string | number | boolean>>
  /**
   * What the engine is called, in cache keys too: with a name of its own, pictures stay bought when the gateway moves.
   * @default the address's host
   */
  readonly name?: string
  /** How the result travels: in the answer, or as an address that is fetched at once. @default 'b64_json' */
  readonly responseFormat?: 'b64_json' | 'url'
  /** Hosts from which a result may be fetched, besides the API's own. @default [] */
  readonly mediaHosts?: readonly string[]
  /**
   * How long an order may take from its first byte to its answer, repeats included; a download of the result gets
   * the same again. 1 to 3600000 milliseconds. @default 300000
   */
  readonly timeoutMs?: number
  /**
   * True only where the gateway promises to charge once for requests with the same `Idempotency-Key`: a call that
   * nobody saw the end of is then sent again, instead of being left to a person. @default false
   */
  readonly idempotent?: boolean
}

/** Part of every cache key; changes when the same parameters would give another picture. */
const REVISION = '1'

/** Engines that have these names already, and fields that the engine sets itself. */
const TAKEN_NAMES = ['local', 'resize', 'lumenfall', 'fal', 'ideogram']
const OWN_FIELDS = ['model', 'image', 'image[]', 'mask', 'n', 'scale_factor', 'response_format']

const scaleList: Rule<Scales> = {
  expected: 'a rising list of numbers above 1 such as [2, 4], or { min, max } from 1 to 64',
  accepts(value): value is Scales {
    const above = numberAbove(1, 64)
    if (Array.isArray(value)) {
      return value.length > 0 && value.every((scale, at) => above.accepts(scale) && !(scale <= value[at - 1]))
    }
    if (!record.accepts(value)) return false
    const { min, max, ...rest } = value
    return (
      typeof min === 'number' &&
      min >= 1 &&
      above.accepts(max) &&
      min <= max &&
      Object.keys(rest).length === 0
    )
  },
}

const engineName: Rule<string> = {
  expected: `1 to 80 of letters, digits and . _ : -, and none of ${TAKEN_NAMES.join(', ')}`,
  accepts: (value): value is string =>
    typeof value === 'string' && /^[a-z0-9][\w.:-]{0,79}$/i.test(value) && !TAKEN_NAMES.includes(value),
}

const variableName: Rule<string> = {
  expected: 'the name of a variable such as MY_GATEWAY_KEY',
  accepts: (value): value is string => typeof value === 'string' && /^[A-Za-z_]\w{0,99}$/.test(value),
}

const RULES = {
  ...SERVICE_RULES,
  model: text(200),
  scales: scaleList,
  params: record,
  name: engineName,
  keyVariable: variableName,
  responseFormat: oneOf(['b64_json', 'url']),
  idempotent: flag,
} satisfies Record<keyof OpenaiCompatibleOptions, Rule<unknown>>

const REQUIRED = ['baseURL', 'model', 'price', 'scales'] as const

/** How an address is written, for hints. */
const EXAMPLE = 'https://gateway.example/openai/v1'

/**
 * An engine that orders pictures from any gateway that speaks OpenAI's images API: one `POST {baseURL}/images/edits`
 * with `image`, `model` and `scale_factor`, a team's own `upscale-server` among them.
 *
 * @example
 * openaiCompatible({ baseURL: 'https://images.team.example/openai/v1', model: 'ideogram-upscale', price: 0.06,
 *   scales: [2], keyVariable: 'TEAM_IMAGES_KEY' })
 *
 * @throws UpscaleError BAD_OPTION listing every option that is missing, unknown or out of range
 */
export function openaiCompatible(options: OpenaiCompatibleOptions): FileEngine {
  checkOptions(options)
  const { model, price, scales, apiKey, keyVariable, params = {} } = options
  const base = parseBase(options.baseURL, 'openaiCompatible(): baseURL', EXAMPLE)
  const id = options.name ?? base.host
  return createEditEngine({
    id,
    model,
    revision: REVISION,
    billing: price === 0 ? 'free' : 'paid',
    priceMicros: microsOf(price),
    recovery: options.idempotent === true ? 'idempotency-key' : 'none',
    scales,
    owner: `${model} at ${id}`,
    known: knownParams(params),
    params: { ...params },
    delivery: { response_format: options.responseFormat ?? 'b64_json' },
    headers: {},
    mediaHosts: options.mediaHosts ?? [],
    timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    connect(env) {
      const key = keyVariable === undefined ? apiKey : resolveKey(apiKey, keyVariable, id, env)
      const service = { name: id, keyName: keyVariable ?? 'apiKey', secrets: key === undefined ? [] : [key] }
      return { base, apiKey: key, service }
    },
  })
}

function checkOptions(options: OpenaiCompatibleOptions): void {
  if (!record.accepts(options)) {
    throw new UpscaleError('BAD_OPTION', `openaiCompatible() was given ${show(options)}`, {
      hint: `give it an object with ${REQUIRED.join(', ')}`,
    })
  }
  const shown = hideKey(options)
  const problems = [
    ...optionProblems(shown, RULES),
    ...keyProblems(options.apiKey),
    ...paramProblems(shown.params),
  ]
  for (const name of REQUIRED) {
    if (shown[name] === undefined) problems.push(`${name} is missing, expected ${RULES[name].expected}`)
  }
  refuseProblems('openaiCompatible()', problems, Object.keys(RULES))
}

function paramProblems(params: unknown): string[] {
  if (!record.accepts(params)) return []
  return Object.entries(params).flatMap(([name, value]) => {
    if (OWN_FIELDS.includes(name)) return [`params.${name} is set by the engine itself`]
    if (!/^[A-Za-z]\w{0,63}$/.test(name)) return [`params has ${show(name)}, expected names of fields`]
    if (paramLike(value) !== undefined) return []
    return [`params.${name} is ${show(value)}, expected text, a number, true or false`]
  })
}

function knownParams(params: Readonly<Record<string, ParamValue>>): ModelParams {
  const known: Record<string, Param> = {}
  for (const [name, value] of Object.entries(params)) {
    const param = paramLike(value)
    if (param !== undefined) known[name] = param
  }
  return known
}

/** A parameter that takes values like this one. */
function paramLike(value: unknown): Param | undefined {
  if (typeof value === 'boolean') return flagParam
  if (typeof value === 'string') return textParam(1000)
  return Number.isFinite(value) ? numberParam(-1e12, 1e12) : undefined
}
