import { compile, type Options } from 'css-select'
import { type AttributeAction, isTraversal, type Selector, SelectorType } from 'css-what'
import { type AnyNode, type Element, hasChildren, isTag, isText } from 'domhandler'
import type { PageLimits } from './page-limits.ts'

/** Tells whether an element is what a selector selects. */
export type Test = (element: Element) => boolean

/** Makes tests of the selectors for one page. */
export interface Selectors {
  /** @throws Error for a selector that can't be judged without a browser */
  testOf(selector: readonly Selector[]): Test
}

/**
 * Names, ids, classes, and where they lie in each other are judged here, with a look at each ancestor at most: css-select
 * compiles a regular expression for each class, and tries each way to find one ancestor in another. It judges the rest.
 */
export function createSelectors(limits: PageLimits): Selectors {
  const classes = new WeakMap<Element, ReadonlySet<string>>()
  const options = { xmlMode: false, adapter: countingAdapter(limits) }
  const compileRest = (selector: Selector[]): Test => compile<AnyNode, Element>([selector], options)

  function classesOf(element: Element): ReadonlySet<string> {
    const known = classes.get(element) ?? new Set(splitClasses(element))
    classes.set(element, known)
    return known
  }

  function testOf(selector: readonly Selector[]): Test {
    const chains = chainsOf(selector)
    if (chains === undefined) return compileRest([...selector])
    const [last, ...outer] = chains.map(chain => testOfChain(chain.map(testOfCompound)))
    return element => {
      let found = last?.(element)
      // The nearest ancestor leaves the most for what comes before, so no other one has to be tried.
      for (const test of outer) {
        let next = parentOf(found)
        while (next !== undefined && test(next) === undefined) next = parentOf(next)
        found = next === undefined ? undefined : test(next)
      }
      return found !== undefined
    }
  }

  /** Tells the outermost element of a chain of parents that begins with an element; undefined where it is none. */
  function testOfChain(tests: readonly Test[]): (element: Element) => Element | undefined {
    return element => {
      let found: Element | undefined
      for (const test of tests) {
        limits.countSteps(1)
        found = found === undefined ? element : parentOf(found)
        if (found === undefined || !test(found)) return undefined
      }
      return found
    }
  }

  function testOfCompound(compound: readonly Selector[]): Test {
    const tests = compound.map(testOfPart)
    return element => tests.every(test => test(element))
  }

  function testOfPart(part: Selector): Test {
    if (part.type === SelectorType.Universal && part.namespace === null) return () => true
    if (part.type === SelectorType.Tag && part.namespace === null) {
      const name = part.name.toLowerCase()
      return element => element.name === name
    }
    const className = classIn(part)
    if (className !== undefined) return element => classesOf(element).has(className)
    const id = idIn(part)
    if (id !== undefined) return ({ attribs }) => attribs.id === id
    if (part.type === SelectorType.Pseudo && Array.isArray(part.data) && ALTERNATIVES.has(part.name)) {
      const tests = part.data.map(testOf)
      return element => tests.some(test => test(element))
    }
    return compileRest([part])
  }

  return { testOf }
}

/** Looking for a word in a value goes by so many characters while an element is looked at. */
const CHARACTERS_OF_A_STEP = 1000

const ALTERNATIVES: ReadonlySet<string> = new Set(['is', 'where', 'matches'])

/** As HTML divides them: by spaces of ASCII. */
export function splitClasses({ attribs }: Element): string[] {
  return (attribs.class ?? '').split(/[ \t\n\f\r]+/)
}

/** The name in `.name`; in HTML its case counts. */
export function classIn(part: Selector): string | undefined {
  return exactValue(part, 'class', 'element')
}

/** The name in `#name`. */
export function idIn(part: Selector): string | undefined {
  return exactValue(part, 'id', 'equals')
}

function exactValue(part: Selector, attribute: string, action: `${AttributeAction}`): string | undefined {
  if (part.type !== SelectorType.Attribute || part.name !== attribute || part.action !== action)
    return undefined
  return part.namespace === null && part.ignoreCase !== true ? part.value : undefined
}

/**
 * The parts of a selector from the element outward: compounds that lie right in each other make a chain, chains lie anywhere
 * in the next. Undefined where something else stands between two compounds, or before the first.
 */
function chainsOf(selector: readonly Selector[]): Selector[][][] | undefined {
  const chains: Selector[][][] = [[[]]]
  for (const part of selector.toReversed()) {
    if (part.type === SelectorType.Child) chains.at(-1)?.push([])
    else if (part.type === SelectorType.Descendant) chains.push([[]])
    else if (isTraversal(part)) return undefined
    else chains.at(-1)?.at(-1)?.push(part)
  }
  return chains.flat().some(compound => compound.length === 0) ? undefined : chains
}

function parentOf(element: Element | undefined): Element | undefined {
  const parent = element?.parent
  return parent && isTag(parent) ? parent : undefined
}

/** What css-select asks of a page's tree, counted. */
function countingAdapter({ countSteps }: PageLimits): NonNullable<Options<AnyNode, Element>['adapter']> {
  const childrenOf = (node: AnyNode): AnyNode[] => (hasChildren(node) ? node.children : [])
  const textOf = (node: AnyNode): string => {
    countSteps(1)
    return isText(node) ? node.data : childrenOf(node).map(textOf).join('')
  }
  return {
    isTag(node): node is Element {
      countSteps(1)
      return isTag(node)
    },
    equals(a, b) {
      countSteps(1)
      return a === b
    },
    getAttributeValue({ attribs }, name) {
      const value = attribs[name]
      countSteps(1 + Math.floor((value ?? '').length / CHARACTERS_OF_A_STEP))
      return value
    },
    hasAttrib: ({ attribs }, name) => attribs[name] !== undefined,
    getName: ({ name }) => name,
    getChildren: childrenOf,
    getParent: ({ parent }) => parent,
    getSiblings: node => (node.parent === null ? [node] : childrenOf(node.parent)),
    getText: textOf,
    removeSubsets: nodes => nodes,
  }
}
