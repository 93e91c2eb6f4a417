import { createTextParts } from './text-parts.ts'

/** Characters that are replaced at a time, since each stretch of them takes a text of its own. */
const PIECE = 65_536

/** A text of the same length with spaces in place of all but the ends of lines. */
export function blanked(text: string): string {
  const parts = createTextParts()
  for (let at = 0; at < text.length; at += PIECE) {
    parts.add(text.slice(at, at + PIECE).replace(/[^\n]+/g, stretch => ' '.repeat(stretch.length)))
  }
  return parts.text()
}
