import {
  type AnyNode,
  type Document,
  Element,
  hasChildren,
  isDocument,
  isTag,
  isText,
  type ParentNode,
} from 'domhandler'
import type { Token, TreeAdapter } from 'parse5'
import { adapter, type Htmlparser2TreeAdapterMap } from 'parse5-htmlparser2-tree-adapter'
import type { Steps } from '../references/steps.ts'
import type { PageLimits } from './page-limits.ts'
import { DEEPEST, PageParser } from './page-parser.ts'

/**
 * A page as the tree that selectors are made for. Total, as HTML parsing is, but for its limits.
 *
 * @throws UpscaleError SOURCE_TOO_LARGE
 */
export function* treeOf(html: string, limits: PageLimits): Steps<Document> {
  limits.addCharacters(html.length)
  const document = yield* PageParser.read(html, adapterWithin(limits))
  liftDeepest(document)
  return document
}

/** A text that grew word by word takes twenty times its memory until somebody looks at it, so a long one is several. */
const LONGEST_TEXT = 4096

/** Shared by all elements without an attribute: most of a page that is nothing but tags. */
const NO_ATTRIBUTES: Record<string, string> = Object.freeze(Object.create(null))

function attributesOf(attrs: readonly Token.Attribute[]): Record<string, string> {
  if (attrs.length === 0) return NO_ATTRIBUTES
  const attribs: Record<string, string> = Object.create(null)
  for (const { name, value } of attrs) attribs[name] = value
  return attribs
}

/**
 * Keeps of a page what rules ask for. Without the places of all tags, texts and ends, and the namespaces of all attributes,
 * a tree of nothing but tags takes a quarter of the memory.
 */
const adapterWithin = ({ countElement }: PageLimits): TreeAdapter<Htmlparser2TreeAdapterMap> => ({
  ...adapter,
  createElement(name, namespace, attrs) {
    countElement()
    const element = new Element(name, attributesOf(attrs), [])
    element.namespace = namespace
    return element
  },
  insertText(parent, text) {
    const last = parent.children.at(-1)
    if (last === undefined || !isText(last) || last.data.length >= LONGEST_TEXT) {
      adapter.appendChild(parent, adapter.createTextNode(text))
      return
    }
    last.data += text
    // The look is what puts the words together.
    if (last.data.length >= LONGEST_TEXT) /^/.test(last.data)
  },
  appendChild(parent, node) {
    if (parent.children.length === 0) {
      // An array that grows keeps room for more, and most parents have one child.
      parent.children = [node]
      node.parent = parent
    } else adapter.appendChild(parent, node)
  },
  adoptAttributes(element, attrs) {
    if (element.attribs === NO_ATTRIBUTES) element.attribs = attributesOf(attrs)
    else for (const { name, value } of attrs) element.attribs[name] ??= value
  },
  setNodeSourceCodeLocation(node, location) {
    if (isTag(node) && node.name === 'img') node.sourceCodeLocation = location
  },
  getNodeSourceCodeLocation: () => undefined,
  updateNodeSourceCodeLocation() {},
})

/**
 * Levels that the parser made by moving elements, as it does with formatting that blocks were put into.
 */
function liftDeepest(document: Document): void {
  let level: ParentNode[] = [document]
  for (let depth = 1; depth < DEEPEST && level.length > 0; depth++) {
    level = level.flatMap(({ children }) => children.filter(child => hasChildren(child)))
  }
  for (const node of level) {
    const elements = [...elementsIn(node)].filter(element => element !== node)
    for (const element of elements) element.children = element.children.filter(isNoParent)
    node.children = [...node.children.filter(isNoParent), ...elements]
    node.children.forEach((child, at) => {
      child.parent = node
      child.prev = node.children[at - 1] ?? null
      child.next = node.children[at + 1] ?? null
    })
  }
}

/** Texts and comments; a `<template>` has its elements in a document of its own. */
const isNoParent = (node: AnyNode): boolean => !isTag(node) && !isDocument(node)

/** A node's elements in the order of the page, itself included. */
export function* elementsIn(node: AnyNode): Generator<Element> {
  const open: AnyNode[] = [node]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (isTag(next)) yield next
    if (!hasChildren(next)) continue
    // One by one: as arguments of one call, a hundred thousand overflow the stack.
    for (const child of next.children.toReversed()) open.push(child)
  }
}

/**
 * The elements that are wanted, and all that lie in them. A step for each element: css-select's own walk, and a look
 * at every ancestor of every image, take time that grows with the square of the depth.
 *
 * @param elements in the order of the page, in which a parent comes before its children
 */
export function withDescendants(
  elements: readonly Element[],
  isWanted: (element: Element) => boolean,
): ReadonlySet<Element> {
  const found = new Set<Element>()
  for (const element of elements) {
    const { parent } = element
    if ((parent !== null && isTag(parent) && found.has(parent)) || isWanted(element)) found.add(element)
  }
  return found
}

/** Where an attribute stands in the text; undefined for one that the parser added or merged. */
export function placeOf({ sourceCodeLocation }: Element, attribute: string): Token.Location | undefined {
  const location: Token.ElementLocation | null | undefined = sourceCodeLocation
  return location?.attrs?.[attribute]
}
