import { isTraversal, parse, type Selector, SelectorType } from 'css-what'
import type { Element } from 'domhandler'
import type { Steps } from '../references/steps.ts'
import type { PageLimits } from './page-limits.ts'
import { classIn, createSelectors, idIn, type Selectors, splitClasses, type Test } from './selectors.ts'
import {
  findInlineSizes,
  findSizes,
  type Length,
  type SizeDeclaration,
  type SizeProperty,
} from './size-declarations.ts'

/** Width and height in pixels. */
export interface Size {
  readonly width: number
  readonly height: number
}

/** What style sheets say about sizes. */
export interface SizeSheet {
  /** What counts for an element, in the order of the sheets. */
  entriesFor(element: Element): SizeEntry[]
}

interface SizeEntry extends SizeDeclaration {
  readonly specificity: number
}

interface SelectedEntry extends SizeEntry {
  readonly order: number
  selects(element: Element): boolean
}

/**
 * The sizes of style sheets; a selector that can't be judged without a browser is left out. As in browsers, an element is
 * compared with the selectors that ask for its id, for one of its classes or for its name, and not with all that there are.
 *
 * @param images what the sizes are asked for; of a long sheet, most is about other elements, and not kept
 */
export function* readSizes(
  sheets: readonly string[],
  images: Iterable<Element>,
  limits: PageLimits,
): Steps<SizeSheet> {
  const selectors = createSelectors(limits)
  const entries = new Map<string, SelectedEntry[]>()
  for (const image of images) for (const key of keysOf(image)) if (!entries.has(key)) entries.set(key, [])
  let order = 0
  for (const sheet of sheets) {
    for (const declaration of findSizes(sheet)) {
      if (declaration === undefined) {
        yield undefined
        continue
      }
      for (const parsed of parseSelector(declaration.selector)) {
        entries.get(keyOf(parsed))?.push({
          ...declaration,
          specificity: specificityOf(parsed),
          order: order++,
          selects: judge(parsed, selectors),
        })
      }
    }
  }
  return {
    entriesFor(element) {
      const found: SelectedEntry[] = []
      for (const key of keysOf(element)) {
        for (const entry of entries.get(key) ?? []) {
          const isSelected = entry.selects(element)
          limits.countSteps(isSelected ? STEPS_OF_A_FOUND : STEPS_OF_AN_ENTRY)
          if (isSelected) found.push(entry)
        }
      }
      return found.sort((a, b) => a.order - b.order)
    },
  }
}

/** What it takes to try an entry, counted in looks at an element. */
const STEPS_OF_AN_ENTRY = 10
/** What counts for an element is put in order too, once for each property. */
const STEPS_OF_A_FOUND = 60

/** What a selector may ask for of an element. */
function keysOf(element: Element): ReadonlySet<string> {
  const classes = splitClasses(element).map(name => `.${name}`)
  return new Set(['*', element.name, `#${element.attribs.id}`, ...classes])
}

/** What an element must have that a selector selects: an id, a class or a name; `*` where it asks for none of these. */
function keyOf(selector: readonly Selector[]): string {
  let key = '*'
  for (const part of selector.toReversed()) {
    if (isTraversal(part)) return key
    if (part.type === SelectorType.Tag && key === '*') key = part.name.toLowerCase()
    const id = idIn(part)
    if (id !== undefined) return `#${id}`
    const className = classIn(part)
    if (className !== undefined) key = `.${className}`
  }
  return key
}

function parseSelector(selector: string): Selector[][] {
  try {
    return parse(selector)
  } catch {
    // Not CSS, or newer than the parser: the browser knows it or passes over it.
    return []
  }
}

/**
 * How many of its own pixels per pixel of the file an image is shown with, by the larger of width and height and on the
 * screen where it is largest; undefined where attributes and CSS don't tell.
 *
 * @param natural size of the file
 */
