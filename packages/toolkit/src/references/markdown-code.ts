import { blanked } from './blanked.ts'
import { createTextParts } from './text-parts.ts'

/** The line that begins a fence, with its mark. */
const FENCE = /^ *(`{3,}|~{3,})/

/**
 * A text of Markdown, of the same length, in which what it shows as code is spaces: fences, and spans in backticks. A fence
 * without an end reaches to that of the text. Line by line: an expression for a whole fence overflows in one of a million
 * lines.
 */
export function withoutMarkdownCode(text: string): string {
  if (!/`|~~~/.test(text)) return text
  const parts = createTextParts()
  let fence: { readonly start: number; readonly mark: string } | undefined
  let paragraph: number | undefined
  const endParagraph = (end: number): void => {
    if (paragraph !== undefined) parts.add(withoutSpans(text.slice(paragraph, end)))
    paragraph = undefined
  }
  for (let at = 0; at < text.length; ) {
    const newline = text.indexOf('\n', at)
    const next = newline === -1 ? text.length : newline + 1
    const line = text.slice(at, newline === -1 ? next : newline)
    if (fence !== undefined) {
      if (isEnd(line, fence.mark)) {
        parts.add(blanked(text.slice(fence.start, next)))
        fence = undefined
      }
    } else {
      const [, mark] = FENCE.exec(line) ?? []
      if (mark !== undefined || !/\S/.test(line)) endParagraph(at)
      if (mark !== undefined) fence = { start: at, mark }
      else if (!/\S/.test(line)) parts.add(text.slice(at, next))
      else paragraph ??= at
    }
    at = next
  }
  endParagraph(text.length)
  if (fence !== undefined) parts.add(blanked(text.slice(fence.start)))
  return parts.text()
}

function isEnd(line: string, mark: string): boolean {
  const written = line.replace(/^ +/, '').trimEnd()
  return written.startsWith(mark) && /^[`~]+$/.test(written)
}

/** A span reaches from a run of backticks to the next run of the same length. */
function withoutSpans(paragraph: string): string {
  const runs = runsOf(paragraph)
  if (runs.length < 4) return paragraph
  const ends = endsOf(runs)
  const parts = createTextParts()
  let position = 0
  for (let at = 0; at < runs.length; at += 2) {
    const end = ends[at / 2] ?? -1
    if (end === -1) continue
    const [start = 0, close = 0, length = 0] = [runs[at], runs[end], runs[end + 1]]
    parts.add(paragraph.slice(position, start))
    parts.add(blanked(paragraph.slice(start, close + length)))
    position = close + length
    at = end
  }
  parts.add(paragraph.slice(position))
  return parts.text()
}

/** The place and the length of each run of backticks, one after the other. */
function runsOf(paragraph: string): readonly number[] {
  const runs: number[] = []
  for (let at = paragraph.indexOf('`'); at !== -1; at = paragraph.indexOf('`', at)) {
    const start = at
    while (paragraph[at] === '`') at++
    runs.push(start, at - start)
  }
  return runs
}

/** For each run, where the next one of its length stands in the list; -1 for none. */
function endsOf(runs: readonly number[]): Int32Array {
  const following = new Map<number, number>()
  const ends = new Int32Array(runs.length / 2)
  for (let at = runs.length - 2; at >= 0; at -= 2) {
    const length = runs[at + 1] ?? 0
    ends[at / 2] = following.get(length) ?? -1
    following.set(length, at)
  }
  return ends
}
