import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { isInside } from 'upscale-core/internal'
import { decodedPath, isTaggedPicture, mayHoldTags, PICTURE_EXTENSIONS, pathOf } from './address.ts'
import { countLines } from './lines.ts'
import { scanCss, scanHtml } from './scan.ts'

/** A tagged reference in a source file. */
export interface SourceReference {
  readonly address: string
  readonly line: number
}

const PICTURE = new RegExp(`\\.(?:${PICTURE_EXTENSIONS})\\?`, 'gi')

/** The descriptors of a `srcset`, after an address and between two. */
const DESCRIPTOR_BEHIND = /^\s+\d+(?:\.\d+)?[xwh][\s,"'`]/
const DESCRIPTOR_BEFORE = /\s\d{1,5}(?:\.\d{1,4})?[xwh]\s{0,40},/
/** How far into a string a descriptor is looked for. */
const LONGEST = 4096

/** Holes that a template or a glob fills later. */
const MADE_BY_CODE = /[{}*]/

/** Files that may refer to pictures. */
const SOURCE =
  /\.(?:x?html?|css|scss|sass|less|styl|svg|[cm]?[jt]sx?|vue|svelte|astro|mdx?|markdown|php|ejs|njk|liquid|hbs|handlebars|mustache|pug|twig|erb|haml|json|ya?ml|toml)$/i

/** True for the name of a file that may refer to pictures. Declarations of TypeScript only speak of references. */
export function isSource(name: string): boolean {
  return SOURCE.test(name) && !/\.d\.[cm]?ts$/i.test(name)
}

/**
 * Finds the tagged references in a source file. HTML, CSS and SVG are read as what they are. Everything else is
 * searched for texts that look like references, so one that code puts together is missed, and one in a comment counts.
 */
export function findReferences(name: string, text: string): SourceReference[] {
  if (!mayHoldTags(text)) return []
  if (/\.css$/i.test(name)) return [...scanCss(text).references]
  if (/\.(?:x?html?|svg)$/i.test(name)) return [...scanHtml(text).references]
  const lineOf = countLines(text)
  const found: SourceReference[] = []
  for (const { written, start } of addressesIn(text)) {
    const address = written.replaceAll('&amp;', '&')
    if (isTaggedPicture(address) && !MADE_BY_CODE.test(address)) found.push({ address, line: lineOf(start) })
  }
  return found
}

/**
 * What looks like the address of a picture with a query: a whole string; or, as in Markdown and unquoted `url()`, a word
 * after a bracket, an equals sign or a space. Each part of the text is looked at a fixed number of times.
 */
function* addressesIn(text: string): Generator<{ readonly written: string; readonly start: number }> {
  let line = lineAt(text, 0, 0)
  let word: Word = { start: 0, end: 0, addressStart: undefined }
  let closingQuote = -1
  const picture = new RegExp(PICTURE)
  for (let match = picture.exec(text); match !== null; match = picture.exec(text)) {
    const { index } = match
    const query = picture.lastIndex
    if (index >= line.end) line = lineAt(text, line.end, index)
    const isSrcset = index >= line.descriptorEnd()
    const isString = !isSrcset && line.isQuoted && line.start - 1 !== closingQuote
    if (isString && index > line.start && query < line.end && line.lastBlank() < query) {
      yield { written: text.slice(line.start, line.end), start: line.start }
      closingQuote = line.end
      picture.lastIndex = line.end + 1
      continue
    }
    if (index >= word.end) word = wordAt(text, Math.max(word.end, line.start), index)
    const start = word.addressStart
    if (start === undefined || index <= start || query >= word.end) continue
    // The comma between two candidates of a `srcset`.
    yield { written: text.slice(start, word.end).replace(/,$/, ''), start }
    picture.lastIndex = word.end
  }
}

interface Stretch {
  readonly start: number
  readonly end: number
}

/** What stands between two quotes, or between ends of lines. What is asked of it is worked out once, for all of its pictures. */
interface Line extends Stretch {
  readonly isQuoted: boolean
  /** Behind the first descriptor of a `srcset` in it. */
  descriptorEnd(): number
  lastBlank(): number
}

function lineAt(text: string, from: number, place: number): Line {
  const line = stretch(text, /["'`\r\n]/g, from, place)
  const { start, end } = line
  const quote = text[start - 1] ?? ''
  const descriptor = (): number => {
    const found = DESCRIPTOR_BEFORE.exec(text.slice(start, Math.min(end, start + LONGEST)))
    return found === null ? Number.POSITIVE_INFINITY : start + found.index + found[0].length
  }
  return {
    ...line,
    isQuoted: /["'`]/.test(quote) && text[end] === quote,
    descriptorEnd: once(descriptor),
    lastBlank: once(() => lastBlank(text, line)),
  }
}

function once<T>(find: () => T): () => T {
  let found: { readonly value: T } | undefined
  return () => {
    found ??= { value: find() }
    return found.value
  }
}

/** The part of a text around a place that ends are not in; it starts at `from` at the earliest. */
function stretch(text: string, ends: RegExp, from: number, place: number): Stretch {
  let start = from
  ends.lastIndex = from
  for (let match = ends.exec(text); match !== null; match = ends.exec(text)) {
    if (match.index >= place) return { start, end: match.index }
    start = ends.lastIndex
  }
  return { start, end: text.length }
}

interface Word extends Stretch {
  /** Where an address may start in it; undefined for nowhere. */
  readonly addressStart: number | undefined
}

function wordAt(text: string, from: number, place: number): Word {
  const word = stretch(text, /[\s"'`()<>]/g, from, place)
  return { ...word, addressStart: addressStart(text, word) }
}

function addressStart(text: string, { start, end }: Stretch): number | undefined {
  const before = text[start - 1] ?? ''
  if (/[(>\s]/.test(before)) return start
  // The first candidate of a `srcset`, which a descriptor follows.
  if (/["'`]/.test(before) && DESCRIPTOR_BEHIND.test(text.slice(end, end + 16))) return start
  const sign = text.slice(start, end).search(/[=\]:]/)
  return sign === -1 ? undefined : start + sign + 1
}

function lastBlank(text: string, { start, end }: Stretch): number {
  for (let at = end - 1; at >= start; at--) if (/\s/.test(text[at] ?? '')) return at
  return -1
}

/**
 * The file that a reference most likely means: relative to the file that has it, else in the folders where bundlers
 * and generators look. Undefined when there is none.
 *
 * @param root the project's folder; a part of it that lies closer to the source may have a public folder of its own, as
 * layers of Nuxt and packages of a workspace do
 */
export function resolveReference(address: string, source: string, root: string): string | undefined {
  const path = pathOf(address)
  const bare = path.replace(/^~?@\/|^~\/?/, '')
  const places = path.startsWith('/')
    ? [
        ...['public', 'static', 'src', '.'].map(folder => join(root, folder, path)),
        ...foldersAround(source, root).flatMap(part =>
          ['public', 'static'].map(folder => join(part, folder, path)),
        ),
      ]
    : [
        resolve(dirname(source), path),
        ...['src', 'public', 'static', '.'].map(folder => join(root, folder, bare)),
      ]
  const names = new Set(places.flatMap(place => [place, decodedPath(place)]))
  return [...names].find(name => existsSync(name))
}

/** The folders that a file lies in, from its own up to the root, which is not among them. */
function foldersAround(file: string, root: string): string[] {
  const folders: string[] = []
  for (let at = resolve(root, dirname(file)); at !== root && isInside(at, root); at = dirname(at)) {
    folders.push(at)
  }
  return folders
}
