/** One image of a `srcset`. `start` and `end` are where its address stands. */
export interface Candidate {
  readonly address: string
  /** `2x`, `800w`, or nothing. */
  readonly descriptor: string
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

/** An address as it may stand in a `srcset`: white space and commas would end it. */
export function candidateAddress(address: string): string {
  return address.replace(/[\s,]/g, encodeURIComponent).replaceAll(',', '%2C')
}
