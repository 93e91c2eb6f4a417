import { distance } from 'fastest-levenshtein'
import { UpscaleError } from '../errors.ts'
import { FORMATS, type Format } from '../source/format.ts'
import { integer, oneOf, show, unknownName } from '../validate.ts'
import { keysOf, type OwnKey } from './directive-keys.ts'
import { type ErrorPolicy, FACTOR, type Preset, type ResolvedOptions } from './options.ts'

/** What the host gets for a reference: an address, a `srcset` text, or an object with the facts. */
const OUTPUTS = ['url', 'srcset', 'metadata'] as const
export type Output = (typeof OUTPUTS)[number]

/** One picture to make. */
export interface UpscaleRequest {
  /** Target size over source size, per side; above 1, 8 at most. */
  readonly factor: number
  /** Name of the engine, as configured. */
  readonly engine: string
  /** Undefined: as the options say, else the source's. */
  readonly format?: Format
  /** Encoder quality from 1 to 100, for lossy formats. */
  readonly quality?: number
  /** The engine's own keys, as written; the engine checks them. */
  readonly params: Readonly<Record<string, string>>
  /** Undefined: as the options say. */
  readonly onError?: ErrorPolicy
}

/** A tagged reference, taken apart. */
export interface Directive {
  /** As it was written. */
  readonly reference: string
  /** What stands before the query. */
  readonly path: string
  /** What is not ours, for the host or the next plugin: `?w=800#top`, or the empty text. */
  readonly rest: string
  readonly as: Output
  /** One request per factor, smallest first; exactly one unless `as` is `srcset`. */
  readonly requests: readonly [UpscaleRequest, ...UpscaleRequest[]]
}

/**
 * Matches every reference that {@link parseDirective} must see. The engine keys are here so that `?detail=60`
 * without `upscale` is reported instead of being shipped as it is; `format`, `quality` and `as` alone belong to
 * other image plugins.
 */
