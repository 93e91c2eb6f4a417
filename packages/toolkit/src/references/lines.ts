/** Tells the line of a place in a text, from 1. */
export type LineOf = (offset: number) => number

/** Counts the lines of a text once, when the first place is asked for, so that many can be asked for. */
export function countLines(text: string): LineOf {
  let known: Uint32Array | undefined
  return offset => {
    known ??= startsOf(text)
    let low = 0
    let high = known.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((known[middle] ?? 0) <= offset) low = middle
      else high = middle
    }
    return low + 1
  }
}

/** Four bytes a line: as a list of numbers, those of a text of nothing but line ends take thirty times the text. */
function startsOf(text: string): Uint32Array {
  let starts = new Uint32Array(1024)
  let count = 1
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) {
    if (count === starts.length) {
      const more = new Uint32Array(count * 2)
      more.set(starts)
      starts = more
    }
    starts[count++] = at + 1
  }
  return starts.subarray(0, count)
}
