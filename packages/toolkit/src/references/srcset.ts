/** One image of a `srcset`. */
export interface SrcsetCandidate {
  readonly address: string
  /** `2x`, `800w`, or nothing. */
  readonly descriptor: string
}

/** The same with its place in the text. */
export interface Candidate extends SrcsetCandidate {
  /** Where the address stands. */
  readonly start: number
  readonly end: number
  /** Where the candidate ends, its descriptor included. */
  readonly close: number
}

/**
 * Finds the candidates of a `srcset` as the HTML standard does: an address runs to white space, so it may hold commas. One after
 * the other, since a list of all of them takes ten times the memory of the text.
 */
export function* findCandidates(srcset: string): Generator<Candidate> {
  const between = /[\s,]*/y
  const word = /\S+/y
  for (let at = 0; at < srcset.length; ) {
    between.lastIndex = at
    between.exec(srcset)
    const start = between.lastIndex
    word.lastIndex = start
    if (word.exec(srcset) === null) break
    let end = word.lastIndex
    while (srcset[end - 1] === ',') end--
    if (end < word.lastIndex) {
      // Commas at its end close the candidate.
      at = word.lastIndex
      yield { address: srcset.slice(start, end), descriptor: '', start, end, close: end }
      continue
    }
    const comma = srcset.indexOf(',', end)
    at = comma === -1 ? srcset.length : comma
    const rest = srcset.slice(end, at)
    const descriptor = rest.trim()
    const close = descriptor === '' ? end : end + rest.indexOf(descriptor) + descriptor.length
    yield { address: srcset.slice(start, end), descriptor, start, end, close }
  }
}

/** The opposite of {@link findCandidates}. */
export function printSrcset(candidates: readonly SrcsetCandidate[]): string {
  return candidates
    .map(({ address, descriptor }) => (descriptor === '' ? address : `${address} ${descriptor}`))
    .join(', ')
}

/** An address as it may stand in a `srcset`: white space and commas would end it. */
export function candidateAddress(address: string): string {
  return address.replace(/[\s,]/g, encodeURIComponent).replaceAll(',', '%2C')
}
