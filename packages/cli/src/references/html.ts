import { selectAll } from 'css-select'
import { type AnyNode, type Element, hasChildren, isTag, isText } from 'domhandler'
import { parse, type Token } from 'parse5'
import { adapter } from 'parse5-htmlparser2-tree-adapter'

/** What a value holds: one address, a `srcset`, or CSS. */
export type ValueKind = 'address' | 'srcset' | 'css'

/** A value in a page that may hold references. */
export interface HtmlValue {
  readonly kind: ValueKind
  /** Decoded: `&amp;` is `&`. */
  readonly value: string
  /** Where it starts, for messages. */
  readonly start: number
  readonly end: number
  /** The text for start to end that gives the attribute or element another value. */
  print(value: string): string
}

/** An `<img>` that has a picture but no `srcset`. */
export interface PlainImage {
  readonly src: string
  /** Where the attribute `src` starts. */
  readonly start: number
  /** Where another attribute can be put. */
  readonly end: number
}

export interface HtmlPage {
  /** The address that relative ones in the page start from, as written in `<base href>`. */
  readonly base: string | undefined
  readonly values: readonly HtmlValue[]
  /** The images under a selector that can be given a `srcset`. @throws Error for a selector that is none */
  imagesUnder(selector: string): PlainImage[]
}

/** Attributes whose value is prose, even where it looks like an address. */
const PROSE = /^(?:alt|title|placeholder|label|value|summary|aria-.*|on.*|id|class|name|property|rel|type)$/

/**
 * Takes a page apart. Every attribute may hold an address, those of scripts that load pictures later (`data-src`)
 * included, unless it is one of those that hold prose. Comments and text are no references. Total, as HTML parsing is.
 */
export function readHtml(html: string): HtmlPage {
  const document = parse(html, {
    scriptingEnabled: false,
    sourceCodeLocationInfo: true,
    treeAdapter: adapter,
  })
  const elements = [...elementsOf(document)]
  const base = elements.find(({ name, attribs }) => name === 'base' && attribs.href !== undefined)
  return {
    base: base?.attribs.href,
    values: elements.flatMap(element => [...attributeValues(element, html), ...styleValues(element, html)]),
    imagesUnder(selector) {
      const roots = selectAll<AnyNode, Element>(selector, document)
      const images = new Set(
        roots.flatMap(root => [...elementsOf(root)]).filter(({ name }) => name === 'img'),
      )
      return [...images].flatMap(image => plainImage(image) ?? [])
    },
  }
}

function* elementsOf(node: AnyNode): Generator<Element> {
  const open: AnyNode[] = [node]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (isTag(next)) yield next
    if (hasChildren(next)) open.push(...[...next.children].reverse())
  }
}

function attributeValues(element: Element, html: string): HtmlValue[] {
  return element.attributes.flatMap(({ name: local, value, prefix }) => {
    const place = placeOf(element, local, prefix)
    if (place === undefined || PROSE.test(local)) return []
    const { start, end } = place
    const print = (changed: string): string => printAttribute(html.slice(start, end), changed)
    return [{ kind: kindOf(local), value, start, end, print }]
  })
}

function styleValues(element: Element, html: string): HtmlValue[] {
  if (element.name !== 'style') return []
  return element.children.flatMap(child => {
    const place = child.sourceCodeLocation
    if (!isText(child) || place === null || place === undefined) return []
    const { startOffset: start, endOffset: end } = place
    // As written: in a <style> nothing is decoded, but line ends are.
    return [
      { kind: 'css' as const, value: html.slice(start, end), start, end, print: (text: string) => text },
    ]
  })
}

function kindOf(name: string): ValueKind {
  if (name === 'style') return 'css'
  return name.endsWith('srcset') ? 'srcset' : 'address'
}

function plainImage(image: Element): PlainImage | undefined {
  const { src, srcset } = image.attribs
  const place = placeOf(image, 'src', undefined)
  if (src === undefined || srcset !== undefined || place === undefined) return undefined
  return { src, ...place }
}

function placeOf(
  element: Element,
  name: string,
  prefix: string | undefined,
): { readonly start: number; readonly end: number } | undefined {
  const location: Token.ElementLocation | null | undefined = element.sourceCodeLocation
  const full = prefix === undefined || prefix === '' ? name : `${prefix}:${name}`
  const place = location?.attrs?.[full]
  // An element that the parser added or merged has no place in the text, so there is nothing to change either.
  return place && { start: place.startOffset, end: place.endOffset }
}

/** The attribute with another value; name, spaces and quotes stay as they were written. */
function printAttribute(written: string, value: string): string {
  const [, head = '', mark = ''] = /^([^=]*=\s*)(["']?)/.exec(written) ?? []
  const quote = mark === '' ? '"' : mark
  return `${head}${quote}${escapeAttribute(value, quote)}${quote}`
}

/** A value as it may stand between quotes. */
export function escapeAttribute(value: string, quote = '"'): string {
  return value.replaceAll('&', '&amp;').replaceAll(quote, quote === '"' ? '&quot;' : '&#39;')
}
