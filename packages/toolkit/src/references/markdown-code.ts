/** A fence and what stands in it; without an end it reaches to that of the text. */
const FENCE = /^ *(`{3,}|~{3,})[^\n]*(?:\n(?! *\1[`~]* *$)[^\n]*)*(?:\n *\1[`~]* *$)?/gm
/** Lines up to the next empty one. */
const PARAGRAPH = /^[^\n]*\S[^\n]*(?:\n[^\n]*\S[^\n]*)*/gm

/** A text of Markdown, of the same length, in which what it shows as code is spaces: fences, and spans in backticks. */
export function withoutMarkdownCode(text: string): string {
  if (!/`|~~~/.test(text)) return text
  return text.replace(FENCE, blank).replace(PARAGRAPH, withoutSpans)
}

/** A span reaches from a run of backticks to the next run of the same length. */
function withoutSpans(paragraph: string): string {
  const runs = [...paragraph.matchAll(/`+/g)].map(({ 0: { length }, index }) => ({ index, length }))
  const following = new Map<number, number>()
  const ends = new Array<number | undefined>(runs.length)
  for (const [at, { length }] of [...runs.entries()].reverse()) {
    ends[at] = following.get(length)
    following.set(length, at)
  }
  const parts: string[] = []
  let position = 0
  for (let at = 0; at < runs.length; at++) {
    const [start, closing] = [runs[at], runs[ends[at] ?? runs.length]]
    if (start === undefined || closing === undefined) continue
    const end = closing.index + closing.length
    parts.push(paragraph.slice(position, start.index), blank(paragraph.slice(start.index, end)))
    position = end
    at = ends[at] ?? at
  }
  return parts.join('') + paragraph.slice(position)
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, ' ')
}
