/** A value in a style sheet that may be a reference: what stands in `url(…)`, or a string. */
export interface StyleText {
  /** As written, escapes included. */
  readonly value: string
  /** Where the value starts in the text, quotes and `url(` excluded. */
  readonly start: number
  readonly end: number
}

/**
 * Comments and strings are matched so that nothing inside them is taken for something else; `url(…)` before strings,
 * since it may hold one.
 *
 * Not the tokenizer that css.ts has: sources are Sass and Less as well, in which that one loses its way; and every
 * string counts, since a preprocessor's function or a rule of tomorrow may take it for an address.
 */
const TOKENS =
  /\/\*[\s\S]*?\*\/|\burl\(\s*(?:"((?:\\[\s\S]|[^"\\])*)"|'((?:\\[\s\S]|[^'\\])*)'|((?:\\[\s\S]|[^"'()\\\s])+))\s*\)|"((?:\\[\s\S]|[^"\\\n])*)"|'((?:\\[\s\S]|[^'\\\n])*)'/dg

/** Finds every `url(…)` and every string of a style sheet, in order. Total: text that isn't CSS gives what it gives. */
export function findStyleTexts(css: string): StyleText[] {
  const found: StyleText[] = []
  for (const { indices } of css.matchAll(TOKENS)) {
    const range = indices?.slice(1).find(one => one !== undefined)
    if (range === undefined) continue
    const [start, end] = range
    found.push({ value: css.slice(start, end), start, end })
  }
  return found
}
