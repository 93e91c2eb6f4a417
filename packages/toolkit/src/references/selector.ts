import { selectAll } from 'css-select'
import { type AnyNode, type Element, hasChildren, isTag } from 'domhandler'
import { parse, type Token } from 'parse5'
import { adapter } from 'parse5-htmlparser2-tree-adapter'

/** An `<img>` that has a picture but no `srcset`. */
export interface PlainImage {
  readonly src: string
  /** Where the attribute `src` starts. */
  readonly start: number
  /** Where another attribute can be put. */
  readonly end: number
}

/**
 * The images under a selector that have no `srcset`. The page is parsed once more, into the tree that selectors are
 * made for.
 *
 * @throws Error for a selector that is none
 */
export function imagesUnder(selector: string, html: string): PlainImage[] {
  const document = parse(html, {
    scriptingEnabled: false,
    sourceCodeLocationInfo: true,
    treeAdapter: adapter,
  })
  const roots = selectAll<AnyNode, Element>(selector, document)
  const images = roots.flatMap(root => [...elementsIn(root)]).filter(({ name }) => name === 'img')
  return [...new Set(images)].flatMap(image => plainImage(image) ?? [])
}

function* elementsIn(node: AnyNode): Generator<Element> {
  const open: AnyNode[] = [node]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (isTag(next)) yield next
    if (!hasChildren(next)) continue
    // One by one: as arguments of one call, a hundred thousand overflow the stack.
    for (let at = next.children.length - 1; at >= 0; at--) open.push(...next.children.slice(at, at + 1))
  }
}

function plainImage({ attribs: { src, srcset }, sourceCodeLocation }: Element): PlainImage | undefined {
  const location: Token.ElementLocation | null | undefined = sourceCodeLocation
  const place = location?.attrs?.src
  if (src === undefined || srcset !== undefined || place === undefined) return undefined
  return { src, start: place.startOffset, end: place.endOffset }
}
