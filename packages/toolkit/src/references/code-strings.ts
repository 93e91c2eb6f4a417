import { type CodeToken, literalText } from './script.ts'

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

/** The strings and templates of a code, those within the expressions of templates included. */
export function* stringsOf(tokens: readonly CodeToken[]): Generator<CodeString> {
  const open: { first: number; pieces: Piece[] }[] = []
  for (const [index, token] of tokens.entries()) {
    const { type, value, start } = token
    const top = open.at(-1)
    const piece = (cut: number): Piece => ({ start: start + 1, text: cook(value.slice(1, -cut)) })
    if (type === 'TemplateHead') open.push({ first: index, pieces: [piece(2)] })
    else if (type === 'TemplateMiddle' && top) top.pieces.push(piece(2))
    else if (type === 'TemplateTail' && top) {
      open.pop()
      yield stringOf(top.first, index, [...top.pieces, piece(1)])
    } else if (literalText(token) !== undefined) yield stringOf(index, index, [piece(1)])
  }
}

function stringOf(first: number, last: number, pieces: readonly Piece[]): CodeString {
  return {
    first,
    last,
    text: pieces.map(({ text }) => text).join(PUT_IN),
    placeOf(offset) {
      let rest = offset
      for (const { start, text } of pieces) {
        if (rest <= text.length) return start + rest
        rest -= text.length + PUT_IN.length
      }
      return (pieces[0]?.start ?? 0) + offset
    },
  }
}

/** The markup of a string, made whole where it breaks off in a tag; undefined for a string that is none. */
export function markupOf({ first, last, text }: CodeString, code: NestedCode): string | undefined {
  const { tokens } = code
  if (isShownAsText(code, first, last)) return undefined
  if (MARKUP.test(text)) return text + ENDS
  if (tokens[first - 1]?.value !== '+' || !REST_OF_TAG.test(text)) return undefined
  const [, before = '', quote = ''] = /^([^"'>]*)(["']?)/.exec(text) ?? []
  // An equals sign before the quote says that the quote opens a value; else it closes one.
  const begin = quote === '' || /=\s*$/.test(before) ? '<img ' : `<img data-rest=${quote}`
  return begin + text + ENDS
}

/** What a string means once its escapes are undone. Total. */
export function cook(written: string): string {
  return written.replace(
    /\\(?:u\{([\da-f]{1,6})\}|u([\da-f]{4})|x([\da-f]{2})|(\r\n|.))/gis,
    (whole, point, unit, byte, other) => {
      if (other !== undefined) return CONTROLS[other] ?? other
      const code = Number.parseInt(point ?? unit ?? byte, 16)
      return code > 0x10_ff_ff ? whole : String.fromCodePoint(code)
    },
  )
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
  const at = (index: number): string => tokens[index]?.value ?? ''
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
  const at = (index: number): string => tokens[index]?.value ?? ''
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
function isChild({ tokens, openers }: NestedCode, place: number): boolean {
  const at = (index: number): string => tokens[index]?.value ?? ''
  let index = place
  let opener = openers[index] ?? -1
  while (at(index - 1) !== ':' && at(opener) === '[') {
    index = opener
    opener = openers[index] ?? -1
  }
  if (at(index - 1) === ':') return TEXT_PROPERTY.test(at(index - 2))
  if (at(opener) !== '(' || index === opener + 1) return false
  // An element without properties; with nothing before it, `null` is another function's.
  if (at(index - 1) === ',' && at(index - 2) === 'null' && opener + 1 < index - 2) return true
  return TEXT_ELEMENT.test(at(opener + 1)) && at(opener + 2) === ','
}

/** A code with the bracket, or the start of a template, that each of its tokens stands in; -1 for none. */
export interface NestedCode {
  readonly tokens: readonly CodeToken[]
  readonly openers: Int32Array
}

export function nest(tokens: readonly CodeToken[]): NestedCode {
  const openers = new Int32Array(tokens.length)
  const open: number[] = []
  for (const [index, { type, value }] of tokens.entries()) {
    openers[index] = open.at(-1) ?? -1
    if (type === 'TemplateHead') open.push(index)
    else if (type === 'TemplateTail') open.pop()
    else if (type !== 'Punctuator') continue
    else if (value === '(' || value === '[' || value === '{') open.push(index)
    else if (value === ')' || value === ']' || value === '}') open.pop()
  }
  return { tokens, openers }
}
