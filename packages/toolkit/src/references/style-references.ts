import {
  type CSSToken,
  isTokenFunction,
  isTokenIdent,
  isTokenString,
  isTokenURL,
  TokenType,
} from '@csstools/css-tokenizer'
import { cssTokensOf } from './css-tokens.ts'

/** An address that CSS refers to. */
export interface StyleReference {
  /** Without quotes and escapes. */
  readonly value: string
  /** Where the value stands in the text, quotes and `url(` excluded. */
  readonly start: number
}

/** What CSS is read from: a style sheet, the value of a property, or a text that may be CSS or about it. */
export type StyleKind = 'sheet' | 'value' | 'text'

/** Functions whose strings are addresses. */
const ADDRESS_FUNCTIONS = new Set(['url', 'src', 'image', 'image-set', '-webkit-image-set'])

/** What is open: a function whose strings are addresses, a square bracket, another bracket. */
type Bracket = 'address' | 'square' | 'other'

function bracketOf(name: string): Bracket {
  return ADDRESS_FUNCTIONS.has(name.toLowerCase()) ? 'address' : 'other'
}

/** Properties that take a picture, in the spelling of CSS or of the DOM. */
const PICTURE_PROPERTY =
  /^(?:--.+|[-a-z]*(?:background|mask|image|list-?style|cursor|content|filter|clip-?path|shape-?outside|fill|stroke|marker|src|cover|poster|offset-?path)[-a-z]*)$/i

/** Words that stand beside an address in a value; with another word, a text is a sentence. */
const VALUE_WORD =
  /^(?:no-repeat|repeat(?:-[xy])?|round|space|stretch|left|right|top|bottom|center|fixed|local|scroll|cover|contain|auto|(?:border|padding|content|margin|fill|stroke|view)-box|text|none|initial|inherit|unset|inside|outside|disc|circle|square|alpha|luminance|match-source|add|subtract|intersect|exclude|fill|pointer|default|grab|zoom-in|zoom-out|crosshair|move|help|wait|transparent|currentcolor|black|white|red|green|blue|gray|grey|silver|navy|teal|orange|yellow|purple|pink|gold|important|\uFFFC.*|.*\uFFFC)$/i

/** True for the name of a property whose value can refer to a picture. */
export function isPictureProperty(name: string): boolean {
  return PICTURE_PROPERTY.test(name)
}

/** A piece of CSS between semicolons and braces; what matters of it, since it may be as long as the text. */
interface Segment {
  /** The addresses of which is not known yet whether they are some. */
  readonly found: StyleReference[]
  /** Of the identifiers outside of brackets, the first before a colon, and the number of those. */
  name: string
  names: number
  /** Whether one of them stands in sentences only. */
  hasOtherWord: boolean
  hasColon: boolean
}

/**
 * Finds the addresses of a text by the tokens of CSS: `url(…)`, the strings of `image-set()` and its like, and in a
 * style sheet the strings of custom properties. Selectors, the names of utility classes (`bg-[url(…)]`), generated
 * content and comments hold none. Of a `text`, only what reads as a declaration or a value counts. One after the other. Total.
 */
export function* findStyleReferences(css: string, kind: StyleKind): Generator<StyleReference> {
  const open: Bracket[] = []
  let openSquares = 0
  let segment = newSegment()
  for (const token of cssTokensOf(css)) {
    if (token === undefined) continue
    const [type, written, from] = token
    const isInBrackets = openSquares > 0
    if (isTokenURL(token)) {
      if (isInBrackets) continue
      const start = from + written.indexOf(token[4].value.charAt(0), 4)
      const found = { value: token[4].value, start }
      if (kind === 'text') yield* taken(found, segment)
      else yield found
    } else if (isTokenString(token)) {
      if (isInBrackets || !holdsAddress(open, segment, kind)) continue
      const found = { value: token[4].value, start: from + 1 }
      if (kind === 'text') yield* taken(found, segment)
      else yield found
    } else if (isTokenFunction(token)) open.push(bracketOf(token[4].value))
    else if (type === TokenType.OpenParen) open.push('other')
    else if (type === TokenType.OpenSquare) {
      open.push('square')
      openSquares++
    } else if (type === TokenType.CloseParen || type === TokenType.CloseSquare) {
      if (open.pop() === 'square') openSquares--
    } else if (type === TokenType.OpenCurly || type === TokenType.CloseCurly) {
      // What stands before a brace is a selector, and a bracket that is still open was none.
      if (type === TokenType.OpenCurly) segment.hasColon = true
      open.length = 0
      openSquares = 0
      if (segment.found.length > 0) yield* leftOf(segment)
      segment = newSegment()
    } else if (type === TokenType.Semicolon) {
      if (open.length > 0) continue
      if (segment.found.length > 0) yield* leftOf(segment)
      segment = newSegment()
    } else if (open.length === 0) note(token, segment, kind)
  }
  yield* leftOf(segment)
}

function newSegment(): Segment {
  return { found: [], name: '', names: 0, hasOtherWord: false, hasColon: false }
}

/** An address of a text, where it is known to be one; else it is kept with its piece of CSS, the rest of which tells. */
function* taken(found: StyleReference, segment: Segment): Generator<StyleReference> {
  if (!isNamed(segment)) segment.found.push(found)
  else if (isStyle(segment)) {
    yield* segment.found
    segment.found.length = 0
    yield found
  }
}

/** What is still kept of a piece that has ended. */
function* leftOf(segment: Segment): Generator<StyleReference> {
  if (isStyle(segment)) yield* segment.found
}

function note(token: CSSToken, segment: Segment, kind: StyleKind): void {
  if (token[0] === TokenType.Colon) segment.hasColon = true
  if (!isTokenIdent(token)) return
  const word = token[4].value
  if (!segment.hasColon && segment.names++ === 0) segment.name = word
  if (kind === 'text') segment.hasOtherWord ||= !VALUE_WORD.test(word)
}

function holdsAddress(open: readonly Bracket[], { name, names }: Segment, kind: StyleKind): boolean {
  const inner = open.at(-1)
  if (inner !== undefined) return inner === 'address'
  return kind === 'sheet' && names === 1 && name.startsWith('--')
}

/** True for a declaration of a property that takes pictures, and for a value without any word of a sentence. */
function isStyle(segment: Segment): boolean {
  return isNamed(segment) ? segment.names === 1 && isPictureProperty(segment.name) : !segment.hasOtherWord
}

/** True where a name stands before a colon: what follows can't make another one of it. */
function isNamed({ names, hasColon }: Segment): boolean {
  return hasColon && names > 0
}
