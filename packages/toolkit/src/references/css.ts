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
  /** The text that stands for another value in the same place. */
  print(value: string): string
}

/**
 * Finds the addresses of pictures in CSS: `url(…)` with and without quotes, and the strings of `image-set()`. Other
 * strings are text. Total: text that isn't CSS gives what it gives.
 */
export function findCssAddresses(css: string): CssAddress[] {
  const found: CssAddress[] = []
  // The functions that are open at a place; a parenthesis without a name counts too.
  const open: string[] = []
  const { text, placeOf } = shorten(css)
  for (const token of cssTokensOf(text)) {
    const [type, , start, last] = token
    const from = placeOf(start)
    const to = placeOf(last)
    if (isTokenURL(token)) {
      found.push({
        value: token[4].value,
        start: from,
        end: to + 1,
        print: value => `url(${quote(value, '"')})`,
      })
    } else if (isTokenString(token) && holdsAddress(open)) {
      const mark = css[from] === "'" ? "'" : '"'
      found.push({ value: token[4].value, start: from, end: to + 1, print: value => quote(value, mark) })
    } else if (opens(token)) {
      open.push(isTokenFunction(token) ? token[4].value.toLowerCase() : '')
    } else if (type === TokenType.CloseParen) {
      open.pop()
    }
  }
  return found
}

/** Far longer than an address of a picture: what a `data:` address holds. */
const DATA = /[\w+/=%,;:.@!$&~-]+/g
const LONGEST_WORD = 4096

/**
 * The text without the inside of long data: the tokenizer passes the characters of a token as arguments of one call, and
 * a hundred thousand overflow the stack. `placeOf` gives the place in the whole text; it is asked for places in order.
 */
function shorten(css: string): { readonly text: string; placeOf(place: number): number } {
  const parts: string[] = []
  const kept: { readonly place: number; readonly left: number }[] = [{ place: 0, left: 0 }]
  let at = 0
  let length = 0
  for (const { 0: data, index } of css.matchAll(DATA)) {
    if (data.length <= LONGEST_WORD) continue
    parts.push(css.slice(at, index + 1))
    length += index + 1 - at
    at = index + data.length - 1
    kept.push({ place: length, left: at - length })
  }
  parts.push(css.slice(at))
  let index = 0
  return {
    text: parts.join(''),
    placeOf(place) {
      for (let next = kept[index + 1]; next !== undefined && next.place <= place; next = kept[index + 1])
        index++
      return place + (kept[index]?.left ?? 0)
    },
  }
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
