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
  for (const { type, value } of allTokens(code, jsx)) {
    if (type === 'MultiLineComment' || type === 'SingleLineComment') comments += value
    else if (type !== 'WhiteSpace' && type !== 'LineTerminatorSequence') {
      yield { type, value, start, comments }
      comments = ''
    }
    start += value.length
  }
}

interface AnyToken {
  readonly type: string
  readonly value: string
}

/**
 * All tokens. The regular expressions of js-tokens overflow in a token of millions of parts (stars of a comment, escapes of a
 * string); such a one is read here, and what follows it as if it were the beginning.
 */
function* allTokens(code: string, jsx: boolean): Generator<AnyToken> {
  for (let start = 0; start < code.length; ) {
    try {
      for (const token of jsTokens(code.slice(start), { jsx })) {
        yield token
        start += token.value.length
      }
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      const token = longTokenAt(code, start)
      yield token
      start += token.value.length
    }
  }
}

function longTokenAt(code: string, start: number): AnyToken {
  const first = code.charAt(start)
  if (code.startsWith('/*', start)) {
    const end = code.indexOf('*/', start + 2)
    return { type: 'MultiLineComment', value: code.slice(start, end === -1 ? undefined : end + 2) }
  }
  if (first === '"' || first === "'") {
    const value = code.slice(start, endOf(code, start + 1, [first, '\n', '\r']))
    return { type: 'StringLiteral', value }
  }
  if (first === '`' || first === '}') {
    const value = code.slice(start, endOf(code, start + 1, ['`', '${']))
    const isLast = !value.endsWith('${')
    if (first === '`') return { type: isLast ? 'NoSubstitutionTemplate' : 'TemplateHead', value }
    return { type: isLast ? 'TemplateTail' : 'TemplateMiddle', value }
  }
  return { type: 'Invalid', value: code.slice(start, endOf(code, start + 1, ['\n', '\r'])) }
}

/** Where the first of these texts that no backslash stands before ends. */
function endOf(code: string, from: number, ends: readonly string[]): number {
  for (let at = from; at < code.length; at++) {
    if (code[at] === '\\') at++
    else {
      const found = ends.find(end => code.startsWith(end, at))
      if (found !== undefined) return at + found.length
    }
  }
  return code.length
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
