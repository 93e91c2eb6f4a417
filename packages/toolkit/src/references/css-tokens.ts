import { type CSSToken, TokenType, tokenizer } from '@csstools/css-tokenizer'

/**
 * The tokens of CSS one after the other, the last of which is the end: a list of all of them takes fifty times the memory of
 * the text, of which the collector's time grows faster than the text does. Long data is left out of their texts and values.
 */
export function* cssTokensOf(css: string): Generator<CSSToken> {
  const { text, placeOf } = shorten(css)
  const { nextToken } = tokenizer({ css: text })
  let token: CSSToken
  do {
    token = tokenQuickly(nextToken)
    token[2] = placeOf(token[2])
    token[3] = placeOf(token[3])
    yield token
  } while (token[0] !== TokenType.EOF)
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

/** What a `data:` address holds, far longer than an address of a picture; nothing that has a meaning between tokens. */
const DATA = /[\w+/=%.-]+/g
const LONGEST_WORD = 4096

/**
 * The text without the inside of long data, of which the tokenizer puts a value together character by character.
 * `placeOf` gives the place in the whole text; it is asked for places in order.
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
