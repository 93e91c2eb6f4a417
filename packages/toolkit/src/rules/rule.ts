import { FORMATS, type Format, UpscaleError } from 'upscale-core'
import { show, unknownName } from 'upscale-core/internal'

/** Which images of pages are enlarged without a tag, and how. All conditions that a rule names must hold. */
export interface UpscaleRule {
  /**
   * Files, as patterns in the manner of `.gitignore`: `photos/**` for any folder of that name, `/src/photos/**` for one
   * counted from the project's folder, or from the site's in `upscale html`.
   */
  files?: string | readonly string[]
  /** A CSS selector: images under what it selects, or that it selects themselves. */
  within?: string
  /**
   * Only images that a page shows with fewer than two of the file's pixels for one of its own, as far as `width` and
   * `height` tell, in attributes and in CSS of the page that gives pixels. The factor is then what fills a dense screen,
   * 4 at most, unless `factor` names one. @default false
   */
  shown?: boolean
  /** False leaves the images of this rule as they are, whatever later rules say. */
  upscale?: false
  /** Target size over source size; above 1, 8 at most. @default the option `factor` */
  factor?: number
  /** Name of an engine. @default the option `engine` */
  engine?: string
  /** File format of the larger picture. @default the option `format` */
  format?: Format
  /** 1 to 100, lossy formats only. */
  quality?: number
}

type Check = readonly [expected: string, accepts: (value: unknown) => boolean]

const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''
const isNumber = (value: unknown, least: number, most: number): boolean =>
  typeof value === 'number' && value >= least && value <= most

const CHECKS: { readonly [Name in keyof UpscaleRule]-?: Check } = {
  files: [
    'a pattern, or a list of patterns',
    value => isText(value) || (Array.isArray(value) && value.length > 0 && value.every(isText)),
  ],
  within: ['a CSS selector', isText],
  shown: ['true or false', value => typeof value === 'boolean'],
  upscale: ['false, or nothing', value => value === false],
  factor: ['a number above 1, 8 at most', value => isNumber(value, 1, 8) && value !== 1],
  engine: ['the name of an engine', isText],
  format: [`one of ${FORMATS.join(', ')}`, value => FORMATS.some(format => format === value)],
  quality: ['a whole number from 1 to 100', value => isNumber(value, 1, 100) && Number.isInteger(value)],
}

/**
 * Checks the option `rules`.
 * @throws UpscaleError BAD_OPTION naming every key that is wrong
 */
export function checkRules(rules: unknown): readonly UpscaleRule[] {
  if (rules === undefined) return []
  const problems = Array.isArray(rules)
    ? rules.flatMap((rule, index) => problemsOf(rule, `rules[${index}]`))
    : [`rules is ${show(rules)}, expected a list of rules`]
  if (problems.length === 0) return rules as readonly UpscaleRule[]
  throw new UpscaleError('BAD_OPTION', problems.join('; '), {
    hint: `a rule is an object with some of ${Object.keys(CHECKS).join(', ')}`,
  })
}

function problemsOf(rule: unknown, name: string): string[] {
  if (typeof rule !== 'object' || rule === null || Array.isArray(rule)) {
    return [`${name} is ${show(rule)}, expected an object`]
  }
  return Object.entries(rule).flatMap(([key, value]) => {
    const check = Object.hasOwn(CHECKS, key) ? CHECKS[key as keyof UpscaleRule] : undefined
    if (check === undefined) return [unknownName(`key of ${name}`, key, Object.keys(CHECKS))]
    const [expected, accepts] = check
    return value === undefined || accepts(value)
      ? []
      : [`${name}.${key} is ${show(value)}, expected ${expected}`]
  })
}
