import { type CSSToken, TokenType, tokenizer } from '@csstools/css-tokenizer'

/**
 * The tokens of CSS one after the other, the last of which is the end: a list of all of them takes fifty times the memory of
 * the text, of which the collector's time grows faster than the text does.
 */
export function* cssTokensOf(css: string): Generator<CSSToken> {
  const { nextToken } = tokenizer({ css })
  let token: CSSToken
  do {
    token = tokenQuickly(nextToken)
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
