import { closest, distance } from 'fastest-levenshtein'

/** One rule for a value: the sentence and the test come from the same place, so that they can't drift apart. */
export interface Rule<T> {
  /** Ends the sentence "expected …". */
  readonly expected: string
  accepts(value: unknown): value is T
}

/** Whole numbers from `min` to `max`, both included. */
export function integer(min: number, max: number): Rule<number> {
  return {
    expected: `a whole number from ${min} to ${max}`,
    accepts: (value): value is number =>
      typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max,
  }
}

/** Finite numbers above `above`, up to and including `max`. */
export function numberAbove(above: number, max: number): Rule<number> {
  return {
    expected: `a number above ${above}, ${max} at most`,
    accepts: (value): value is number =>
      typeof value === 'number' && Number.isFinite(value) && value > above && value <= max,
  }
}

/** Finite numbers from 0 up. */
export function amount(): Rule<number> {
  return {
    expected: 'a number, 0 or more',
    accepts: (value): value is number => typeof value === 'number' && Number.isFinite(value) && value >= 0,
  }
}

export function oneOf<const T extends string>(values: readonly T[]): Rule<T> {
  return {
    expected: `one of ${values.join(', ')}`,
    accepts: (value): value is T =>
      typeof value === 'string' && (values as readonly string[]).includes(value),
  }
}

/** Strings of 1 to `max` characters. */
export function text(max: number): Rule<string> {
  return {
    expected: `text of 1 to ${max} characters`,
    accepts: (value): value is string => typeof value === 'string' && value.length > 0 && value.length <= max,
  }
}

export const flag: Rule<boolean> = {
  expected: 'true or false',
  accepts: (value): value is boolean => typeof value === 'boolean',
}

export const textList: Rule<readonly string[]> = {
  expected: 'a list of texts',
  accepts: (value): value is readonly string[] =>
    Array.isArray(value) && value.every(item => typeof item === 'string' && item !== ''),
}

/** Plain objects: what a user writes as `{ … }`. */
export const record: Rule<Readonly<Record<string, unknown>>> = {
  expected: 'an object',
  accepts: (value): value is Readonly<Record<string, unknown>> =>
    typeof value === 'object' && value !== null && !Array.isArray(value),
}

/** A value for an error message: cut short, with its type. Never throws, whatever the value does when it is looked at. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'function') return 'a function'
  const printed = print(value)
  return `${printed.length > 80 ? `${printed.slice(0, 77)}…` : printed} (${value === null ? 'null' : typeof value})`
}

function print(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  try {
    return String(value)
  } catch {
    // No prototype to take a text from, or a method or a proxy that throws; what it throws says nothing about the value.
    return '[object]'
  }
}

/**
 * "unknown option "concurency", did you mean "concurrency"?" for a name that is not among the known ones. A name with more
 * wrong than right letters is no typing error, so nothing is proposed for it.
 */
export function unknownName(kind: string, name: string, known: readonly string[]): string {
  const shown = name.length > 60 ? `${name.slice(0, 57)}…` : name
  const near = known.length === 0 ? undefined : closest(shown.toLowerCase(), [...known])
  const isNear = near !== undefined && distance(shown.toLowerCase(), near) <= Math.ceil(shown.length / 2)
  return `unknown ${kind} ${JSON.stringify(shown)}${isNear ? `, did you mean "${near}"?` : ''}`
}