export function stretchOf(image: Element, natural: Size, sheet: SizeSheet): number | undefined {
  const entries = sheet.entriesFor(image)
  const inline = findInlineSizes(image.attribs.style ?? '')
  const lengthsOf = (property: SizeProperty): Length[] => {
    const own = inline.filter(one => one.property === property)
    return lengthsFor(
      entries.filter(one => one.property === property),
      own,
    )
  }
  const width = shownLength(lengthsOf('width'), image.attribs.width)
  const height = shownLength(lengthsOf('height'), image.attribs.height)
  if (width === 'unknown' || height === 'unknown') return undefined
  const caps = [
    ...lengthsOf('max-width').map(length => capOf(length) / natural.width),
    ...lengthsOf('max-height').map(length => capOf(length) / natural.height),
  ]
  const isCapped = caps.some(Number.isFinite)
  const sides = [
    ...(width === 'auto' ? [] : [width / natural.width]),
    ...(height === 'auto' ? [] : [height / natural.height]),
  ]
  if (sides.length === 0 && !isCapped) return undefined
  return caps.reduce((least, cap) => Math.min(least, cap), sides.length === 0 ? 1 : largest(sides))
}

/** Made when it is asked for the first time: most selectors of a sheet are about no image. */
function judge(selector: readonly Selector[], { testOf }: Selectors): Test {
  let test: Test | undefined
  return element => {
    test ??= testOrNone()
    return test(element)
  }

  function testOrNone(): Test {
    try {
      return testOf(selector)
    } catch {
      // A pseudo-class that only a browser can judge, such as :hover: a state, not how the page is shown at first.
      return () => false
    }
  }
}

/** The length that wins the cascade, and those that hold on some screens only. */
function lengthsFor(
  entries: readonly SizeEntry[],
  inline: readonly Pick<SizeDeclaration, 'length' | 'isImportant'>[],
): Length[] {
  const candidates = [
    ...entries.filter(({ isConditional }) => !isConditional),
    ...inline.map(one => ({ ...one, specificity: Number.POSITIVE_INFINITY })),
  ]
  const ranked = candidates.sort(
    (a, b) => Number(a.isImportant) - Number(b.isImportant) || compare(a.specificity, b.specificity),
  )
  const winner = ranked.at(-1)
  const conditional = entries.filter(({ isConditional }) => isConditional).map(({ length }) => length)
  return [...(winner === undefined ? [] : [winner.length]), ...conditional]
}

function compare(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1
}

/** The largest of several lengths; the attribute counts where no CSS says anything. */
function shownLength(lengths: readonly Length[], attribute: string | undefined): Length {
  if (lengths.length === 0) {
    if (attribute === undefined) return 'auto'
    // As browsers read it: digits, and what follows is left out, but for a percent sign.
    const [, digits] = /^\s*(\d{1,6}(?:\.\d{1,6})?)(?!\s*%|\d)/.exec(attribute) ?? []
    return digits === undefined ? 'unknown' : Number(digits)
  }
  const known = lengths.filter(length => typeof length === 'number')
  if (lengths.includes('unknown')) return 'unknown'
  return known.length === 0 ? 'auto' : largest(known)
}

/** A sheet may have a hundred thousand of them, too many for the arguments of one call. */
function largest(lengths: readonly number[]): number {
  return lengths.reduce((most, length) => Math.max(most, length))
}

function capOf(length: Length): number {
  return typeof length === 'number' ? length : Number.POSITIVE_INFINITY
}

/** As one number; no selector has a thousand parts of one kind. */
function specificityOf(selector: readonly Selector[]): number {
  return selector.reduce((sum, part) => sum + weightOf(part), 0)
}

const ID = 1e6
const CLASS = 1e3

function weightOf(part: Selector): number {
  switch (part.type) {
    case SelectorType.Attribute:
      return part.name === 'id' && part.action === 'equals' ? ID : CLASS
    case SelectorType.Tag:
    case SelectorType.PseudoElement:
      return 1
    case SelectorType.Pseudo:
      if (part.name === 'where') return 0
      return Array.isArray(part.data) ? Math.max(...part.data.map(specificityOf)) : CLASS
    default:
      return 0
  }
}
