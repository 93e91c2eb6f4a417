import { type CodeToken, literalText } from 'upscale-toolkit/references/script'

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

const TEXT_PROPERTY = /^["'`]?(?:children|textContent|innerText|nodeValue|alt|title)["'`]?$/
const TEXT_MAKER = /^_?create(?:TextNode|TextVNode|Comment)$/
/** Elements that a page about references shows them in. */
const TEXT_ELEMENT =
  /^["'`](?:code|pre|kbd|samp|tt|var|p|span|div|li|d[dt]|t[dh]|h[1-6]|a|b|i|em|strong|small|mark|q|blockquote|summary|figcaption|caption|label|button|option|textarea)["'`]$/i

/** A string or a whole template of JavaScript. */
export interface CodeString {
  /** Places of its first and last token. */
  readonly first: number
  readonly last: number
  /** With its escapes undone, and {@link PUT_IN} for each `${…}`. */
  readonly text: string
}

/** The strings and templates of a code, those within the expressions of templates included. */
export function* stringsOf(tokens: readonly CodeToken[]): Generator<CodeString> {
  const open: { first: number; text: string }[] = []
  for (const [index, token] of tokens.entries()) {
    const { type, value } = token
    const top = open.at(-1)
    if (type === 'TemplateHead') open.push({ first: index, text: value.slice(1, -2) })
    else if (type === 'TemplateMiddle' && top) top.text += PUT_IN + value.slice(1, -2)
    else if (type === 'TemplateTail' && top) {
      open.pop()
      yield { first: top.first, last: index, text: cook(top.text + PUT_IN + value.slice(1, -1)) }
    } else {
      const text = literalText(token)
      if (text !== undefined) yield { first: index, last: index, text: cook(text) }
    }
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
function isShownAsText(code: NestedCode, first: number, last: number): boolean {
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
