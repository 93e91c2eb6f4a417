import { type Importer, UpscaleError } from 'upscale-core'
import { findCandidates, findStyleTexts, isElsewhere, PICTURE_EXTENSIONS } from 'upscale-toolkit/references'
import { type CodeToken, literalText, tokensOf } from 'upscale-toolkit/references/script'
import { cook, markupOf, nest, PUT_IN, stringsOf } from './markup-strings.ts'
import { findLine } from './place.ts'
import { pathOf } from './reference.ts'

/*
 * A tagged reference that no hook saw ships the small image, and nothing tells. So the output is searched, and what
 * counts is decided by where a text stands, not by what it looks like: pages about this plugin are full of
 * `?upscale=2`. A reference is the *whole* of
 *   - a string literal, or the tail of a template, in JavaScript;
 *   - an attribute's value in a string or template of JavaScript that is markup;
 *   - an attribute's value, or a candidate of a srcset, in HTML;
 *   - a `url(…)` or a string in CSS,
 * whose path ends like a picture's and whose query has the key `upscale`. Text between tags, `alt` and the like,
 * comments, and other strings that merely contain such a reference are prose; so is a text with spaces, unless it starts like a path. Addresses of
 * other servers are theirs.
 */

/** A file of the output. */
export interface OutputFile {
  readonly name: string
  readonly text: () => string
}

export interface Leftover {
  readonly reference: string
  /** Name of the output file that has it. */
  readonly output: string
}

export interface LeftoverRules {
  /** Addresses under these prefixes are the project's own although they have a scheme: the public path. */
  readonly ownPrefixes: readonly string[]
  /** Strings that only look like references, such as ids of modules. */
  readonly isKnown: (reference: string) => boolean
}

