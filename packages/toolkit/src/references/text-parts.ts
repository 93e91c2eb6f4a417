/** Parts that are joined at a time: millions of them take a hundred times the memory of the text that they make. */
const MOST_PARTS = 4096

/** A text that is put together from parts, whatever their number. */
export interface TextParts {
  add(part: string): void
  text(): string
}

export function createTextParts(): TextParts {
  let done = ''
  let parts: string[] = []
  return {
    add(part) {
      if (parts.push(part) < MOST_PARTS) return
      done += parts.join('')
      parts = []
    },
    text: () => done + parts.join(''),
  }
}
