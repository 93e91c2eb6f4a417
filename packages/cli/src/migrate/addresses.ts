import { isRasterName } from 'upscale-core/internal'

/** A word that may be the address of a picture. */
export interface FoundAddress {
  /** Before the query, as written. */
  readonly path: string
  /** With its question mark, as written; empty for none. */
  readonly query: string
  readonly start: number
  readonly end: number
}

/** A stretch of text in which an address may stand. */
export interface Word {
  readonly word: string
  readonly start: number
}

/** The words of a text, without the punctuation after them. Each part of the text is read once. */
export function* wordsIn(text: string): Generator<Word> {
  for (const { 0: whole, index: start } of text.matchAll(/[^\s"'`<>(){}|\\]+/g))
    yield { word: withoutMarks(whole), start }
}

function withoutMarks(word: string): string {
  let end = word.length
  while (word[end - 1] === ',' || word[end - 1] === ';') end--
  return word.slice(0, end)
}

/** The words of a text that look like the address of a picture, in order. */
export function* addressesIn(text: string): Generator<FoundAddress> {
  for (const { word, start } of wordsIn(text)) {
    const mark = word.indexOf('?')
    // An attribute without quotes: `src=hero.png`.
    const sign = word.lastIndexOf('=', mark === -1 ? word.length : mark) + 1
    const [, path = '', query = ''] = /^([^?]+)(\?[^?]*)?$/.exec(word.slice(sign)) ?? []
    if (isRasterName(path)) yield { path, query, start: start + sign, end: start + word.length }
  }
}
