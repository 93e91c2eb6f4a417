// What a picture is made of, counted block by block; choose-network.ts makes up its mind by it. Plain JavaScript for the same
// reason as worker.mjs, which calls it. Whole numbers only, so that every machine counts the same.

/** Side of a block, in pixels. */
export const BLOCK = 16

/** Numbers per block: see {@link surveyBlocks}. */
export const FACTS = 6

/** Neighbours that differ by as much in a channel have an edge between them. */
const EDGE = 48

/** Specks differ by as much at most, in each channel, from the colour that most of their block has. */
const SPECK = 10

// Loops over pixels make no arrays and call nothing built in: most pictures are looked at before V8 has compiled them well.

/**
 * Per block, from left to right and from top to bottom: pairs of neighbours (right and below, inside the block); those
 * of one colour; those with an edge between; colours; pixels of the commonest colour; and specks: pixels of nearly that
 * colour. Colours are counted by an eight-bit hash, so 256 of them at most and now and then one too few.
 *
 * @param {{ data: Uint8Array, width: number, height: number, channels: number }} picture
 */
export function surveyBlocks({ data, width, height, channels }) {
  const columns = Math.ceil(width / BLOCK)
  const rows = Math.ceil(height / BLOCK)
  const facts = new Int32Array(columns * rows * FACTS)
  const seen = new Uint16Array(256)
  const second = channels === 1 ? 0 : 1
  const third = channels === 1 ? 0 : 2
  const stride = width * channels

  /** Of two pixels, in the channel where it is the largest. */
  function differenceOf(one, other) {
    let most = distance(data[one], data[other])
    if (channels === 1) return most
    const green = distance(data[one + 1], data[other + 1])
    if (green > most) most = green
    const blue = distance(data[one + 2], data[other + 2])
    if (blue > most) most = blue
    return most
  }

  for (let block = 0; block < columns * rows; block++) {
    const left = (block % columns) * BLOCK
    const top = Math.floor(block / columns) * BLOCK
    const right = Math.min(left + BLOCK, width)
    const bottom = Math.min(top + BLOCK, height)
    let equal = 0
    let edges = 0
    let colours = 0
    let most = 0
    let common = 0
    seen.fill(0)
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; x++) {
        const at = y * stride + x * channels
        const hash =
          (Math.imul((data[at] << 16) | (data[at + second] << 8) | data[at + third], 0x9e3779b1) >>> 24) & 255
        const count = ++seen[hash]
        if (count === 1) colours++
        if (count > most) {
          most = count
          common = at
        }
        if (x + 1 < right) {
          const difference = differenceOf(at, at + channels)
          if (difference === 0) equal++
          else if (difference >= EDGE) edges++
        }
        if (y + 1 < bottom) {
          const difference = differenceOf(at, at + stride)
          if (difference === 0) equal++
          else if (difference >= EDGE) edges++
        }
      }
    }
    let specks = 0
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; x++) {
        const difference = differenceOf(common, y * stride + x * channels)
        if (difference > 0 && difference <= SPECK) specks++
      }
    }
    const [across, down] = [right - left, bottom - top]
    const pairs = (across - 1) * down + across * (down - 1)
    facts.set([pairs, equal, edges, colours, most, specks], block * FACTS)
  }
  return facts
}

function distance(one, other) {
  return one > other ? one - other : other - one
}
