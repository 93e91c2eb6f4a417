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
  for (let block = 0; block < columns * rows; block++) {
    const left = (block % columns) * BLOCK
    const top = Math.floor(block / columns) * BLOCK
    const right = Math.min(left + BLOCK, width)
    const bottom = Math.min(top + BLOCK, height)
    let pairs = 0
    let equal = 0
    let edges = 0
    let colours = 0
    let most = 0
    let common = 0
    seen.fill(0)
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; x++) {
        const at = y * stride + x * channels
        const [r, g, b] = [data[at], data[at + second], data[at + third]]
        const hash = (Math.imul((r << 16) | (g << 8) | b, 0x9e3779b1) >>> 24) & 255
        const count = ++seen[hash]
        if (count === 1) colours++
        if (count > most) {
          most = count
          common = at
        }
        for (let side = 0; side < 2; side++) {
          if (side === 0 ? x + 1 >= right : y + 1 >= bottom) continue
          const next = at + (side === 0 ? channels : stride)
          const difference = Math.max(
            Math.abs(r - data[next]),
            Math.abs(g - data[next + second]),
            Math.abs(b - data[next + third]),
          )
          pairs++
          if (difference === 0) equal++
          else if (difference >= EDGE) edges++
        }
      }
    }
    let specks = 0
    const [r, g, b] = [data[common], data[common + second], data[common + third]]
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; x++) {
        const at = y * stride + x * channels
        const difference = Math.max(
          Math.abs(r - data[at]),
          Math.abs(g - data[at + second]),
          Math.abs(b - data[at + third]),
        )
        if (difference > 0 && difference <= SPECK) specks++
      }
    }
    facts.set([pairs, equal, edges, colours, most, specks], block * FACTS)
  }
  return facts
}