export const TAGGED: RegExp = /[?&](?:upscale|detail|resemblance|expand_prompt)(?:[=&#]|$)/

const ENGINE_KEYS = keysOf('engine')
const OUTPUT_KEYS = keysOf('output')

/** Keys the directive owns, in the order in which the documentation lists them. */
export const OWN_KEYS: readonly OwnKey[] = keysOf()

/** Keys of other image plugins that come after us and own the output then. */
const FOREIGN_IMAGE_KEYS = new Set(
  (
    'w h width height aspect ar fit position pos kernel background blur brightness effort flatten flip flop ' +
    'grayscale greyscale hsb hue invert lossless median normalize progressive rotate saturation tint ' +
    'allowUpscale withoutEnlargement withoutReduction metadata meta picture img srcset responsive sizes ' +
    'size placeholder enhanced basePixels densities'
  ).split(' '),
)

const LONGEST_REFERENCE = 4096
const AFTER_OTHER_KEYS = 'write one ? before the first key, and & before each other one: ?v=1&upscale=2'
const QUALITY = integer(1, 100)

/**
 * Takes a reference apart.
 *
 * @returns undefined when the reference carries none of our keys
 * @throws UpscaleError BAD_DIRECTIVE for an unknown value, a repeated key, an own key without `upscale`, or a text
 *   over 4096 characters; UNKNOWN_ENGINE for an engine that is not configured
 */
export function parseDirective(
  reference: string,
  options: Pick<ResolvedOptions, 'engine' | 'engines' | 'factor' | 'format' | 'presets'>,
): Directive | undefined {
  if (!TAGGED.test(reference)) return undefined
  if (reference.length > LONGEST_REFERENCE) {
    const shown = `${reference.slice(0, 80)}…`
    throw bad(shown, `the reference has ${reference.length} characters`, `keep it under ${LONGEST_REFERENCE}`)
  }
  const { path, query, hash } = split(reference)
  const { own, rest } = sortKeys(reference, query)
  const value = own.get('upscale')
  if (value === undefined) {
    if (own.size === 0) throw bad(reference, 'no key of the query is ours', AFTER_OTHER_KEYS)
    const names = [...own.keys()].join(', ')
    throw bad(reference, `${names} without upscale`, 'add upscale=2 to the query, or remove the key')
  }
  const preset = presetOf(reference, value, options)
  const as = readOutput(reference, own)
  const factors = preset ? [preset.factor ?? options.factor] : readFactors(reference, value, as, options)
  const common = {
    engine: readEngine(reference, own, preset, options),
    ...readEncoding(reference, own, preset?.format ?? options.format, preset?.quality),
    ...(preset?.onError === undefined ? {} : { onError: preset.onError }),
  }
  const params = Object.freeze(readParams(own, preset))
  // Frozen, so that what is found of a request may be remembered with it.
  const requests = factors.map(factor => Object.freeze({ factor, ...common, params }))
  const [first, ...others] = requests
  if (first === undefined) throw bad(reference, 'no factor given', 'write ?upscale=2')
  return {
    reference,
    path,
    rest: `${rest.length > 0 ? `?${rest.join('&')}` : ''}${hash}`,
    as,
    requests: [first, ...others],
  }
}

/** A key that is nearly one of ours. */
export interface MisspelledKey {
  readonly written: string
  readonly meant: OwnKey
}

/**
 * Keys of a reference that are not ours and nearly are: `?upscal=2`, `?Upscale=2`, `?upscale:2`, `&fromat=webp`. They have the
 * first letter of the key that is meant, and differ by two letters at most. A tag that stands in no query is told of with its
 * sign: `a.png#upscale=2`, `a.png&upscale=2`, `a.png%3Fupscale=2`. Total.
 */
export function misspelledKeys(reference: string): MisspelledKey[] {
  const text = reference.slice(0, LONGEST_REFERENCE)
  const hasQuery = text.includes('?')
  if (!(hasQuery && TAGGED.test(text))) {
    const [written] = STRAY_TAG.exec(text) ?? []
    if (written !== undefined) return [{ written, meant: 'upscale' }]
  }
  if (!hasQuery) return []
  const names = split(text)
    .query.split('&')
    .map(part => part.split('=', 1)[0] ?? '')
  return names.flatMap(written => {
    if (written.length < SHORTEST_TYPO || isOwnKey(written) || FOREIGN_IMAGE_KEYS.has(written)) return []
    const name = written.toLowerCase().replace(NOT_OF_THE_NAME, '')
    const meant = isOwnKey(name)
      ? name
      : OWN_KEYS.find(key => key[0] === name[0] && key.length >= 5 && distance(key, name) <= 2)
    return meant === undefined ? [] : [{ written, meant }]
  })
}

/** A tag outside of a query, with the sign that leads to it. */
const STRAY_TAG = /(?:[&#]|%3f)upscale\b/i
/** The rest of an `&amp;`, and what stands where an equals sign should. */
const NOT_OF_THE_NAME = /^amp;|[-:%*+~].*/g
/** Shorter words are near to too many others. */
const SHORTEST_TYPO = 5

function split(reference: string): { path: string; query: string; hash: string } {
  const question = reference.indexOf('?')
  const hashAt = reference.indexOf('#', question)
  const end = hashAt === -1 ? reference.length : hashAt
  return {
    path: reference.slice(0, question),
    query: reference.slice(question + 1, end),
    hash: reference.slice(end),
  }
}

function sortKeys(reference: string, query: string): { own: Map<OwnKey, string>; rest: string[] } {
  const parts = query.split('&').filter(part => part !== '')
  const names = parts.map(part => decode(reference, part.split('=', 1)[0] ?? ''))
  const outputIsForeign = names.some(name => FOREIGN_IMAGE_KEYS.has(name))
  const own = new Map<OwnKey, string>()
  const rest: string[] = []
  parts.forEach((part, index) => {
    const name = names[index] ?? ''
    const isOutputKey = (OUTPUT_KEYS as readonly string[]).includes(name)
    if (!isOwnKey(name) || (isOutputKey && outputIsForeign)) {
      rest.push(part)
      return
    }
    if (own.has(name)) throw bad(reference, `${name} is given twice`, `keep one ${name}`)
    own.set(name, decode(reference, part.slice(part.indexOf('=') + 1 || part.length)))
  })
  return { own, rest }
}

function isOwnKey(name: string): name is OwnKey {
  return (OWN_KEYS as readonly string[]).includes(name)
}

function decode(reference: string, part: string): string {
  try {
    return decodeURIComponent(part.replaceAll('+', ' '))
  } catch (cause) {
    if (!(cause instanceof URIError)) throw cause
    throw bad(reference, `${show(part)} is not valid percent-encoding`, 'write a literal % as %25')
  }
}

function presetOf(
  reference: string,
  value: string,
  { presets }: Pick<ResolvedOptions, 'presets'>,
): Preset | undefined {
  if (value === '' || /^[\d.;+-]/.test(value)) return undefined
  const preset = presets.get(value)
  if (preset !== undefined) return preset
  const known = [...presets.keys()]
  throw bad(
    reference,
    known.length > 0
      ? unknownName('preset', value, known)
      : `upscale is ${show(value)}, and no preset is configured`,
    known.length > 0
      ? `use one of ${known.join(', ')}, or a number such as 2`
      : 'write a number such as upscale=2',
  )
}

function readFactors(
  reference: string,
  value: string,
  as: Output,
  options: Pick<ResolvedOptions, 'factor'>,
): number[] {
  if (value === '') return [options.factor]
  const factors = value.split(';').map(part => {
    const factor = /^\d{1,3}(?:\.\d{1,4})?$/.test(part) ? Number(part) : Number.NaN
    if (!FACTOR.accepts(factor)) {
      throw bad(
        reference,
        `the factor is ${show(part)}, expected ${FACTOR.expected}`,
        'write for example ?upscale=2',
      )
    }
    return factor
  })
  if (new Set(factors).size < factors.length) {
    throw bad(reference, `a factor is listed twice in ${show(value)}`, 'list each factor once')
  }
  if (factors.length > 1 && as !== 'srcset') {
    throw bad(reference, `${factors.length} factors for one address`, 'add as=srcset, or keep one factor')
  }
  return factors.sort((a, b) => a - b)
}

function readOutput(reference: string, own: Map<OwnKey, string>): Output {
  const value = own.get('as')
  if (value === undefined) return 'url'
  const rule = oneOf(OUTPUTS)
  if (rule.accepts(value)) return value
  // What image-minimizer-webpack-plugin calls `as`.
  const isFormat = value === 'jpg' || oneOf(FORMATS).accepts(value)
  const format = isFormat ? `write format=${value} for that format; otherwise ` : ''
  throw bad(reference, `as is ${show(value)}`, `${format}use ${rule.expected}`)
}

function readEngine(
  reference: string,
  own: Map<OwnKey, string>,
  preset: Preset | undefined,
  { engine, engines }: Pick<ResolvedOptions, 'engine' | 'engines'>,
): string {
  const name = own.get('engine') ?? preset?.engine ?? engine
  if (engines.has(name)) return name
  const known = [...engines.keys()]
  throw new UpscaleError('UNKNOWN_ENGINE', unknownName('engine', name, known), {
    hint: `use one of ${known.join(', ')}, or add it to the option "engines"`,
    reference,
  })
}

function readEncoding(
  reference: string,
  own: Map<OwnKey, string>,
  usualFormat: Format | undefined,
  usualQuality: number | undefined,
): Pick<UpscaleRequest, 'format' | 'quality'> {
  const written = own.get('format')
  const format = written === 'jpg' ? 'jpeg' : (written ?? usualFormat)
  const formats = oneOf(FORMATS)
  if (format !== undefined && !formats.accepts(format)) {
    throw bad(reference, `format is ${show(format)}`, `use ${formats.expected}`)
  }
  const given = own.get('quality')
  const quality = given === undefined ? usualQuality : /^\d{1,3}$/.test(given) ? Number(given) : Number.NaN
  if (quality !== undefined && !QUALITY.accepts(quality)) {
    throw bad(reference, `quality is ${show(given)}`, `use ${QUALITY.expected}`)
  }
  return { ...(format === undefined ? {} : { format }), ...(quality === undefined ? {} : { quality }) }
}

function readParams(own: Map<OwnKey, string>, preset: Preset | undefined): Record<string, string> {
  const params: Record<string, string> = { ...preset?.params }
  for (const key of ENGINE_KEYS) {
    const value = own.get(key)
    if (value !== undefined) params[key] = value
  }
  return params
}

function bad(reference: string, problem: string, hint: string): UpscaleError {
  return new UpscaleError('BAD_DIRECTIVE', problem, { hint, reference })
}
