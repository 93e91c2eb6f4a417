import { mayHoldTags } from './address.ts'
import { elementsInParts, type HtmlElement } from './elements.ts'
import { isProseAttribute } from './prose-attributes.ts'
import type { Steps } from './steps.ts'

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
  /** An attribute is more than its value. */
  readonly isAttribute: boolean
}

export interface HtmlPage {
  /** The address that relative ones in the page start from, as written in `<base href>`. */
  readonly base: string | undefined
  /** Those that can't be passed over without looking closer. */
  readonly values: readonly HtmlValue[]
}

/**
 * Takes a page apart. Every attribute may hold an address, those of scripts that load pictures later (`data-src`)
 * included, unless it is one of those that hold prose. Comments and text are no references. Total, as HTML parsing is.
 */
export function* readHtml(html: string): Steps<HtmlPage> {
  let base: string | undefined
  const values: HtmlValue[] = []
  for (const elements of elementsInParts(html)) {
    for (const element of elements) {
      if (element.name === 'base') base ??= element.attributes.find(({ name }) => name === 'href')?.value
      // One by one: as arguments of one call, a hundred thousand overflow the stack.
      for (const value of attributeValues(element)) values.push(value)
      for (const value of textValues(element, html)) values.push(value)
    }
    yield undefined
  }
  return { base, values }
}

function attributeValues({ attributes }: HtmlElement): HtmlValue[] {
  return attributes.flatMap(({ localName, value, start, end }) =>
    mayHoldTags(value) && !isProseAttribute(localName)
      ? [{ kind: kindOf(localName), value, start, end, isAttribute: true }]
      : [],
  )
}

function textValues({ name, attributes, texts }: HtmlElement, html: string): HtmlValue[] {
  if (texts.length === 0) return []
  const type = attributes.find(attribute => attribute.name === 'type')?.value ?? ''
  const isData = name === 'script' && /\bjson\b/i.test(type)
  if (name !== 'style' && !isData) return []
  return texts.flatMap(({ start, end }) => {
    // As written: in a <style> or <script> nothing is decoded, but line ends are.
    const value = html.slice(start, end)
    const kind = isData ? ('data' as const) : ('css' as const)
    return mayHoldTags(value) ? [{ kind, value, start, end, isAttribute: false }] : []
  })
}

function kindOf(name: string): ValueKind {
  if (name === 'style') return 'css'
  return name.endsWith('srcset') ? 'srcset' : 'address'
}

/** The text from start to end of a value that gives its attribute or element another one; name, spaces and quotes stay as they were written. */
export function printValue({ start, end, isAttribute }: HtmlValue, html: string, value: string): string {
  if (!isAttribute) return value
  const written = html.slice(start, end)
  const [, head = '', mark = ''] = /^([^=]*=\s*)(["']?)/.exec(written) ?? []
  const quote = mark === '' ? '"' : mark
  return `${head}${quote}${escapeAttribute(value, quote)}${quote}`
}

/** A value as it may stand between quotes. */
export function escapeAttribute(value: string, quote = '"'): string {
  return value.replaceAll('&', '&amp;').replaceAll(quote, quote === '"' ? '&quot;' : '&#39;')
}
