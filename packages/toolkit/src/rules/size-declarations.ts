import {
  type CSSToken,
  isTokenDimension,
  isTokenIdent,
  isTokenNumber,
  TokenType,
} from '@csstools/css-tokenizer'
import { cssTokensOf } from '../references/css-tokens.ts'

/** A length in CSS pixels, `auto`, or what only a browser can tell, such as a percentage. */
export type Length = number | 'auto' | 'unknown'

export type SizeProperty = 'width' | 'height' | 'max-width' | 'max-height'

/** What a style sheet says about one property of what a selector selects. */
export interface SizeDeclaration {
  readonly selector: string
  readonly property: SizeProperty
  readonly length: Length
  readonly isImportant: boolean
  /** True inside of `@media` and its like, which hold for some screens only. */
  readonly isConditional: boolean
}

const PROPERTIES: Readonly<Record<string, SizeProperty>> = {
  width: 'width',
  height: 'height',
  'max-width': 'max-width',
  'max-height': 'max-height',
  'inline-size': 'width',
  'block-size': 'height',
  'max-inline-size': 'max-width',
  'max-block-size': 'max-height',
}

/** The longest selector that is judged, in characters: blocks in blocks multiply what their selectors say. */
const LONGEST_SELECTOR = 2000

/** What a block is about, by what stands before its brace. */
interface Block {
  /** Undefined where nothing is selected: keyframes, a font, a block of an unknown kind. */
  readonly selector: string | undefined
  readonly isConditional: boolean
}

/**
 * Finds the sizes that a style sheet declares, in order. Total: text that isn't CSS gives what it gives. Between them undefined,
 * now and then, where others may have their turn.
 */
export function* findSizes(css: string): Generator<SizeDeclaration | undefined> {
  const blocks: Block[] = [{ selector: '', isConditional: false }]
  let piece: CSSToken[] = []
  const close = (): SizeDeclaration | undefined => {
    const { selector, isConditional } = blocks.at(-1) ?? {}
    const declared = declarationOf(piece)
    piece = []
    if (!selector || declared === undefined) return undefined
    return { selector, isConditional: isConditional === true, ...declared }
  }
  for (const token of cssTokensOf(css)) {
    if (token === undefined) {
      yield undefined
      continue
    }
    const [type] = token
    if (type === TokenType.Comment) continue
    if (type === TokenType.OpenCurly) {
      blocks.push(blockOf(piece, blocks.at(-1)))
      piece = []
    } else if (type === TokenType.CloseCurly) {
      const found = close()
      if (found !== undefined) yield found
      if (blocks.length > 1) blocks.pop()
    } else if (type === TokenType.Semicolon || type === TokenType.EOF) {
      const found = close()
      if (found !== undefined) yield found
    } else if (piece.length <= LONGEST_SELECTOR && !isSpaceAfter(piece.at(-1), type)) piece.push(token)
  }
}

/** Space that says nothing: in a piece of two thousand tokens, each of the others has a sign at least. */
function isSpaceAfter(last: CSSToken | undefined, type: TokenType): boolean {
  return type === TokenType.Whitespace && (last === undefined || last[0] === TokenType.Whitespace)
}

/** The declarations of a `style` attribute. */
export function findInlineSizes(
  style: string,
): Pick<SizeDeclaration, 'property' | 'length' | 'isImportant'>[] {
  return [...findSizes(`*{${style}}`)].filter(found => found !== undefined)
}

function blockOf(prelude: readonly CSSToken[], outer: Block | undefined): Block {
  const { selector: around = '', isConditional = false } = outer ?? {}
  const text = textOf(prelude)
  const rule = /^@([\w-]+)/.exec(text)?.[1]?.toLowerCase()
  if (rule === 'layer' || rule === 'scope') return { selector: around, isConditional }
  if (rule === 'media' || rule === 'supports' || rule === 'container' || rule === 'starting-style') {
    return { selector: around, isConditional: true }
  }
  if (rule !== undefined || outer?.selector === undefined) return { selector: undefined, isConditional }
  const selector = nestedIn(around, text)
  return { selector: selector.length > LONGEST_SELECTOR ? undefined : selector, isConditional }
}

function nestedIn(around: string, text: string): string {
  if (around === '') return text
  return text.includes('&') ? text.replaceAll('&', `:is(${around})`) : `:is(${around}) :is(${text})`
}

function declarationOf(
  piece: readonly CSSToken[],
): Pick<SizeDeclaration, 'property' | 'length' | 'isImportant'> | undefined {
  const [name, colon, ...value] = piece.filter(([type]) => type !== TokenType.Whitespace)
  if (name === undefined || !isTokenIdent(name) || colon?.[0] !== TokenType.Colon) return undefined
  const property = PROPERTIES[name[4].value.toLowerCase()]
  if (property === undefined) return undefined
  const isImportant = /!\s*important\s*$/i.test(textOf(value))
  const [first, ...others] = isImportant ? value.slice(0, -2) : value
  return { property, length: others.length === 0 ? lengthOf(first) : 'unknown', isImportant }
}

/** Pixels of a root font size that nobody changed. */
const REM = 16

function lengthOf(token: CSSToken | undefined): Length {
  if (token === undefined) return 'unknown'
  if (isTokenNumber(token)) return token[4].value === 0 ? 0 : 'unknown'
  if (isTokenIdent(token)) return /^(?:auto|none)$/i.test(token[4].value) ? 'auto' : 'unknown'
  if (!isTokenDimension(token)) return 'unknown'
  const { value, unit } = token[4]
  if (/^px$/i.test(unit)) return value
  return /^rem$/i.test(unit) ? value * REM : 'unknown'
}

function textOf(tokens: readonly CSSToken[]): string {
  return tokens
    .map(([, written]) => written)
    .join('')
    .trim()
}
