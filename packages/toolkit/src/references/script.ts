import jsTokens from 'js-tokens'

/** A token that is neither white space nor a comment. */
export interface CodeToken {
  readonly type: string
  readonly value: string
  readonly start: number
}

/**
 * The tokens of JavaScript, with their places. Total: text that isn't JavaScript gives tokens as well.
 * @param jsx whether the code may have elements
 */
export function* tokensOf(code: string, jsx = false): Generator<CodeToken> {
  let start = 0
  for (const { type, value } of allTokens(code, jsx)) {
    if (!BETWEEN.has(type)) yield { type, value, start }
    start += value.length
  }
}

/**
 * All tokens of a code, to be looked at from any place: what they are and where they stand, in a few bytes each. As objects
 * they take a hundred times the memory of the code, of which the collector's time grows faster than the code does.
 */
export interface CodeTokens {
  readonly length: number
  /** Undefined outside of the code, as the value is empty there. */
  typeAt(index: number): string | undefined
  valueAt(index: number): string
  startAt(index: number): number
}

export function readTokens(code: string, jsx = false): CodeTokens {
  const types: string[] = []
  const numbers = new Map<string, number>()
  let length = 0
  let columns = columnsOf(Math.max(64, code.length >> 3))
  for (const { type, value, start } of tokensOf(code, jsx)) {
    if (length === columns.types.length) columns = columnsOf(length * 2, columns)
    let number = numbers.get(type)
    if (number === undefined) {
      number = types.push(type) - 1
      numbers.set(type, number)
    }
    columns.types[length] = number
    columns.starts[length] = start
    columns.ends[length] = start + value.length
    length++
  }
  const { types: kinds, starts, ends } = columns
  const has = (index: number): boolean => index >= 0 && index < length
  return {
    length,
    typeAt: index => (has(index) ? types[kinds[index] ?? 0] : undefined),
    valueAt: index => (has(index) ? code.slice(starts[index], ends[index]) : ''),
    startAt: index => (has(index) ? (starts[index] ?? 0) : 0),
  }
}

interface Columns {
  readonly types: Uint8Array
  readonly starts: Uint32Array
  readonly ends: Uint32Array
}

function columnsOf(length: number, before?: Columns): Columns {
  const columns = {
    types: new Uint8Array(length),
    starts: new Uint32Array(length),
    ends: new Uint32Array(length),
  }
  if (before === undefined) return columns
  columns.types.set(before.types)
  columns.starts.set(before.starts)
  columns.ends.set(before.ends)
  return columns
}

const BETWEEN = new Set(['MultiLineComment', 'SingleLineComment', 'WhiteSpace', 'LineTerminatorSequence'])

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

const BACKSLASH = 92

/** Where the first of these texts that no backslash stands before ends. */
function endOf(code: string, from: number, ends: readonly string[]): number {
  const first = ends.map(end => end.charCodeAt(0))
  for (let at = from; at < code.length; at++) {
    const unit = code.charCodeAt(at)
    if (unit === BACKSLASH) at++
    else if (first.includes(unit)) {
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
export function literalText({ type, value }: Pick<CodeToken, 'type' | 'value'>): string | undefined {
  return isLiteral(type) ? value.slice(1, -1) : undefined
}

/** True for the type of a token that has a text. */
export function isLiteral(type: string | undefined): boolean {
  return type === 'StringLiteral' || type === 'NoSubstitutionTemplate' || type === 'TemplateTail'
}
