/** A value in a style sheet that may be a reference: what stands in `url(…)`, or a string. */
export interface StyleText {
  /** As written, escapes included. */
  readonly value: string
  /** Where the value starts in the text, quotes and `url(` excluded. */
  readonly start: number
  readonly end: number
}

interface Range {
  readonly start: number
  readonly end: number
}

/**
 * Finds every `url(…)` and every string of a style sheet, one after the other. Total: text that isn't CSS gives what it gives.
 *
 * Comments and strings are taken whole so that nothing inside them is taken for something else; `url(…)` before strings,
 * since it may hold one. What is opened and never closed is no comment, address or string. Takes time in proportion to
 * the text: what was found to have no end is not searched for one again.
 *
 * Not the tokenizer that css.ts has: sources are Sass and Less as well, in which that one loses its way; and every
 * string counts, since a preprocessor's function or a rule of tomorrow may take it for an address.
 */
export function* findStyleTexts(css: string): Generator<StyleText> {
  const next = /\/\*|\burl\(|["']/g
  const closeOf = createCloser(css)
  for (let match = next.exec(css); match !== null; match = next.exec(css)) {
    const [opening] = match
    const from = next.lastIndex
    if (opening === '/*') {
      next.lastIndex = closeOf('*/', from) ?? from
      continue
    }
    const range = opening === 'url(' ? addressAt(css, from, closeOf) : stringAt(opening, from, closeOf)
    if (range === undefined) continue
    yield { value: css.slice(range.start, range.end), start: range.start, end: range.end }
    next.lastIndex = range.close
  }
}

interface Enclosed extends Range {
  /** Behind what closes it. */
  readonly close: number
}

function stringAt(mark: string, from: number, closeOf: Closer): Enclosed | undefined {
  const close = closeOf(mark === '"' ? 'line"' : "line'", from)
  return close === undefined ? undefined : { start: from, end: close - 1, close }
}

function addressAt(css: string, from: number, closeOf: Closer): Enclosed | undefined {
  const start = skip(/\s*/y, css, from)
  const mark = css[start]
  if (mark === '"' || mark === "'") {
    const end = closeOf(mark, start + 1)
    const close = end === undefined ? undefined : bracketAt(css, end)
    return end === undefined || close === undefined ? undefined : { start: start + 1, end: end - 1, close }
  }
  let end = start
  for (let before = -1; end !== before; ) {
    before = end
    end = skip(/[^"'()\\\s]*/y, css, end)
    if (css[end] === '\\' && end + 1 < css.length) end += 2
  }
  const close = bracketAt(css, end)
  return end === start || close === undefined ? undefined : { start, end, close }
}

/** Behind the bracket that closes an address; undefined where something else stands. */
function bracketAt(css: string, from: number): number | undefined {
  const at = skip(/\s*/y, css, from)
  return css[at] === ')' ? at + 1 : undefined
}

function skip(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from
  pattern.exec(text)
  return pattern.lastIndex
}

type Ending = '*/' | '"' | "'" | 'line"' | "line'"

/** Finds the place behind an ending; those of strings don't count behind a backslash, and `line` ends with the line. */
type Closer = (ending: Ending, from: number) => number | undefined

function createCloser(css: string): Closer {
  // Nothing that starts before these places has such an ending: what one search saw in vain, another would see again.
  const inVainUntil = new Map<Ending, number>()

  function search(ending: Ending, from: number): { readonly close?: number; readonly seen: number } {
    if (ending === '*/') {
      const at = css.indexOf(ending, from)
      return at === -1 ? { seen: css.length } : { close: at + 2, seen: at }
    }
    const mark = ending.slice(-1)
    const stop = ending.length > 1 ? /["'\\\n]/g : /["'\\]/g
    stop.lastIndex = from
    for (let match = stop.exec(css); match !== null; match = stop.exec(css)) {
      if (match[0] === '\\') stop.lastIndex++
      else if (match[0] === '\n') return { seen: match.index }
      else if (match[0] === mark) return { close: stop.lastIndex, seen: match.index }
    }
    return { seen: css.length }
  }

  return (ending, from) => {
    if (from <= (inVainUntil.get(ending) ?? -1)) return undefined
    const { close, seen } = search(ending, from)
    if (close === undefined) inVainUntil.set(ending, seen)
    return close
  }
}
