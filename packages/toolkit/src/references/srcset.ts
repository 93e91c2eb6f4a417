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

/** Finds the candidates of a `srcset` as the HTML standard does: an address runs to white space, so it may hold commas. */
export function findCandidates(srcset: string): Candidate[] {
  return [...srcset.matchAll(/[\s,]*(\S*[^\s,])(?:,|([^,]*))/dg)].map(
    ({ 1: address = '', 2: rest = '', indices }) => {
      const [start, end] = indices?.[1] ?? [0, 0]
      const descriptor = rest.trim()
      const close = descriptor === '' ? end : end + rest.indexOf(descriptor) + descriptor.length
      return { address, descriptor, start, end, close }
    },
  )
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
