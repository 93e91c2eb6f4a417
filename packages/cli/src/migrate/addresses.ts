/** A word that may be the address of a picture. */
export interface FoundAddress {
  /** Before the query, as written. */
  readonly path: string
  /** With its question mark, as written; empty for none. */
  readonly query: string
  readonly start: number
  readonly end: number
}

const WORD = /[^\s"'`<>(){}|\\]+/g
const PICTURE_ADDRESS = /^([^?]+\.(?:png|jpe?g|webp|avif|gif))(\?[^?]*)?$/i

/** The words of a text that look like the address of a picture, in order. Each part of the text is read once. */
export function* addressesIn(text: string): Generator<FoundAddress> {
  for (const { 0: whole, index } of text.matchAll(WORD)) {
    const word = whole.replace(/[,;]+$/, '')
    const mark = word.indexOf('?')
    // An attribute without quotes: `src=hero.png`.
    const sign = word.lastIndexOf('=', mark === -1 ? word.length : mark) + 1
    const [, path, query = ''] = PICTURE_ADDRESS.exec(word.slice(sign)) ?? []
    if (path !== undefined) yield { path, query, start: index + sign, end: index + word.length }
  }
}
