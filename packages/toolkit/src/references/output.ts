import { isElsewhere, PICTURE_EXTENSIONS, pathOf } from './address.ts'
import {
  type CodeString,
  isNameOrText,
  isShownAsText,
  markupOf,
  type NestedCode,
  nest,
  PUT_IN,
  stringsOf,
} from './code-strings.ts'
import type { HtmlElement } from './elements.ts'
import { withoutMarkdownCode } from './markdown-code.ts'
import { isProseAttribute } from './prose-attributes.ts'
import { type CodeTokens, isLiteral, readTokens } from './script.ts'
import { findCandidates } from './srcset.ts'
import { findStyleReferences, isPictureProperty, type StyleKind } from './style-references.ts'

/*
 * Finds the tagged references of what a build wrote. What counts is decided by where a text stands, not by what it looks
 * like: pages about this plugin are full of `?upscale=2`. A reference is
 *   - the whole of a string, or the tail of a template, in JavaScript and JSON, unless it names something or is shown;
 *   - what CSS refers to, by its tokens, in a style sheet and in strings and attributes that hold CSS;
 *   - an attribute's value in markup, in a page and in strings that hold markup;
 *   - any of these in a string that holds JSON, and in code that runs from a string or a `data:` address,
 * whose path ends like a picture's and whose query has the key `upscale`. Text between tags, attributes such as `alt`,
 * comments, and strings that merely contain such a reference are prose.
 */

/** What kind of text has a reference, which decides what to write instead. */
export type Form =
  | 'string'
  | 'tail'
  | 'style-string'
  | 'markup-string'
  | 'markdown-string'
  | 'data'
  | 'style'
  | 'page'
  | 'text'

/** A tagged reference, and where it starts. */
export interface FoundReference {
  readonly reference: string
  readonly start: number
  readonly form: Form
}

/** Addresses under these prefixes are the project's own although they have a scheme: the public path. */
export interface OutputRules {
  readonly ownPrefixes: readonly string[]
  /** Strings that only look like references, such as ids of modules. */
  readonly isKnown: (reference: string) => boolean
}

