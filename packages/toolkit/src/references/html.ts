import { elementsOf, type HtmlElement } from './elements.ts'
import { isProseAttribute } from './prose-attributes.ts'

/** What a value holds: one address, a `srcset`, CSS, or JSON. */
export type ValueKind = 'address' | 'srcset' | 'css' | 'data'

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

export interface HtmlPage {
  /** The address that relative ones in the page start from, as written in `<base href>`. */
  readonly base: string | undefined
  readonly values: readonly HtmlValue[]
}

/**
 * Takes a page apart. Every attribute may hold an address, those of scripts that load pictures later (`data-src`)
 * included, unless it is one of those that hold prose. Comments and text are no references. Total, as HTML parsing is.
 */
export function readHtml(html: string): HtmlPage {
  const elements = [...elementsOf(html)]
  const bases = elements.filter(({ name }) => name === 'base').flatMap(({ attributes }) => attributes)
  return {
    base: bases.find(({ name }) => name === 'href')?.value,
    values: elements.flatMap(element => [...attributeValues(element, html), ...textValues(element, html)]),
  }
}

function attributeValues({ attributes }: HtmlElement, html: string): HtmlValue[] {
  return attributes.flatMap(({ localName, value, start, end }) => {
    if (isProseAttribute(localName)) return []
    const print = (changed: string): string => printAttribute(html.slice(start, end), changed)
    return [{ kind: kindOf(localName), value, start, end, print }]
  })
}

function textValues({ name, attributes, texts }: HtmlElement, html: string): HtmlValue[] {
  const type = attributes.find(attribute => attribute.name === 'type')?.value ?? ''
  const isData = name === 'script' && /\bjson\b/i.test(type)
  if (name !== 'style' && !isData) return []
  // As written: in a <style> or <script> nothing is decoded, but line ends are.
  return texts.map(({ start, end }) => ({
    kind: isData ? ('data' as const) : ('css' as const),
    value: html.slice(start, end),
    start,
    end,
    print: (text: string) => text,
  }))
}

function kindOf(name: string): ValueKind {
  if (name === 'style') return 'css'
  return name.endsWith('srcset') ? 'srcset' : 'address'
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
