import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { relative, sep } from 'node:path'
import { parse } from 'css-what'
import { type Element, isTag, isText } from 'domhandler'
import { imageSizeFromFile } from 'image-size/fromFile'
import picomatch from 'picomatch'
import { UpscaleError } from 'upscale-core'
import { createRounds } from 'upscale-core/internal'
import { isElsewhere, isRasterPicture, isTaggedPicture, pathOf } from '../references/address.ts'
import { candidateAddress, printSrcset, type SrcsetCandidate } from '../references/srcset.ts'
import { inRounds } from '../references/steps.ts'
import { withEdits } from '../references/text-edits.ts'
import { createLimits, type PageLimits } from './page-limits.ts'
import { elementsIn, placeOf, treeOf, withDescendants } from './page-tree.ts'
import type { UpscaleRule } from './rule.ts'
import { createSelectors, type Selectors, type Test } from './selectors.ts'
import { readSizes, type Size, type SizeSheet, stretchOf } from './shown-size.ts'

/** An `<img>` that a rule chose, and the `srcset` that it wants. */
export interface RuledImage {
  /** As written, entities decoded. */
  readonly src: string
  /** Where the attribute `src` starts, and where another one can be put. */
  readonly start: number
  readonly end: number
  /** The original first, then its larger pictures, whose addresses are tagged. */
  readonly candidates: readonly SrcsetCandidate[]
}

/** What is known about the page that has the images. */
export interface RuledPage {
  /** The page itself, for errors; absolute. */
  readonly file: string
  /** The folder from which patterns of files count, absolute. */
  readonly root: string
  /** The factor of rules that name none. */
  readonly factor: number
  /**
   * The file that an address of the page leads to; undefined for none.
   * @param base what relative addresses start from, as written in `<base href>`
   */
  fileOf(address: string, base: string | undefined): string | undefined | Promise<string | undefined>
}

/** What `shown` makes at most: larger pictures of a small one show what is not in it. */
const MOST = 4

/**
 * The images of a page that rules choose, in order. An image with a `srcset` or a tag is left alone, as is one in a `<picture>`
 * whose sources browsers take instead, and one that says `data-upscale="off"`, itself or by what it lies in.
 *
 * @throws UpscaleError BAD_OPTION for a selector that is none, SOURCE_TOO_LARGE for a page that takes too much to judge
 */
export async function findRuledImages(
  html: string,
  rules: readonly UpscaleRule[],
  page: RuledPage,
): Promise<RuledImage[]> {
  if (rules.length === 0) return []
  const limits = createLimits(page.file)
  const elements = [...elementsIn(await inRounds(treeOf(html, limits)))]
  const base = elements.find(({ name, attribs }) => name === 'base' && attribs.href !== undefined)?.attribs
    .href
  const fileOf = async (address: string): Promise<string | undefined> => page.fileOf(address, base)
  const selectors = createSelectors(limits)
  const judges = rules.map(rule => judgeOf(rule, elements, page.root, selectors))
  const turnedOff = withDescendants(elements, ({ attribs }) => attribs['data-upscale'] === 'off')
  const sizes = new Map<string, Promise<Size | undefined>>()
  // A page may show one picture in a thousand places.
  const sizeFor = (file: string): Promise<Size | undefined> => {
    const known = sizes.get(file) ?? sizeOf(file)
    sizes.set(file, known)
    return known
  }
  let sheet: Promise<SizeSheet> | undefined

  const outdone = picturesOfSources(elements)
  const found: RuledImage[] = []
  const { turn } = createRounds()
  for (const image of elements) {
    const wait = turn()
    if (wait !== undefined) await wait
    const place = placeOf(image, 'src')
    const { src, srcset } = image.attribs
    if (image.name !== 'img' || place === undefined || src === undefined || srcset !== undefined) continue
    if (!isRasterPicture(src) || isTaggedPicture(src) || isElsewhere(src) || turnedOff.has(image)) continue
    if (outdone.has(image.parent)) continue
    const file = await fileOf(src)
    if (file === undefined) continue
    for (const { rule, wants } of judges) {
      if (!wants(image, file)) continue
      if (rule.shown === true) sheet ??= readStyles(elements, fileOf, limits)
      const candidates = await larger(image, file, rule, page.factor, sizeFor, await sheet)
      if (candidates === undefined) continue
      const original = { address: candidateAddress(src), descriptor: '1x' }
      // A larger one takes the place of the original where that is too small for any screen.
      const all = candidates.some(({ descriptor }) => descriptor === '1x')
        ? candidates
        : [original, ...candidates]
      if (candidates.length > 0)
        found.push({ src, start: place.startOffset, end: place.endOffset, candidates: all })
      break
    }
  }
  return found
}

/** Each `<picture>` whose `<img>` browsers of today don't look at, since a `<source>` of any window is before it. */
function picturesOfSources(elements: readonly Element[]): ReadonlySet<Element['parent']> {
  const sources = elements.filter(
    ({ name, attribs }) => name === 'source' && attribs.srcset !== undefined && attribs.media === undefined,
  )
  return new Set(sources.map(({ parent }) => parent).filter(isPicture))
}

function isPicture(parent: Element['parent']): boolean {
  return parent !== null && isTag(parent) && parent.name === 'picture'
}

/** The page with a tagged `srcset` for each image; nothing else is touched. @param images in the order of the page */
export function tagRuledImages(html: string, images: readonly RuledImage[]): string {
  const edits = images.map(({ end, candidates }) => {
    const srcset = printSrcset(candidates).replaceAll('&', '&amp;').replaceAll('"', '&quot;')
    return { start: end, end, text: ` srcset="${srcset}"` }
  })
  return withEdits(html, edits)
}

