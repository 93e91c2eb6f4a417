import { parse, type DefaultTreeAdapterTypes as Tree } from 'parse5'

/** An attribute, and where it stands in the text: name, equals sign and value. */
export interface HtmlAttribute {
  /** With its prefix, as in `xlink:href`. */
  readonly name: string
  /** Without the prefix of a foreign namespace. */
  readonly localName: string
  /** Decoded: `&amp;` is `&`. */
  readonly value: string
  readonly start: number
  readonly end: number
}

/** A text right inside an element, and where it stands. */
export interface HtmlText {
  readonly start: number
  readonly end: number
}

export interface HtmlElement {
  readonly name: string
  readonly attributes: readonly HtmlAttribute[]
  /** The text right inside the element; what a `<script>` or `<style>` holds. */
  readonly text: string
  /** The pieces of that text. In what is written there, entities are not decoded and line ends stay. */
  readonly texts: readonly HtmlText[]
}

/**
 * Every element of a page, those inside `<template>` and `<noscript>` included, as Vite sees them. Comments and text
 * are no elements. Total, as HTML parsing is.
 */
export function* elementsOf(html: string): Generator<HtmlElement> {
  const open: Tree.Node[] = [parse(html, { scriptingEnabled: false, sourceCodeLocationInfo: true })]
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if ('attrs' in node) yield describe(node)
    const children = 'content' in node ? node.content.childNodes : 'childNodes' in node ? node.childNodes : []
    // One by one: as arguments of one call, a hundred thousand overflow the stack.
    for (let at = children.length - 1; at >= 0; at--) open.push(...children.slice(at, at + 1))
  }
}

function describe(node: Tree.Element): HtmlElement {
  const places = node.sourceCodeLocation?.attrs ?? {}
  const attributes = node.attrs.flatMap(({ prefix, name: local, value }) => {
    const name = prefix === undefined || prefix === '' ? local : `${prefix}:${local}`
    const place = places[name]
    // An element that the parser added or merged has no place in the text, so there is nothing to change either.
    return place === undefined
      ? []
      : [{ name, localName: local, value, start: place.startOffset, end: place.endOffset }]
  })
  const children = node.childNodes.filter(child => 'value' in child)
  const texts = children.flatMap(({ sourceCodeLocation: place }) =>
    place ? [{ start: place.startOffset, end: place.endOffset }] : [],
  )
  return { name: node.nodeName, attributes, text: children.map(({ value }) => value).join(''), texts }
}
