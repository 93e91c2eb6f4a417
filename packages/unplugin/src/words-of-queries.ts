/** How far a word is followed to either side of its question mark; longer ones are no addresses. */
const LONGEST = 4096

/** A part of a text without certain signs. */
interface Word {
  readonly start: number
  readonly end: number
}

/**
 * The words of a text that have a question mark, as a tagged reference has: a text of megabytes has few, and all others need
 * not be taken apart.
 *
 * @param ends matches a sign that is in no word
 */
export function* wordsOfQueries(text: string, ends: RegExp): Generator<Word> {
  let position = 0
  for (let mark = text.indexOf('?'); mark !== -1; mark = text.indexOf('?', position)) {
    const first = Math.max(position, mark - LONGEST)
    let start = mark
    while (start > first && !ends.test(text.charAt(start - 1))) start--
    const last = Math.min(text.length, mark + LONGEST)
    let end = mark + 1
    while (end < last && !ends.test(text.charAt(end))) end++
    position = end
    yield { start, end }
  }
}