const TAG = /[?&]upscale(?:[=&#]|$)/
const TAG_IN_TEXT = /[?&](?:amp;)?upscale\b/
const PICTURE_REFERENCE = new RegExp(
  `^(?:[./@~][^<>"'\`\\r\\n]*|[^<>"'\`\\s]*)\\.(?:${PICTURE_EXTENSIONS})\\?[^\\s<>"'\`]*$`,
  'i',
)
/** In characters; no system has a longer path. */
const LONGEST_REFERENCE = 16_384
const PROSE_ATTRIBUTE = /^(?:alt|title|label|placeholder|aria-.*)$/
type Scanner = (text: string) => Generator<string> | AsyncGenerator<string>

const SCANNERS: readonly [RegExp, Scanner][] = [
  [/\.(?:[cm]?js|jsx)$/, scanScript],
  [/\.css$/, scanStyle],
  [/\.(?:x?html?|svg|php|vue)$/, scanPage],
]

/** True for a file that can hold references and is searched; source maps and pictures are not. */
export function isSearched(name: string): boolean {
  return SCANNERS.some(([pattern]) => pattern.test(pathOf(name)))
}

/** Finds the tagged references that are still in the output, each once per file. */
export async function findLeftovers(files: Iterable<OutputFile>, rules: LeftoverRules): Promise<Leftover[]> {
  const found: Leftover[] = []
  for (const { name, text } of files) {
    const scan = SCANNERS.find(([pattern]) => pattern.test(pathOf(name)))?.[1]
    if (scan === undefined) continue
    const content = text()
    if (!TAG_IN_TEXT.test(content)) continue
    const references = new Set<string>()
    for await (const value of scan(content)) if (isLeftover(value, rules)) references.add(value)
    for (const reference of references) found.push({ reference, output: name })
  }
  return found
}

/**
 * The error (or the warning's text) about left-over references.
 * @param sources files of the project that may have written them, to name file and line
 */
export function leftoverError(
  leftovers: readonly [Leftover, ...Leftover[]],
  sources: Iterable<string>,
): UpscaleError {
  const [first, ...others] = leftovers
  const more = others.map(({ reference, output }) => `"${reference}" in ${output}`)
  const also = more.length === 0 ? '' : `; also ${more.slice(0, 9).join(', ')}${more.length > 9 ? ', …' : ''}`
  const importer = findImporter(first.reference, sources)
  return new UpscaleError(
    'LEFTOVER_REFERENCE',
    `a tagged reference is still in the output, ${first.output}, so the image would not be upscaled${also}`,
    {
      hint:
        'the bundler handles a reference only where it can read it: import the image, or use a literal new URL(…, ' +
        'import.meta.url); if this is text about references and not one, set leftovers: "warn"',
      reference: first.reference,
      ...(importer === undefined ? {} : { importer }),
    },
  )
}

function findImporter(reference: string, sources: Iterable<string>): Importer | undefined {
  for (const file of sources) {
    const line = findLine(file, reference)
    if (line !== undefined) return { file, line }
  }
  return undefined
}

function isLeftover(value: string, { ownPrefixes, isKnown }: LeftoverRules): boolean {
  if (
    value.length > LONGEST_REFERENCE ||
    !TAG.test(value) ||
    !PICTURE_REFERENCE.test(value) ||
    isKnown(value)
  )
    return false
  return !isElsewhere(value) || ownPrefixes.some(prefix => prefix !== '' && value.startsWith(prefix))
}

async function* scanScript(code: string): AsyncGenerator<string> {
  const tokens = [...tokensOf(code)]
  for (const [index, token] of tokens.entries()) {
    const text = literalText(token)
    if (text === undefined || isKeyOfModules(tokens, index)) continue
    yield text
    // webpack's eval devtools wrap each module in a string, and its code is as much output as the rest.
    const before = tokens.slice(Math.max(0, index - 2), index).map(({ value }) => value)
    if (before.join('') === 'eval(') yield* scanScript(cook(text))
  }
  const nested = nest(tokens)
  for (const string of stringsOf(tokens)) {
    const markup = TAG_IN_TEXT.test(string.text) ? markupOf(string, nested) : undefined
    if (markup === undefined) continue
    // Of an address that a template puts together the end is known.
    for await (const value of scanPage(markup)) yield value.slice(value.lastIndexOf(PUT_IN) + 1)
  }
}

/**
 * True for the tail of a template that Vite 8 leaves where it made a choice of modules from a templated `import()`:
 * ``helper({ "./a.png": … }, `./${name}.png?upscale=2`, 2)``. Its helper takes the query off and finds the module by the
 * rest. The number is that of the path's segments, which tells this call from others.
 */
function isKeyOfModules(tokens: readonly CodeToken[], tail: number): boolean {
  if (tokens[tail]?.type !== 'TemplateTail') return false
  const [comma, count, end] = tokens.slice(tail + 1, tail + 4)
  if (comma?.value !== ',' || end?.value !== ')') return false
  let segments = 1
  let depth = 0
  for (let at = tail; at >= 0; at--) {
    const { type, value } = tokens[at] as CodeToken
    if (type === 'TemplateTail') depth++
    if (depth === 1 && type.startsWith('Template')) segments += value.split('/').length - 1
    if (type === 'TemplateHead' && --depth === 0) {
      return tokens[at - 1]?.value === ',' && Number(count?.value) === segments
    }
  }
  return false
}

function* scanStyle(css: string): Generator<string> {
  for (const { value } of findStyleTexts(css)) yield value
}

async function* scanPage(html: string): AsyncGenerator<string> {
  const { elementsOf } = await import('upscale-toolkit/references/elements')
  for (const { name, attributes, text } of elementsOf(html)) {
    for (const attribute of attributes) {
      if (PROSE_ATTRIBUTE.test(attribute.name)) continue
      yield attribute.value.trim()
      if (attribute.name === 'style') yield* scanStyle(attribute.value)
      else for (const { address } of findCandidates(attribute.value)) yield address
    }
    if (name === 'style') yield* scanStyle(text)
    if (name === 'script') yield* scanScript(text)
  }
}
