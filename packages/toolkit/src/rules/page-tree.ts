import { type AnyNode, type Document, type Element, hasChildren, isTag } from 'domhandler'
import { parse, type Token } from 'parse5'
import { adapter } from 'parse5-htmlparser2-tree-adapter'

/** A page as the tree that selectors are made for. Total, as HTML parsing is. */
export function treeOf(html: string): Document {
  return parse(html, { scriptingEnabled: false, sourceCodeLocationInfo: true, treeAdapter: adapter })
}

/** A node's elements in the order of the page, itself included. */
export function* elementsIn(node: AnyNode): Generator<Element> {
  const open: AnyNode[] = [node]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (isTag(next)) yield next
    if (!hasChildren(next)) continue
    // One by one: as arguments of one call, a hundred thousand overflow the stack.
    for (let at = next.children.length - 1; at >= 0; at--) open.push(...next.children.slice(at, at + 1))
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
