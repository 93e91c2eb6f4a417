import { UpscaleError } from '../errors.ts'
import type { Rule } from '../validate.ts'
import type { EngineParams } from './engine.ts'
import { flagParam, type Param, type ParamValue, readParams, textParam, wholeParam } from './params.ts'

/** A model's own parameters by their name on the wire. */
export type ModelParams = Readonly<Record<string, Param>>

const PERCENT = wholeParam(1, 100)

/** Those of Ideogram's upscaler, which fal runs and Lumenfall resells: fal's page of the model, Ideogram's specification. */
export const IDEOGRAM_PARAMS: ModelParams = {
  detail: PERCENT,
  resemblance: PERCENT,
  /** Lumenfall's error reference gives 1000 characters for images. */
  prompt: textParam(1000),
  expand_prompt: flagParam,
  seed: wholeParam(0, 2_147_483_647),
}

/** The rules of parameters as options: the same names, in camel case. */
export function optionRules(params: ModelParams): Record<string, Rule<ParamValue>> {
  return Object.fromEntries(Object.entries(params).map(([name, { rule }]) => [camelCase(name), rule]))
}

/** The parameters among the options, by their name on the wire. Values that no rule accepts are left out. */
export function paramsAmong(options: object, params: ModelParams): Record<string, ParamValue> {
  const found: Record<string, ParamValue> = {}
  for (const [name, { rule }] of Object.entries(params)) {
    const value: unknown = Reflect.get(options, camelCase(name))
    if (rule.accepts(value)) found[name] = value
  }
  return found
}

/** What is wrong with parameters that are each right. */
export function combinationProblems(params: EngineParams): string[] {
  return lacksPrompt(params) ? ['expandPrompt without a prompt'] : []
}

/**
 * The engine's parameters with a directive's over them.
 * @param owner - whose they are, for messages
 * @throws UpscaleError BAD_DIRECTIVE
 */
export function withDirective(
  defaults: EngineParams,
  written: Readonly<Record<string, string>>,
  known: ModelParams,
  owner: string,
): EngineParams {
  const params = { ...defaults, ...readParams(written, known, owner) }
  if (!lacksPrompt(params)) return params
  throw new UpscaleError('BAD_DIRECTIVE', 'expand_prompt without a prompt', {
    hint: 'add a prompt, or remove expand_prompt',
  })
}

function lacksPrompt({ expand_prompt, prompt }: EngineParams): boolean {
  return expand_prompt === true && prompt === undefined
}

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
