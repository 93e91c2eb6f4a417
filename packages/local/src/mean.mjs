// The results of one tile by several programs become one. Plain JavaScript for the same reason as worker.mjs, which calls
// it. Whole numbers only, so that every machine rounds the same.

/**
 * The mean of four lists of bytes, halves to the even number: so it is neither lighter nor darker than they are.
 *
 * @param {readonly Uint8Array[]} results four of one length
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function meanOfFour([first, second, third, fourth]) {
  const mean = new Uint8Array(first.length)
  for (let i = 0; i < mean.length; i++) {
    const sum = first[i] + second[i] + third[i] + fourth[i]
    mean[i] = (sum + 1 + ((sum >> 2) & 1)) >> 2
  }
  return mean
}
