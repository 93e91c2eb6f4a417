import {
  type CSSToken,
  isTokenFunction,
  isTokenOpenParen,
  isTokenString,
  isTokenURL,
  TokenType,
} from '@csstools/css-tokenizer'
import { cssTokensOf } from './css-tokens.ts'

/** An address in a style sheet. `start` and `end` enclose what has to be replaced to change it. */
export interface CssAddress {
  /** Without quotes and escapes. */
  readonly value: string
  readonly start: number
  readonly end: number
  /** How it is written. */
  readonly form: 'url' | '"' | "'"
}

/**
 * Finds the addresses of pictures in CSS, one after the other: `url(…)` with and without quotes, and the strings of
 * `image-set()`. Other strings are text. Total: text that isn't CSS gives what it gives. Between them undefined, now and then,
 * where others may have their turn.
 */
export function* findCssAddresses(css: string): Generator<CssAddress | undefined> {
  // The functions that are open at a place; a parenthesis without a name counts too.
  const open: string[] = []
  for (const token of cssTokensOf(css)) {
    if (token === undefined) {
      yield undefined
      continue
    }
    const [type, , from, to] = token
    if (isTokenURL(token)) {
      yield { value: token[4].value, start: from, end: to + 1, form: 'url' }
    } else if (isTokenString(token) && holdsAddress(open)) {
      yield { value: token[4].value, start: from, end: to + 1, form: css[from] === "'" ? "'" : '"' }
    } else if (opens(token)) {
      open.push(isTokenFunction(token) ? token[4].value.toLowerCase() : '')
    } else if (type === TokenType.CloseParen) {
      open.pop()
    }
  }
}

/** The text that stands for another value in the same place. */
export function printCssAddress(form: CssAddress['form'], value: string): string {
  return form === 'url' ? `url(${quote(value, '"')})` : quote(value, form)
}

function opens(token: CSSToken): boolean {
  return isTokenFunction(token) || isTokenOpenParen(token)
}

/** `type("image/webp")` inside of an image-set holds no address. */
function holdsAddress(open: readonly string[]): boolean {
  const inner = open.at(-1)
  return inner === 'url' || inner === 'image-set' || inner === '-webkit-image-set'
}

function quote(value: string, mark: '"' | "'"): string {
  const escaped = value.replaceAll('\\', '\\\\').replaceAll('\n', '\\a ').replaceAll(mark, `\\${mark}`)
  return `${mark}${escaped}${mark}`
}
