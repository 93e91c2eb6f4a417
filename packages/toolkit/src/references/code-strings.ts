import { type CodeTokens, isLiteral } from './script.ts'
import { createTextParts } from './text-parts.ts'

/*
 * Compilers of components and people who set `innerHTML` write markup into strings of JavaScript. A string is taken for
 * markup by its beginning, and for text where what stands around it shows it as text: both look the same otherwise.
 */

/** Stands for what a template puts in. A part of an address, and neither white space nor a quote. */
export const PUT_IN = '\uFFFC'

const MARKUP = /^[\s\uFFFC]*<[a-z!/]/i
/** The rest of a tag that an earlier piece of a sum opened: `" src="./a.png?upscale=2">`. */
const REST_OF_TAG = /^[^<>]*>/
/** Ends whatever a text breaks off in, a tag or a quoted value; parsers drop a tag without an end. */
const ENDS = `">'>">`

const TEXT_PROPERTY =
  /^["'`]?(?:children|textContent|innerText|nodeValue|alt|title|placeholder|aria-[a-z]+|aria[A-Z]\w*)["'`]?$/
/** Properties whose value names something; nothing is loaded from it. */
const NAME_PROPERTY = /^["'`]?(?:id|key|class|className|htmlFor)["'`]?$/
const TEXT_MAKER = /^_?create(?:TextNode|TextVNode|Comment)$/
/** Elements that a page about references shows them in. */
const TEXT_ELEMENT =
  /^["'`](?:code|pre|kbd|samp|tt|var|p|span|div|li|d[dt]|t[dh]|h[1-6]|a|b|i|em|strong|small|mark|q|blockquote|summary|figcaption|caption|label|button|option|textarea)["'`]$/i

const CODE_ELEMENT = /^["'`](?:code|pre|kbd|samp|tt|var)["'`]$/i

/** A string or a whole template of JavaScript. */
export interface CodeString {
  /** Places of its first and last token. */
  readonly first: number
  readonly last: number
  /** With its escapes undone, and {@link PUT_IN} for each `${…}`. */
  readonly text: string
  /** Where a place in the text stands in the code. With escapes before it, it is a few characters off. */
  placeOf(offset: number): number
}

/** A piece of a string that the code has in one place. */
interface Piece {
  readonly start: number
  readonly text: string
}

/**
 * The strings and templates of a code, those within the expressions of templates included.
 * @param isWanted by a piece as it is written; undoing the escapes of all that nobody looks at takes longer than all else
 */
export function* stringsOf(
  tokens: CodeTokens,
  isWanted: (written: string) => boolean = () => true,
): Generator<CodeString> {
  // The last piece of each template that is open, and the piece before each piece.
  const open: number[] = []
  const before = new Int32Array(tokens.length)
  const writtenAt = (index: number): string => {
    const isOpen = tokens.typeAt(index) === 'TemplateHead' || tokens.typeAt(index) === 'TemplateMiddle'
    return tokens.valueAt(index).slice(1, isOpen ? -2 : -1)
  }
  const stringAt = (indexes: readonly [number, ...number[]]): CodeString | undefined => {
    if (!indexes.some(index => isWanted(writtenAt(index)))) return undefined
    const pieces = indexes.map(index => ({
      start: tokens.startAt(index) + 1,
      text: cook(writtenAt(index)),
    }))
    return stringOf(indexes[0], indexes.at(-1) ?? indexes[0], pieces)
  }
  for (let index = 0; index < tokens.length; index++) {
    const type = tokens.typeAt(index)
    const last = open.at(-1)
    if (type === 'TemplateHead') {
      before[index] = -1
      open.push(index)
    } else if (type === 'TemplateMiddle' && last !== undefined) {
      before[index] = last
      open[open.length - 1] = index
    } else if (isLiteral(type)) {
      const indexes: [number, ...number[]] = [index]
      if (type === 'TemplateTail' && last !== undefined) {
        open.pop()
        for (let piece = last; piece >= 0; piece = before[piece] ?? -1) indexes.push(piece)
        indexes.reverse()
      }
      const string = stringAt(indexes)
      if (string !== undefined) yield string
    }
  }
}

function stringOf(first: number, last: number, pieces: readonly Piece[]): CodeString {
  let offsets: number[] | undefined
  return {
    first,
    last,
    text: pieces.map(({ text }) => text).join(PUT_IN),
    placeOf(offset) {
      offsets ??= offsetsOf(pieces)
      const at = lastUpTo(offset, offsets)
      return (pieces[at]?.start ?? 0) + offset - (offsets[at] ?? 0)
    },
  }
}

/** Where each piece begins in the text that they make. */
function offsetsOf(pieces: readonly Piece[]): number[] {
  let offset = 0
  return pieces.map(({ text }) => {
    const begin = offset
    offset += text.length + PUT_IN.length
    return begin
  })
}

/** The place of the last of some rising numbers that is not larger. */
function lastUpTo(number: number, numbers: readonly number[]): number {
  let low = 0
  let high = numbers.length
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if ((numbers[middle] ?? 0) <= number) low = middle
    else high = middle
  }
  return low
}

/** The markup of a string, made whole where it breaks off in a tag; undefined for a string that is none. */
export function markupOf({ first, last, text }: CodeString, code: NestedCode): string | undefined {
  const { tokens } = code
  if (isShownAsText(code, first, last)) return undefined
  if (MARKUP.test(text)) return text + ENDS
  if (tokens.valueAt(first - 1) !== '+' || !REST_OF_TAG.test(text)) return undefined
  const [, before = '', quote = ''] = /^([^"'>]*)(["']?)/.exec(text) ?? []
  // An equals sign before the quote says that the quote opens a value; else it closes one.
  const begin = quote === '' || /=\s*$/.test(before) ? '<img ' : `<img data-rest=${quote}`
  return begin + text + ENDS
}

/** What a string means once its escapes are undone. Total. */
export function cook(written: string): string {
  if (!written.includes('\\')) return written
  const parts = createTextParts()
  let at = 0
  for (let next = written.indexOf('\\'); next !== -1; next = written.indexOf('\\', at)) {
    ESCAPE.lastIndex = next
    const match = ESCAPE.exec(written)
    parts.add(written.slice(at, next))
    parts.add(match === null ? '\\' : meaningOf(match))
    at = match === null ? next + 1 : ESCAPE.lastIndex
  }
  parts.add(written.slice(at))
  return parts.text()
}

const ESCAPE = /\\(?:u\{([\da-f]{1,6})\}|u([\da-f]{4})|x([\da-f]{2})|(\r\n|.))/isy

function meaningOf([whole, point, unit, byte, other]: RegExpExecArray): string {
  if (other !== undefined) return CONTROLS[other] ?? other
  const code = Number.parseInt(point ?? unit ?? byte ?? '', 16)
  return code > 0x10_ff_ff ? whole : String.fromCodePoint(code)
}

const CONTROLS: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  b: '\b',
  f: '\f',
  v: '\v',
  '0': '\0',
  '\n': '',
  '\r\n': '',
}

/**
 * True for the child of an element that React, Vue and others create, and for what the DOM is told to show as text.
 * In `&lt;img src="…"&gt;` of a component nothing else is left of the escapes.
 */
export function isShownAsText(code: NestedCode, first: number, last: number): boolean {
  const { tokens, openers } = code
  const at = tokens.valueAt
  const before = at(first - 1)
  if (before === '=') return TEXT_PROPERTY.test(at(first - 2))
  if (before === '(' && TEXT_MAKER.test(at(first - 2))) return true
  // Vue marks what never changes, the texts that it makes nodes of among them.
  if ([1, 2, 3, 4].map(step => at(last + step)).join('') === ',-1)') return true
  if (isChild(code, first)) return true
  // `h("p", null, [text("…")])`, where the name of Vue's function is lost.
  const list = openers[first - 1] ?? -1
  return before === '(' && at(last + 1) === ')' && at(list) === '[' && isChild(code, list)
}

/**
 * True for a string that names something or that a page shows, although it reads like an address. Stricter than the test
 * for markup: `images.set("a", "./a.png")` looks like the child of a link.
 */
export function isNameOrText({ tokens, openers }: NestedCode, first: number, last: number): boolean {
  const at = tokens.valueAt
  const before = at(first - 1)
  if (before === ':') return isNameOrTextProperty(at(first - 2))
  // A variable may have any name, `id` among those that minifiers give.
  // `document.title` is where people put what they want to see, an address among it.
  if (before === '=')
    return at(first - 3) === '.' && at(first - 4) !== 'document' && isNameOrTextProperty(at(first - 2))
  if (before === '(' && TEXT_MAKER.test(at(first - 2))) return true
  if ([1, 2, 3, 4].map(step => at(last + step)).join('') === ',-1)') return true
  const opener = openers[first] ?? -1
  if (at(opener) === '[' && at(opener - 1) === ':') return isNameOrTextProperty(at(opener - 2))
  return at(opener) === '(' && first > opener + 1 && CODE_ELEMENT.test(at(opener + 1))
}

function isNameOrTextProperty(name: string): boolean {
  return TEXT_PROPERTY.test(name) || NAME_PROPERTY.test(name)
}

/** True for what stands where an element's children do, or in a list of them. */
function isChild({ tokens, openers, lists }: NestedCode, place: number): boolean {
  const at = tokens.valueAt
  const index = lists[place] ?? place
  const opener = openers[index] ?? -1
  if (at(index - 1) === ':') return TEXT_PROPERTY.test(at(index - 2))
  if (at(opener) !== '(' || index === opener + 1) return false
  // An element without properties; with nothing before it, `null` is another function's.
  if (at(index - 1) === ',' && at(index - 2) === 'null' && opener + 1 < index - 2) return true
  return TEXT_ELEMENT.test(at(opener + 1)) && at(opener + 2) === ','
}

/** A code, and where each of its tokens stands. */
export interface NestedCode {
  readonly tokens: CodeTokens
  /** The bracket, or the start of a template, that a token stands in; -1 for none. */
  readonly openers: Int32Array
  /** The outermost of the lists in lists that a token is an item of, or the token itself. The value of a property is none. */
  readonly lists: Int32Array
}

export function nest(tokens: CodeTokens): NestedCode {
  const openers = new Int32Array(tokens.length)
  const lists = new Int32Array(tokens.length)
  const open: number[] = []
  let before = ''
  for (let index = 0; index < tokens.length; index++) {
    const opener = open.at(-1) ?? -1
    openers[index] = opener
    const isItem = before !== ':' && tokens.valueAt(opener) === '['
    lists[index] = isItem ? (lists[opener] ?? opener) : index
    const type = tokens.typeAt(index)
    const value = type === 'Punctuator' ? tokens.valueAt(index) : ''
    before = value
    if (type === 'TemplateHead' || value === '(' || value === '[' || value === '{') open.push(index)
    else if (type === 'TemplateTail' || value === ')' || value === ']' || value === '}') open.pop()
  }
  return { tokens, openers, lists }
}