interface Judge {
  readonly rule: UpscaleRule
  wants(image: Element, file: string): boolean
}

function judgeOf(rule: UpscaleRule, elements: readonly Element[], root: string, selectors: Selectors): Judge {
  const isFile = rule.files === undefined ? () => true : matcherOf([rule.files].flat(), root)
  const within =
    rule.within === undefined
      ? undefined
      : withDescendants(elements, matcherOfSelector(rule.within, selectors))
  return { rule, wants: (image, file) => (within === undefined || within.has(image)) && isFile(file) }
}

/** As in `.gitignore`: a pattern that doesn't begin at the root holds in every folder. */
function matcherOf(patterns: readonly string[], root: string): (file: string) => boolean {
  const globs = patterns.map(pattern => {
    const path = pattern.replace(/^\.?\//, '')
    return path === pattern ? `**/${path}` : path
  })
  const matches = picomatch(globs)
  return file => matches(relative(root, file).split(sep).join('/'))
}

function matcherOfSelector(selector: string, { testOf }: Selectors): Test {
  try {
    const tests = parse(selector).map(testOf)
    return element => tests.some(test => test(element))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new UpscaleError('BAD_OPTION', `${JSON.stringify(selector)} is no selector: ${reason}`, {
      hint: 'write it like "main article"',
      cause,
    })
  }
}

/** The style sheets of a page that are files or in the page itself. */
async function readStyles(
  elements: readonly Element[],
  fileOf: (address: string) => Promise<string | undefined>,
  limits: PageLimits,
): Promise<SizeSheet> {
  // By its file, or by the element that it stands in. One that is linked again counts where it is linked last.
  const sheets = new Map<Element | string, string>()
  for (const element of elements) {
    const { rel = '', href } = element.attribs
    if (element.name === 'style') {
      sheets.set(element, element.children.map(child => (isText(child) ? child.data : '')).join(''))
    } else if (element.name === 'link' && href !== undefined && /\bstylesheet\b/i.test(rel)) {
      const file = isElsewhere(href) || !/\.css$/i.test(pathOf(href)) ? undefined : await fileOf(href)
      if (file === undefined) continue
      // A sheet that isn't there says nothing; whoever loads it tells so.
      const known = sheets.get(file)
      const text = known ?? (await readFile(file, 'utf8').catch(() => ''))
      if (known === undefined) limits.addCharacters(text.length)
      sheets.delete(file)
      sheets.set(file, text)
    }
  }
  const images = elements.filter(({ name }) => name === 'img')
  return inRounds(readSizes([...sheets.values()], images, limits))
}

const NO_SIZES: SizeSheet = { entriesFor: () => [] }

/** The larger pictures for an image; none where it needs none, undefined where the rule has nothing to say. */
async function larger(
  image: Element,
  file: string,
  rule: UpscaleRule,
  factor: number,
  sizeFor: (file: string) => Promise<Size | undefined>,
  sheet: SizeSheet = NO_SIZES,
): Promise<SrcsetCandidate[] | undefined> {
  const candidate = (by: number, descriptor: string): SrcsetCandidate => ({
    address: candidateAddress(taggedAddress(image.attribs.src ?? '', { ...rule, factor: by })),
    descriptor,
  })
  const fixed = rule.factor ?? factor
  if (rule.shown !== true) {
    if (rule.upscale === false) return []
    // What a server answers under an address that is no file is none of ours.
    return existsSync(file) ? [candidate(fixed, `${fixed}x`)] : undefined
  }
  const natural = await sizeFor(file)
  if (natural === undefined) return undefined
  const stretch = stretchOf(image, natural, sheet)
  if (stretch === undefined || stretch * DENSITY <= 1 + SLACK) return undefined
  if (rule.upscale === false) return []
  if (rule.factor !== undefined) return [candidate(fixed, `${DENSITY}x`)]
  const dense = stepOf(stretch * DENSITY)
  const plain = stepOf(stretch)
  if (stretch <= 1 + SLACK) return [candidate(dense, `${DENSITY}x`)]
  // Where even two pixels for one need all that can be made, one picture is enough for every screen.
  return plain === dense
    ? [candidate(dense, '1x')]
    : [candidate(plain, '1x'), candidate(dense, `${DENSITY}x`)]
}

/** The pixels of a dense screen for one of a page. */
const DENSITY = 2
/** Nobody sees a picture that is shown a hundredth larger than it is. */
const SLACK = 0.01

/** A factor in halves, so that one picture does for places that differ a little. */
function stepOf(factor: number): number {
  return Math.min(MOST, Math.max(1.5, Math.ceil((factor - SLACK) * 2) / 2))
}

/** A picture's size as it is shown; undefined for a file that is none, or is not there. */
async function sizeOf(file: string): Promise<Size | undefined> {
  try {
    const { width, height, orientation = 1 } = await imageSizeFromFile(file)
    return orientation > 4 ? { width: height, height: width } : { width, height }
  } catch {
    return undefined
  }
}

function taggedAddress(src: string, { factor, engine, format, quality }: UpscaleRule): string {
  const query = Object.entries({ upscale: factor, engine, format, quality })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`)
    .join('&')
  const [address = '', hash] = src.split(/(?=#)/, 2)
  return `${address}${address.includes('?') ? '&' : '?'}${query}${hash ?? ''}`
}
