import { foreignContent, html as standard, type Token, type Tokenizer, TokenizerMode } from 'parse5'
import { PageTokenizer } from './page-tokenizer.ts'

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
  /** The text right inside a `<script>` or `<style>`; empty for any other element. */
  readonly text: string
  /** The pieces of that text. In what is written there, entities are not decoded and line ends stay. */
  readonly texts: readonly HtmlText[]
}

const { TAG_ID: TAG, NS } = standard

/** What the text of an element is read as, where that is not markup. As Vite reads pages, scripts are off. */
const TEXT_MODES: ReadonlyMap<number, (typeof TokenizerMode)[keyof typeof TokenizerMode]> = new Map([
  [TAG.TEXTAREA, TokenizerMode.RCDATA],
  [TAG.TITLE, TokenizerMode.RCDATA],
  [TAG.PLAINTEXT, TokenizerMode.PLAINTEXT],
  [TAG.SCRIPT, TokenizerMode.SCRIPT_DATA],
  [TAG.STYLE, TokenizerMode.RAWTEXT],
  [TAG.IFRAME, TokenizerMode.RAWTEXT],
  [TAG.XMP, TokenizerMode.RAWTEXT],
  [TAG.NOEMBED, TokenizerMode.RAWTEXT],
  [TAG.NOFRAMES, TokenizerMode.RAWTEXT],
])

/** How many tokens are read between two pauses. */
const AT_A_TIME = 1000

/**
 * The elements of a page that have attributes or a text, those inside `<template>` and `<noscript>` included, in order and one
 * after the other. Comments and text are no elements. Total, as HTML parsing is.
 *
 * Read by the tokens of HTML and not from its tree: a tree takes five hundred times the memory of a page of many tags, drops
 * what stands where it may not (a `<td>` without a table, as a string of code may have it), and has elements twice that
 * were opened and never closed.
 */
export function* elementsOf(html: string): Generator<HtmlElement> {
  for (const elements of elementsInParts(html)) yield* elements
}

/** The same in lists of some, or none, between which others may have their turn. */
export function* elementsInParts(html: string): Generator<readonly HtmlElement[]> {
  let elements: HtmlElement[] = []
  let open: OpenText | undefined
  let count = 0
  const pauseNowAndThen = (): void => {
    // An element whose text is open is not done.
    if (++count < AT_A_TIME || open !== undefined) return
    count = 0
    tokenizer.pause()
  }
  const onText = (token: Token.CharacterToken): void => {
    open?.add(token)
    pauseNowAndThen()
  }
  const nothing = (): void => {}
  const handler = {
    onStartTag(token: Token.TagToken) {
      spaces.enter(token)
      open?.enter(token)
      const attributes = attributesOf(token, tokenizer)
      const hasText = token.tagID === TAG.SCRIPT || token.tagID === TAG.STYLE
      if (attributes.length > 0 || hasText) {
        const element = { name: token.tagName, attributes, text: '', texts: [] as HtmlText[] }
        elements.push(element)
        // In HTML the slash of a `<style/>` says nothing.
        if (hasText && !(token.selfClosing && tokenizer.inForeignNode)) open = openText(element)
      }
      pauseNowAndThen()
    },
    onEndTag(token: Token.TagToken) {
      if (open?.leave(token) === true) open = undefined
      spaces.leave(token)
      pauseNowAndThen()
    },
    onCharacter: onText,
    onWhitespaceCharacter: onText,
    onNullCharacter: onText,
    onComment: pauseNowAndThen,
    onDoctype: nothing,
    onEof: nothing,
    onParseError: null,
  }
  const tokenizer = new PageTokenizer({ sourceCodeLocationInfo: true }, handler)
  const spaces = createNamespaces(tokenizer)
  tokenizer.write(html, true)
  while (tokenizer.isPaused) {
    yield elements
    elements = []
    tokenizer.resume()
  }
  yield elements
}

