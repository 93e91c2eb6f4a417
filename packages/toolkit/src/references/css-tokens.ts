import { type CSSToken, TokenType, tokenizer } from '@csstools/css-tokenizer'
import type { Steps } from './steps.ts'

/** How many tokens or words are read between two pauses. */
const AT_A_TIME = 1000

/**
 * The tokens of CSS one after the other, the last of which is the end: a list of all of them takes fifty times the memory of
 * the text, of which the collector's time grows faster than the text does. Long data is left out of their texts and values.
 * Between them undefined, now and then, where others may have their turn.
 */
export function* cssTokensOf(css: string): Generator<CSSToken | undefined> {
  const { text, placeOf } = yield* shorten(css)
  const { nextToken } = tokenizer({ css: text })
  for (let count = 1; ; count++) {
    const token = tokenQuickly(nextToken)
    token[2] = placeOf(token[2])
    token[3] = placeOf(token[3])
    yield token
    if (token[0] === TokenType.EOF) return
    if (count % AT_A_TIME === 0) yield undefined
  }
}

/**
 * The tokenizer makes an error of each string that doesn't end, and each error would collect its stack, at some hundred
 * times the price of the token.
 */
function tokenQuickly(nextToken: () => CSSToken | undefined): CSSToken {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return nextToken() ?? END
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

const END: CSSToken = [TokenType.EOF, '', -1, -1, undefined]

/**
 * What a `data:` address and names hold, and signs after backslashes; nothing that has a meaning between tokens. In pieces: an
 * expression that tries one of two for each of millions overflows.
 */
const DATA = /(?:[\w+/=%.\-\0\u0080-\uffff]|\\["'\\()]){1,1000}/g
/** Far longer than an address of a picture. */
const LONGEST_WORD = 4096

interface ShortText {
  readonly text: string
  /** The place in the whole text. To be asked for places in order. */
  placeOf(place: number): number
}

/** The text without the inside of long data, of which the tokenizer puts a value together character by character. */
function* shorten(css: string): Steps<ShortText> {
  const parts: string[] = []
  const kept: { readonly place: number; readonly left: number }[] = [{ place: 0, left: 0 }]
  let at = 0
  let length = 0
  for (const word of longWords(css)) {
    if (word === undefined) {
      yield undefined
      continue
    }
    const { start, end } = word
    // A sign stays together with its backslash.
    const first = start + (css[start] === '\\' ? 2 : 1)
    const last = end - (hasBackslash(css, end - 1, start) ? 2 : 1)
    parts.push(css.slice(at, first))
    length += first - at
    at = last
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

/** Between them undefined, now and then. */
function* longWords(css: string): Generator<{ readonly start: number; readonly end: number } | undefined> {
  let start = 0
  let end = 0
  let count = 0
  for (const { 0: piece, index } of css.matchAll(DATA)) {
    if (++count % AT_A_TIME === 0) yield undefined
    if (index !== end) {
      if (end - start > LONGEST_WORD) yield { start, end }
      start = index
    }
    end = index + piece.length
  }
  if (end - start > LONGEST_WORD) yield { start, end }
}

/** Whether the character at a place of a word stands after a backslash that is none of another one's. */
function hasBackslash(css: string, place: number, start: number): boolean {
  let count = 0
  while (place - count > start && css[place - count - 1] === '\\') count++
  return count % 2 === 1
}
