import { UpscaleError } from '../errors.ts'
import { flag, integer, type Rule, show, text, unknownName } from '../validate.ts'

export type ParamValue = string | number | boolean

/** A parameter that can be set in code, as a value, and in a directive, as text. Both meet the same rule. */
export interface Param {
  readonly rule: Rule<ParamValue>
  /** The value a directive's text stands for; undefined where it stands for none. */
  read(text: string): ParamValue | undefined
}

/** Whole numbers from `min` to `max`, both included. */
export function wholeParam(min: number, max: number): Param {
  return { rule: integer(min, max), read: readNumber }
}

/** Numbers from `min` to `max`, both included. */
export function numberParam(min: number, max: number): Param {
  return { rule: numberBetween(min, max), read: readNumber }
}

/** Text of 1 to `max` characters. */
export function textParam(max: number): Param {
  return { rule: text(max), read: written => written }
}

/** `true` or `false`; in a directive nothing else stands for them. */
export const flagParam: Param = {
  rule: flag,
  read: written => (written === 'true' ? true : written === 'false' ? false : undefined),
}

/** Finite numbers from `min` to `max`, both included. */
export function numberBetween(min: number, max: number): Rule<number> {
  return {
    expected: `a number from ${min} to ${max}`,
    // NaN fails both comparisons.
    accepts: (value): value is number => typeof value === 'number' && value >= min && value <= max,
  }
}

/**
 * The values that a directive's keys stand for.
 * @param owner - whose parameters they are, for messages
 * @throws UpscaleError BAD_DIRECTIVE for a name that `known` doesn't have, or a value that its rule refuses
 */
export function readParams(
  written: Readonly<Record<string, string>>,
  known: Readonly<Record<string, Param>>,
  owner: string,
): Record<string, ParamValue> {
  const values: Record<string, ParamValue> = {}
  for (const [name, textValue] of Object.entries(written)) {
    const param = Object.hasOwn(known, name) ? known[name] : undefined
    if (param === undefined) throw unknownParam(name, Object.keys(known), owner)
    const value = param.read(textValue)
    if (value === undefined || !param.rule.accepts(value)) {
      throw new UpscaleError(
        'BAD_DIRECTIVE',
        `${name} is ${show(textValue)}, expected ${param.rule.expected} for ${owner}`,
        { hint: `write ${name}= with ${param.rule.expected}, or remove it` },
      )
    }
    values[name] = value
  }
  return values
}

/** One sentence for each option that is unknown or has a value its rule refuses. `undefined` counts as left out. */
export function optionProblems(options: object, rules: Readonly<Record<string, Rule<unknown>>>): string[] {
  const problems: string[] = []
  for (const [name, value] of Object.entries(options)) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined
    if (rule === undefined) problems.push(unknownName('option', name, Object.keys(rules)))
    else if (value !== undefined && !rule.accepts(value)) {
      problems.push(`${name} is ${show(value)}, expected ${rule.expected}`)
    }
  }
  return problems
}

function unknownParam(name: string, known: readonly string[], owner: string): UpscaleError {
  if (known.length === 0) {
    return new UpscaleError('BAD_DIRECTIVE', `${owner} takes no parameters, received ${show(name)}`, {
      hint: `remove ${name} from the reference`,
    })
  }
  return new UpscaleError('BAD_DIRECTIVE', `${unknownName('parameter', name, known)} for ${owner}`, {
    hint: `${owner} takes ${known.join(', ')}`,
  })
}

/** Plain decimals only: no exponent, no hexadecimal, no blank that would count as 0. */
function readNumber(written: string): number | undefined {
  return /^-?\d{1,15}(?:\.\d{1,15})?$/.test(written) ? Number(written) : undefined
}