function attributesOf(tag: Token.TagToken, tokenizer: PageTokenizer): HtmlAttribute[] {
  return tag.attrs.flatMap(({ prefix, name: local, value }, index) => {
    const name = prefix === undefined || prefix === '' ? local : `${prefix}:${local}`
    const place = tokenizer.placeOf(tag, index, name)
    return place === undefined
      ? []
      : [{ name, localName: local, value, start: place.startOffset, end: place.endOffset }]
  })
}

interface OpenText {
  add(token: Token.CharacterToken): void
  enter(token: Token.TagToken): void
  /** @returns whether the element itself has ended */
  leave(token: Token.TagToken): boolean
}

/** Collects the text of an element, that of elements in it left out: in a drawing, a `<style>` may have some. */
function openText(element: { readonly name: string; text: string; texts: HtmlText[] }): OpenText {
  let depth = 0
  let isGoingOn = false
  return {
    add({ chars, location }) {
      if (depth > 0 || !location) return
      element.text += chars
      const last = element.texts.at(-1)
      const { startOffset: start, endOffset: end } = location
      if (isGoingOn && last !== undefined)
        element.texts[element.texts.length - 1] = { start: last.start, end }
      else element.texts.push({ start, end })
      isGoingOn = true
    },
    enter({ selfClosing }) {
      if (!selfClosing) depth++
      isGoingOn = false
    },
    leave({ tagName }) {
      isGoingOn = false
      // An end of something that was not begun says nothing.
      if (depth === 0) return tagName === element.name
      depth--
      return false
    },
  }
}

/**
 * Follows where a page is HTML and where a drawing or a formula: what a tag and its text mean depends on it. As exact as can
 * be without a tree; a drawing that nothing closes ends at the next tag of HTML that it can't have.
 */
function createNamespaces(tokenizer: Tokenizer): {
  enter(token: Token.TagToken): void
  leave(token: Token.TagToken): void
} {
  // By whom each was begun: the HTML in a `<desc>` ends with that, and not with a `<title>` in it.
  const open: { readonly space: standard.NS; readonly by?: standard.TAG_ID }[] = [{ space: NS.HTML }]
  const inner = (): standard.NS => open.at(-1)?.space ?? NS.HTML
  function push(space: standard.NS, by: standard.TAG_ID): void {
    open.push({ space, by })
    tokenizer.inForeignNode = space !== NS.HTML
  }
  function pop(): void {
    open.pop()
    tokenizer.inForeignNode = inner() !== NS.HTML
  }

  function enterForeign(token: Token.TagToken): void {
    const space = inner()
    if (space === NS.MATHML) foreignContent.adjustTokenMathMLAttrs(token)
    else {
      foreignContent.adjustTokenSVGTagName(token)
      foreignContent.adjustTokenSVGAttrs(token)
    }
    foreignContent.adjustTokenXMLAttrs(token)
    if (token.selfClosing) return
    if (foreignContent.isIntegrationPoint(token.tagID, space, token.attrs)) push(NS.HTML, token.tagID)
  }

  return {
    enter(token) {
      const begins = token.tagID === TAG.SVG ? NS.SVG : token.tagID === TAG.MATH ? NS.MATHML : undefined
      if (begins !== undefined) push(begins, token.tagID)
      else while (inner() !== NS.HTML && foreignContent.causesExit(token)) pop()
      if (inner() !== NS.HTML) {
        enterForeign(token)
        if (begins !== undefined && token.selfClosing) pop()
        return
      }
      if (token.tagID === TAG.IMAGE) token.tagName = standard.TAG_NAMES.IMG
      const mode = TEXT_MODES.get(token.tagID)
      if (mode !== undefined) tokenizer.state = mode
    },
    leave(token) {
      const space = inner()
      if (space === NS.HTML) {
        const { by } = open.at(-1) ?? {}
        if (open.at(-2)?.space === NS.SVG) foreignContent.adjustTokenSVGTagName(token)
        if (by !== undefined && by === token.tagID) pop()
      } else if (token.tagID === TAG.P || token.tagID === TAG.BR) while (inner() !== NS.HTML) pop()
      else if (open.at(-1)?.by === token.tagID) pop()
    },
  }
}