const TAG = /[?&]upscale(?:[=&#]|$)/
const TAG_IN_TEXT = /(?:[?&;]|%3F|%26|\\u0026|\\u003[Ff]|\\x26|\\x3[Ff])upscale\b/
/** Addresses that hold a text themselves. */
const DATA_ADDRESS = /^data:([\w.+-]+\/[\w.+-]+)((?:;[^;,]*)*),/
const DATA_IN_TEXT = /data:(?:(?:text|application)\/[\w.+-]+|image\/svg\+xml)[;,]/
const PICTURE_REFERENCE = new RegExp(
  `^(?:[./@~][^<>"'\`\\r\\n]*|[^<>"'\`\\s]*)\\.(?:${PICTURE_EXTENSIONS})\\?[^\\s<>"'\`]*$`,
  'i',
)
/** The rest of a `url(…)` that an earlier piece of a sum opened: `.png?upscale=2) no-repeat`. */
const REST_OF_URL = /^([^\s"'()<>]*\?[^\s"'()<>]*)["']?\)/
/** A picture of Markdown, without a title. */
const MARKDOWN_PICTURE = /!\[[^[\]\n]*\]\(<?([^\s()<>]+)/g
const DESCRIPTOR = /^(?:\d+(?:\.\d+)?[xwh](?:\s+\d+[wh])?)?$/
/** Attributes that Alpine, Vue, htmx and others read as code. */
const CODE_ATTRIBUTE = /^(?:on[a-z]|[:@[(*]|x-|v-|hx-on|ng-)/
/** Keys of data whose value names or describes. */
const NAME_KEY =
  /^["'](?:name|id|uid|key|title|alt|label|description|identifier|moduleIdentifier|moduleName|issuer\w*|userRequest|rawRequest|class(?:Name)?)["']$/

/** How deep texts may stand in texts: a page in a string in a worker in a `data:` address. */
const DEEPEST = 6

interface Found {
  readonly value: string
  readonly start: number
  readonly form: Form
  /** True for a whole address of the server that the page says to be its own. */
  readonly isOwn?: boolean
}
type Scanner = (text: string, depth: number) => Generator<Found> | AsyncGenerator<Found>

const SCANNERS: readonly [RegExp, Scanner][] = [
  [/\.(?:[cm]?js|jsx)$/, scanScript],
  [/\.css$/, scanStyleSheet],
  [/\.(?:x?html?|svg|php|vue)$/, scanPage],
  [/(?<!\.map)\.(?:json|webmanifest)$/, scanData],
  [/\.(?:xml|rss|atom)$/, scanXml],
  [/\.(?:txt|md|markdown)$/, scanPlainText],
]

/** True for the name of a file that can hold references and is searched; source maps and pictures are not. */
export function isOutputText(name: string): boolean {
  return scannerOf(name) !== undefined
}

/**
 * True for a path of a built folder that no page refers to: packages of a server, the manifests of Vite, which name
 * sources, and what Next.js keeps for its next build.
 */
export function isBesideOutput(path: string): boolean {
  return /(?:^|\/)(?:node_modules|\.vite|\.next\/(?:cache|dev))\//.test(path)
}

/** Finds the tagged references that stand in a file of the output, in order, each once. Total. */
export async function findOutputReferences(
  name: string,
  text: string,
  { ownPrefixes, isKnown }: OutputRules,
): Promise<FoundReference[]> {
  const scan = scannerOf(name)
  if (scan === undefined || !mayHold(text)) return []
  const found = new Map<string, FoundReference>()
  for await (const { value, start, form, isOwn = false } of scan(text, 0)) {
    if (!TAG.test(value) || !isPictureReference(value) || isKnown(value)) continue
    const isOurs = isOwn || ownPrefixes.some(prefix => prefix !== '' && value.startsWith(prefix))
    if (isElsewhere(value) && !isOurs) continue
    // Of Markdown there may be copies that nobody shows; any other place says more.
    const known = found.get(value)?.form
    if (known === undefined || known === 'markdown-string')
      found.set(value, { reference: value, start, form })
  }
  return [...found.values()]
}

function scannerOf(name: string): Scanner | undefined {
  const path = pathOf(name)
  return SCANNERS.find(([pattern]) => pattern.test(path))?.[1]
}

/** The same before escapes are undone; what they hide letter by letter is nobody's reference. */
function mayMatter(written: string): boolean {
  return written.includes('upscale') || written.includes('data:')
}

function mayHold(text: string): boolean {
  return TAG_IN_TEXT.test(text) || DATA_IN_TEXT.test(text)
}

function isPictureReference(value: string): boolean {
  // The class name of an arbitrary value (`bg-[url(./a.png?upscale=2)]`) ends like a picture's address as well.
  return value.length <= 4096 && PICTURE_REFERENCE.test(value) && !/\burl\(|\]\(/.test(value)
}

async function* scanScript(code: string, depth: number): AsyncGenerator<Found> {
  const tokens = readTokens(code)
  const nested = nest(tokens)
  const runs = codeThatRuns(tokens)
  for (const string of stringsOf(tokens, mayMatter)) {
    if (!mayHold(string.text)) continue
    for await (const found of scanString(string, nested, depth)) yield found
    if (!runs(string) || depth >= DEEPEST) continue
    for await (const found of scanScript(string.text, depth + 1)) yield at(found, string)
  }
}

/** What a string of code may be, one after the other: an address, code, data, markup, CSS, a `srcset`, Markdown. */
async function* scanString(string: CodeString, code: NestedCode, depth: number): AsyncGenerator<Found> {
  const { tokens } = code
  const { first, last, text } = string
  // Of an address that a template puts together the end is known.
  const tail = text.slice(text.lastIndexOf(PUT_IN) + 1)
  const offset = text.length - tail.length
  if (isPictureReference(tail.trim()) && (offset === 0 || !/\s/.test(tail))) {
    const isLeft =
      !isKeyOfModules(tokens, string) && !isKey(tokens, first) && !isNameOrText(code, first, last)
    const isTail = offset > 0 || tokens.valueAt(first - 1) === '+'
    if (isLeft) yield { value: tail.trim(), start: string.placeOf(offset), form: isTail ? 'tail' : 'string' }
    return
  }
  if (isKey(tokens, first)) return
  for await (const found of scanDataAddress(text.trim(), depth)) yield at(found, string)
  if (isShownAsText(code, first, last)) return
  const markup = markupOf(string, code)
  if (markup !== undefined) {
    const shift = markup.indexOf(text)
    for await (const found of scanPage(markup, depth + 1)) {
      const value = found.value.slice(found.value.lastIndexOf(PUT_IN) + 1)
      yield { value, start: string.placeOf(Math.max(0, found.start - shift)), form: 'markup-string' }
    }
    return
  }
  if (isData(text)) {
    for await (const found of scanData(text, depth + 1)) yield at(found, string)
    return
  }
  const isValue = isValueOfPicture(tokens, first)
  for (const found of styleOf(text, isValue ? 'value' : 'text', 'style-string')) yield at(found, string)
  const rest = tokens.valueAt(first - 1) === '+' ? REST_OF_URL.exec(text)?.[1] : undefined
  if (rest !== undefined) yield { value: rest, start: string.placeOf(0), form: 'style-string' }
  for (const found of srcsetOf(text, 'string')) yield at(found, string)
  for (const found of markdownOf(text, 'markdown-string')) yield at(found, string)
}

function at<T extends Found>(found: T, { placeOf }: CodeString): T {
  return { ...found, start: placeOf(found.start) }
}

/** True for a string that is the name of a property, and no answer of a condition. */
function isKey(tokens: CodeTokens, first: number): boolean {
  const before = tokens.valueAt(first - 1)
  return tokens.valueAt(first + 1) === ':' && (before === '{' || before === ',')
}

/** True for the value of a property of a style: `{ background: "…" }`, `style.background = "…"`, `set("background", "…")`. */
function isValueOfPicture(tokens: CodeTokens, first: number): boolean {
  const [name, sign] = [first - 2, tokens.valueAt(first - 1)]
  if (sign !== ':' && sign !== '=' && sign !== ',') return false
  if (sign === ',' && !isLiteral(tokens.typeAt(name))) return false
  return isPictureProperty(tokens.valueAt(name).replace(/^["'`]|["'`]$/g, ''))
}

/**
 * Tells strings that run as code: arguments of `eval()`, which webpack's eval devtools wrap each module in, of
 * `Function()`, and the parts of a `Blob`, which a worker is made of, under a name too.
 */
function codeThatRuns(tokens: CodeTokens): (string: CodeString) => boolean {
  const value = tokens.valueAt
  const names = new Set<string>()
  // A byte for each token: of a million numbers, a set takes forty times as much.
  const parts = new Uint8Array(tokens.length)
  for (let index = 0; index < tokens.length; index++) {
    const name = tokens.typeAt(index) === 'IdentifierName' ? value(index) : ''
    if (name === 'eval' && value(index + 1) === '(') parts[index + 2] = 1
    if (name === 'Function' && value(index + 1) === '(') {
      for (let next = index + 2; next < index + 40 && value(next) !== ')'; next++) parts[next] = 1
    }
    if (name !== 'Blob' || value(index + 1) !== '(' || value(index + 2) !== '[') continue
    for (let next = index + 3; next < index + 20 && value(next) !== ']'; next++) {
      parts[next] = 1
      if (tokens.typeAt(next) === 'IdentifierName') names.add(value(next))
    }
  }
  return ({ first }) => parts[first] === 1 || (value(first - 1) === '=' && names.has(value(first - 2)))
}

/**
 * True for the tail of a template that Vite 8 leaves where it made a choice of modules from a templated `import()`:
 * ``helper({ "./a.png": … }, `./${name}.png?upscale=2`, 2)``. Its helper takes the query off and finds the module by the
 * rest. The number is that of the path's segments, which tells this call from others.
 */
function isKeyOfModules(tokens: CodeTokens, { first, last, text }: CodeString): boolean {
  if (tokens.typeAt(last) !== 'TemplateTail' || tokens.valueAt(first - 1) !== ',') return false
  if (tokens.valueAt(last + 1) !== ',' || tokens.valueAt(last + 3) !== ')') return false
  return Number(tokens.valueAt(last + 2)) === text.split('/').length
}

/** `data:text/javascript,…` and its like, as a worker or a style sheet that was inlined. */
async function* scanDataAddress(text: string, depth: number): AsyncGenerator<Found> {
  const [head = '', type = '', parameters = ''] = DATA_ADDRESS.exec(text) ?? []
  const name = Object.entries(TEXT_TYPES).find(([pattern]) => type.endsWith(pattern))?.[1]
  const scan = name === undefined ? undefined : scannerOf(name)
  if (scan === undefined || depth >= DEEPEST) return
  const content = decode(text.slice(head.length), /;base64$/i.test(parameters))
  if (!mayHold(content)) return
  for await (const found of scan(content, depth + 1)) yield { ...found, start: 0 }
}

/** Ends of media types, and a name that such a text would have as a file. */
const TEXT_TYPES: Readonly<Record<string, string>> = {
  javascript: 'a.js',
  css: 'a.css',
  html: 'a.html',
  json: 'a.json',
  'svg+xml': 'a.svg',
}

function decode(body: string, isBase64: boolean): string {
  if (isBase64) return Buffer.from(body, 'base64').toString()
  try {
    return decodeURIComponent(body)
  } catch {
    // A percent sign that stands for itself.
    return body
  }
}

function isData(text: string): boolean {
  if (!/^\s*[{[]/.test(text)) return false
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** JSON is read by the tokens of JavaScript, which know where a value stands. */
async function* scanData(json: string, depth: number): AsyncGenerator<Found> {
  const tokens = readTokens(json)
  const nested = nest(tokens)
  for (const string of stringsOf(tokens, mayMatter)) {
    if (!mayHold(string.text) || isKey(tokens, string.first)) continue
    const isValue = tokens.valueAt(string.first - 1) === ':'
    if (isValue && NAME_KEY.test(tokens.valueAt(string.first - 2))) continue
    if (depth >= DEEPEST) return
    for await (const found of scanString(string, nested, depth + 1))
      yield found.form === 'markdown-string' ? found : { ...found, form: 'data' }
  }
}

function* scanStyleSheet(css: string): Generator<Found> {
  yield* styleOf(css, 'sheet', 'style')
}

function* styleOf(css: string, kind: StyleKind, form: Form): Generator<Found> {
  // Nothing else makes an address of a text that is not a style sheet.
  if (kind !== 'sheet' && !/(?:url|src|image|image-set)\(/i.test(css)) return
  for (const { value, start } of findStyleReferences(css, kind)) {
    const tail = value.slice(value.lastIndexOf(PUT_IN) + 1).trim()
    yield { value: tail, start: start + value.length - tail.length, form }
  }
}

function* srcsetOf(text: string, form: Form): Generator<Found> {
  if (!/\s/.test(text)) return
  // Twice, since a list of them may be far longer than the text.
  for (const { descriptor } of findCandidates(text)) if (!DESCRIPTOR.test(descriptor)) return
  for (const { address, start } of findCandidates(text)) {
    const value = address.slice(address.lastIndexOf(PUT_IN) + 1)
    yield { value, start: start + address.length - value.length, form }
  }
}

/** Pictures of Markdown, outside of what it shows as code. */
function* markdownOf(text: string, form: Form): Generator<Found> {
  if (!text.includes('![')) return
  for (const { 0: whole, 1: value = '', index } of withoutMarkdownCode(text).matchAll(MARKDOWN_PICTURE)) {
    yield { value, start: index + whole.length - value.length, form }
  }
}

function* scanPlainText(text: string): Generator<Found> {
  yield* markdownOf(text, 'text')
  for (const { 0: line, index } of withoutMarkdownCode(text).matchAll(/^[^\n]*\S[^\n]*$/gm)) {
    const value = line.trim()
    yield { value, start: index + line.indexOf(value), form: 'text' }
  }
}

async function* scanPage(html: string, depth: number): AsyncGenerator<Found> {
  const { elementsOf } = await import('./elements.ts')
  // Twice where there may be one, since a list of them may be far longer than the page.
  const host = /canonical|og:url/.test(html) ? hostOf(elementsOf(html)) : undefined
  for await (const found of scanElements(elementsOf(html), depth)) {
    yield host !== undefined && hostIn(found.value) === host ? { ...found, isOwn: true } : found
  }
}

/** The server of a page, by the whole address that it tells search engines and those who share it. */
function hostOf(elements: Iterable<HtmlElement>): string | undefined {
  for (const { name, attributes } of elements) {
    const told = (key: string): string | undefined =>
      attributes.find(attribute => attribute.name === key)?.value
    const isAddress =
      (name === 'link' && told('rel') === 'canonical') || (name === 'meta' && told('property') === 'og:url')
    const host = isAddress ? hostIn(told('href') ?? told('content') ?? '') : undefined
    if (host !== undefined) return host
  }
  return undefined
}

function hostIn(address: string): string | undefined {
  const whole = address.startsWith('//') ? `https:${address}` : address
  return /^https?:/i.test(whole) && URL.canParse(whole) ? new URL(whole).host : undefined
}

async function* scanElements(elements: Iterable<HtmlElement>, depth: number): AsyncGenerator<Found> {
  for (const { name, attributes, text, texts } of elements) {
    const type = attributes.find(attribute => attribute.name === 'type')?.value
    for (const { name: attribute, value, start } of attributes) {
      if (!mayHold(value)) continue
      for await (const found of scanAttribute(attribute, value, depth))
        yield { ...found, start, form: 'page' }
    }
    if (!mayHold(text)) continue
    const start = texts[0]?.start ?? 0
    const scan = name === 'style' ? scanStyleSheet : name === 'script' ? scannerOfScript(type) : undefined
    if (scan === undefined || depth >= DEEPEST) continue
    for await (const found of scan(text, depth + 1)) yield { ...found, start: start + found.start }
  }
}

/** What a `<script>` of a type holds; undefined for a text that nothing is known of. */
function scannerOfScript(type = ''): Scanner | undefined {
  if (type === '' || /^module$|javascript|babel|jsx/i.test(type)) return scanScript
  if (/json|importmap|speculationrules/i.test(type)) return scanData
  return /template|html/i.test(type) ? scanPage : undefined
}

async function* scanAttribute(name: string, value: string, depth: number): AsyncGenerator<Found> {
  const form = 'page'
  if (CODE_ATTRIBUTE.test(name)) {
    // The value of `:style` is an expression, and an object begins like a block.
    if (depth < DEEPEST) yield* scanScript(`(${value})`, depth + 1)
    return
  }
  if (isProseAttribute(name)) return
  if (name === 'style') yield* styleOf(value, 'sheet', form)
  else if (name === 'srcdoc' && depth < DEEPEST) yield* scanPage(value, depth + 1)
  else if (isData(value)) yield* scanData(value, depth + 1)
  else {
    yield { value: value.trim(), start: 0, form }
    yield* scanDataAddress(value.trim(), depth)
    yield* styleOf(value, 'text', form)
    for (const { address, start } of findCandidates(value)) yield { value: address, start, form }
  }
}

/** XML is searched by its marks: a parser of HTML takes a CDATA section for a comment, and loses what is in it. */
async function* scanXml(xml: string, depth: number): AsyncGenerator<Found> {
  let at = 0
  while (at < xml.length) {
    const [begin, end] = markAt(xml, at)
    const mark = xml.slice(at, end)
    const form = 'text'
    if (mark.startsWith('<![CDATA[')) yield* scanXmlText(mark.slice(9, -3), at + 9, depth)
    else if (mark.startsWith('<') && !mark.startsWith('<!')) {
      for (const { 1: double, 2: single, index } of mark.matchAll(/=\s*(?:"([^"]*)"|'([^']*)')/g)) {
        yield { value: undoEntities(double ?? single ?? '').trim(), start: begin + index, form }
      }
    } else if (!mark.startsWith('<')) yield* scanXmlText(undoEntities(mark), at, depth)
    at = end
  }
}

/** The tag, comment, section or text that begins at a place. */
function markAt(xml: string, at: number): [start: number, end: number] {
  const closing = xml.startsWith('<!--', at) ? '-->' : xml.startsWith('<![CDATA[', at) ? ']]>' : '>'
  if (xml[at] !== '<') {
    const next = xml.indexOf('<', at)
    return [at, next === -1 ? xml.length : next]
  }
  const end = xml.indexOf(closing, at)
  return [at, end === -1 ? xml.length : end + closing.length]
}

async function* scanXmlText(text: string, start: number, depth: number): AsyncGenerator<Found> {
  if (!mayHold(text)) return
  yield { value: text.trim(), start: start + text.indexOf(text.trim()), form: 'text' }
  if (!text.includes('<') || depth >= DEEPEST) return
  for await (const found of scanPage(text, depth + 1)) {
    yield { ...found, start: start + found.start, form: 'text' }
  }
}

function undoEntities(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
}
