import { createTextParts } from './text-parts.ts'

/** Another text for a part of one; an insertion where the part is empty. */
export interface TextEdit {
  readonly start: number
  readonly end: number
  readonly text: string
}

/**
 * A text with edits, which are in order and don't overlap. Piece by piece: one that is cut and joined for each edit takes time
 * that grows with the square of their number.
 */
export function withEdits(text: string, edits: Iterable<TextEdit>): string {
  const parts = createTextParts()
  let position = 0
  for (const { start, end, text: written } of edits) {
    parts.add(text.slice(position, start))
    parts.add(written)
    position = end
  }
  parts.add(text.slice(position))
  return parts.text()
}
