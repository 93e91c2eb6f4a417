import { basename, extname } from 'node:path'

/** Where components come from that show a picture in a size that is given beside it. The names in braces are bounded, since each beginning is followed to its end. */
const COMPONENT = /\bimport\s+(?:(\w+)|\{([^{}]{0,2000})\})\s+from\s+(["'])(next\/image|astro:assets)\3;?/g

/** A component for pictures, as a source imports it. */
export interface PictureComponent {
  /** As the source calls it. */
  readonly name: string
  readonly isNext: boolean
  /** The quote that the import is written with. */
  readonly quote: string
  /** Empty, or the semicolon behind the import. */
  readonly semicolon: string
  /** Where the import ends. */
  readonly end: number
}

/** `<Image>` of Next.js and Astro, where a source imports it. */
export function pictureComponents(text: string): readonly PictureComponent[] {
  return [...text.matchAll(COMPONENT)].flatMap(
    ({ 0: statement, 1: whole, 2: parts = '', 3: quote, 4: origin, index }) => {
      if (whole === undefined && !/\bImage\b/.test(parts)) return []
      const name = whole ?? 'Image'
      const semicolon = statement.endsWith(';') ? ';' : ''
      const end = index + statement.length
      return [{ name, isNext: origin === 'next/image', quote: quote ?? '"', semicolon, end }]
    },
  )
}

/** An attribute of an element of a component. */
export interface Attribute {
  /** A text, or code as written. */
  readonly value: string
  readonly isCode: boolean
  /** Offsets of what stands behind the equals sign, quotes and braces included. */
  readonly start: number
  readonly end: number
}

/** One element of a component. */
export interface Use {
  /** As written, without its end. */
  readonly tag: string
  /** What attributes it has, by name; those with braces in their code are left out. */
  readonly attributes: ReadonlyMap<string, Attribute>
  /** True where an object gives further attributes. */
  readonly isSpread: boolean
  /** True where it seems to stand in a comment. */
  readonly isComment: boolean
}

/** The elements of a component. */
export function usesOf(text: string, { name }: PictureComponent): Use[] {
  const uses: Use[] = []
  const isInComment = createCommentTest(text)
  const opening = `<${name}`
  // Where the tags end that one lies in, the innermost last.
  const ends: number[] = []
  let next = 0
  for (let at = text.indexOf(opening); at !== -1; at = text.indexOf(opening, next)) {
    next = at + 1
    if (!/[\s/]/.test(text[at + opening.length] ?? '')) continue
    while ((ends.at(-1) ?? at) < at) ends.pop()
    if (ends.length >= DEEPEST) continue
    const end = endOfTag(text, at)
    if (end === undefined) {
      // What was looked at in vain is not looked at again, for each opening in it.
      next = at + LONGEST_TAG
      continue
    }
    ends.push(end)
    const attributes = new Map<string, Attribute>()
    const tag = text.slice(at, end)
    for (const found of tag.matchAll(/\s([\w-]+)(?:=(\{([^{}]*)\}|"([^"]*)"|'([^']*)'))?/g)) {
      const [whole, attribute = '', written = '', code, double, single] = found
      const last = at + found.index + whole.length
      attributes.set(attribute, {
        value: (code ?? double ?? single ?? '').trim(),
        isCode: code !== undefined,
        start: last - written.length,
        end: last,
      })
    }
    uses.push({ tag, attributes, isSpread: /\{\s*\.\.\./.test(tag), isComment: isInComment(at) })
  }
  return uses
}

/** The text of an attribute, also as code: `"a"`, `{"a"}`; undefined for none and for other code. */
export function textOf({ attributes }: Use, name: string): string | undefined {
  const attribute = attributes.get(name)
  if (attribute?.isCode !== true) return attribute?.value
  return /^(["'`])([^"'`$\\]*)\1$/.exec(attribute.value)?.[2]
}

/** Pixels that an element is given; undefined where it has no such attribute or code makes it. */
function pixelsOf(use: Use, side: 'width' | 'height'): number | undefined {
  const pixels = Number(textOf(use, side) ?? use.attributes.get(side)?.value)
  return pixels > 0 ? pixels : undefined
}

/** Classes of Tailwind and properties of a style that set a size, those left out that follow the picture or what is around it. */
const SIZED_CLASS = /[\s"'`:!](?:(?:max-)?[wh]|size)-(?!(?:full|auto|screen|fit|max|none)\b)/
const SIZED_STYLE = /\b(?:maxW|maxH|w|h)(?:idth|eight)\s*:\s*(?!["'`]?(?:auto|none|100%|fit-content))/

/** True for an element that a class or a style gives a size, so that its `width` is no more than half of a ratio. */
export function hasOtherSize({ tag }: Use): boolean {
  const classes = /\sclass(?:Name)?=(.*)$/s.exec(tag)?.[1] ?? ''
  return SIZED_CLASS.test(classes) || SIZED_STYLE.test(tag)
}

/** The width that an element shows a picture in; undefined where the element doesn't say. */
export function shownWidth(
  use: Use,
  size: { readonly width: number; readonly height: number },
): number | undefined {
  const width = pixelsOf(use, 'width')
  if (width !== undefined) return width
  const height = pixelsOf(use, 'height')
  return height === undefined ? undefined : Math.round((size.width * height) / size.height)
}

/** A name for a variable that is none of the words that are taken, from the name of a picture's file. */
export function variableFor(file: string, taken: ReadonlySet<string>): string {
  const words = basename(file, extname(file))
    .split(/[^A-Za-z\d]+/)
    .filter(word => word !== '')
  const joined = words
    .map((word, at) => (at === 0 ? word[0]?.toLowerCase() : word[0]?.toUpperCase()) + word.slice(1))
    .join('')
  const name = /^[a-z]/.test(joined) ? `${joined}Picture` : `picture${joined}`
  for (let number = 1; ; number++) {
    const tried = number === 1 ? name : `${name}${number}`
    if (!taken.has(tried)) return tried
  }
}

/** How deep tags may lie in tags: each is looked at to its end. */
const DEEPEST = 8

/** The longest tag that is looked at, in UTF-16 units. */
const LONGEST_TAG = 4000

/** Where a tag ends, outside of braces and quotes. */
function endOfTag(text: string, start: number): number | undefined {
  let depth = 0
  let quote = ''
  for (let at = start; at < Math.min(text.length, start + LONGEST_TAG); at++) {
    const char = text[at] ?? ''
    if (quote !== '') quote = char === quote ? '' : quote
    else if (/["'`]/.test(char)) quote = char
    else if (char === '{') depth++
    else if (char === '}') depth--
    else if (char === '>' && depth === 0) return at
  }
  return undefined
}

/** Tells whether a place lies in what looks like a comment; to be asked for places in order. What only looks like one, as in a string, is left alone, and none the worse for it. */
function createCommentTest(text: string): (place: number) => boolean {
  const comments = [...text.matchAll(/^[ \t]*\/\/.*$/gm)].map(({ 0: line, index }) => ({
    start: index,
    end: index + line.length,
  }))
  for (const [opening, closing] of [
    ['/*', '*/'],
    ['<!--', '-->'],
  ] as const) {
    for (let start = text.indexOf(opening); start !== -1; ) {
      const end = text.indexOf(closing, start)
      if (end === -1) break
      comments.push({ start, end })
      start = text.indexOf(opening, end)
    }
  }
  comments.sort((one, other) => one.start - other.start)
  let next = 0
  // Of those that begin before the place, the last end: they may lie in each other.
  let end = 0
  return place => {
    for (
      let comment = comments[next];
      comment !== undefined && comment.start < place;
      comment = comments[++next]
    )
      end = Math.max(end, comment.end)
    return place < end
  }
}
