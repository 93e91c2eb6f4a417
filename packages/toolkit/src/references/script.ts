import jsTokens from 'js-tokens'

/** A token that is neither white space nor a comment. */
export interface CodeToken {
  readonly type: string
  readonly value: string
  readonly start: number
  /** The comments that stand before it. */
  readonly comments: string
}

/**
 * The tokens of JavaScript, with their places. Total: text that isn't JavaScript gives tokens as well.
 * @param jsx whether the code may have elements
 */
export function* tokensOf(code: string, jsx = false): Generator<CodeToken> {
  let start = 0
  let comments = ''
  for (const { type, value } of jsTokens(code, { jsx })) {
    if (type === 'MultiLineComment' || type === 'SingleLineComment') comments += value
    else if (type !== 'WhiteSpace' && type !== 'LineTerminatorSequence') {
      yield { type, value, start, comments }
      comments = ''
    }
    start += value.length
  }
}

/**
 * The text of a string literal, or of the last piece of a template (`…${name}.png?upscale=2`), between its quotes and
 * as written; undefined for any other token.
 */
export function literalText({ type, value }: CodeToken): string | undefined {
  if (type === 'StringLiteral' || type === 'NoSubstitutionTemplate') return value.slice(1, -1)
  if (type === 'TemplateTail') return value.slice(1, -1)
  return undefined
}
