/** One image of a `srcset`: its address, and what stands after it (`2x`, `800w`, or nothing). */
export interface Candidate {
  readonly url: string
  readonly descriptor: string
}

/** Splits a `srcset` as the HTML standard does: an address runs to white space, so it may hold commas. */
export function parseSrcset(srcset: string): Candidate[] {
  const candidates: Candidate[] = []
  for (const [, url = '', descriptor = ''] of srcset.matchAll(/[\s,]*(\S*[^\s,])(?:,|([^,]*))/g)) {
    candidates.push({ url, descriptor: descriptor.trim() })
  }
  return candidates
}

/** The opposite of {@link parseSrcset}. */
export function printSrcset(candidates: readonly Candidate[]): string {
  return candidates
    .map(({ url, descriptor }) => (descriptor === '' ? url : `${url} ${descriptor}`))
    .join(', ')
}
