/*
 * Memory of samples that is used again. V8 counts what is allocated beside its heap, and marks the whole heap of a build
 * whenever that grew by a dozen megabytes: with a result of its own for each small picture, every few of them.
 */

const MOST_KEPT = 4
const MOST_KEPT_BYTES = 4 * 1024 * 1024

const spare: Uint8Array[] = []

/** Samples that hold anything. */
export function takeSamples(length: number): Uint8Array {
  const at = spare.findIndex(samples => samples.length >= length && samples.length <= 2 * length)
  const [samples] = at === -1 ? [] : spare.splice(at, 1)
  return samples?.subarray(0, length) ?? new Uint8Array(length)
}

/** To be called by whoever is the last to know of some samples. */
export function giveBackSamples(samples: Uint8Array): void {
  if (samples.length <= MOST_KEPT_BYTES && spare.length < MOST_KEPT) spare.push(samples)
}
