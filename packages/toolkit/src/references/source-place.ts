import { blanked } from './blanked.ts'
import { cook, stringsOf } from './code-strings.ts'
import { countLines } from './lines.ts'
import { readTokens } from './script.ts'
import { findStyleTexts } from './style-text.ts'
import { createTextParts } from './text-parts.ts'

/** Where a reference stands in a source, both from 1. */
export interface SourcePlace {
  readonly line: number
  readonly column: number
}

/** A text of a source that may be a reference, or have one in it. */
export interface SourceText {
  readonly value: string
  /** Where it stands in the source. With escapes before it, a place in it is a few characters off. */
  readonly start: number
}

const STYLE = /\.(?:css|scss|sass|less|styl|stylus|pcss|postcss|sss)$/i
const SCRIPT = /\.[cm]?[jt]sx?$/i
const VARIABLES = /(?:^|[\\/])\.env[^\\/]*$/
/** A line of such a file, up to its value. */
const VARIABLE = /^([ \t]*(?:export[ \t]+)?[\w.-]+[ \t]*=[ \t]*['"`]?)([^'"`\n]*)/gm
/** Characters of a path or a query; where one stands beside an address, it is another, longer one. */
const PART_OF_ADDRESS = /[\w%&=+./@~-]/

/**
 * Finds where a source has a reference: by the strings of code and the values of style sheets, and in other sources,
 * which have several languages in them, as a whole word outside of comments. Bundlers hand some references over in
 * another spelling, which is looked for last.
 * @param name of the file, whose extension says what it is
 * @returns undefined when the source doesn't have it word by word
 */
export function findSourcePlace(name: string, text: string, reference: string): SourcePlace | undefined {
  const start = startOf(sourceTexts(name, text), spellingsOf(reference))
  if (start === undefined) return undefined
  return { line: countLines(text)(start), column: start - text.lastIndexOf('\n', start - 1) }
}

/** The texts of a source that may have references, comments left out: read once, where many are looked for. */
export function* sourceTexts(name: string, text: string): Generator<SourceText> {
  if (STYLE.test(name)) {
    for (const { value, start } of findStyleTexts(text)) yield { value: cook(value), start }
  } else if (SCRIPT.test(name)) {
    const tokens = readTokens(text, /x$/i.test(name))
    for (const { text: value, placeOf } of stringsOf(tokens)) yield { value, start: placeOf(0) }
    for (let index = 0; index < tokens.length; index++) {
      const type = tokens.typeAt(index)
      if (type !== 'JSXString' && type !== 'JSXText') continue
      yield { value: tokens.valueAt(index), start: tokens.startAt(index) }
    }
  } else if (VARIABLES.test(name)) {
    for (const { 0: whole, 2: value = '', index } of text.matchAll(VARIABLE)) {
      yield { value: value.trimEnd(), start: index + whole.length - value.length }
    }
  } else yield { value: withoutComments(name, text), start: 0 }
}

/** Of several spellings the first wins that stands anywhere, and a whole text over a part of one. */
function startOf(texts: Iterable<SourceText>, spellings: readonly string[]): number | undefined {
  const wholes: (number | undefined)[] = []
  const parts: (number | undefined)[] = []
  for (const { value, start } of texts) {
    for (const [index, spelling] of spellings.entries()) {
      if (value === spelling) wholes[index] ??= start
      else parts[index] ??= placeOfWord(value, start, spelling)
    }
    if (wholes[0] !== undefined) break
  }
  return spellings.map((_, index) => wholes[index] ?? parts[index]).find(start => start !== undefined)
}

function placeOfWord(text: string, start: number, word: string): number | undefined {
  for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + 1)) {
    const [before, after] = [text[at - 1] ?? '', text[at + word.length] ?? '']
    if (!PART_OF_ADDRESS.test(before) && !PART_OF_ADDRESS.test(after)) return start + at
  }
  return undefined
}

function spellingsOf(reference: string): string[] {
  if (reference === '') return []
  const bare = reference.replace(/^\.\//, '')
  // css-loader writes `./` before a name, and takes `~` away.
  const written = [reference, ...(bare === reference ? [] : [bare]), `~${reference}`]
  return [...new Set(written.flatMap(one => [one, one.replaceAll('&', '&amp;'), encodeURI(one)]))]
}

/** The text of a source with spaces for its comments; a source of several languages has those of markup and of style sheets. */
export function withoutComments(name: string, text: string): string {
  if (!SCRIPT.test(name)) return without(without(text, '<!--', '-->'), '/*', '*/')
  const tokens = readTokens(text, /x$/i.test(name))
  const parts = createTextParts()
  let at = 0
  for (let index = 0; index < tokens.length; index++) {
    const start = tokens.startAt(index)
    const written = tokens.valueAt(index)
    if (start > at) parts.add(blanked(text.slice(at, start)))
    parts.add(written)
    at = start + written.length
  }
  parts.add(blanked(text.slice(at)))
  return parts.text()
}

function without(text: string, open: string, close: string): string {
  const parts = createTextParts()
  let at = 0
  for (let start = text.indexOf(open); start !== -1; start = text.indexOf(open, at)) {
    const found = text.indexOf(close, start + open.length)
    // A mark that nothing closes begins no comment: `accept="image/*"`.
    if (found === -1) break
    const end = found + close.length
    parts.add(text.slice(at, start))
    parts.add(blanked(text.slice(start, end)))
    at = end
  }
  parts.add(text.slice(at))
  return parts.text()
}
