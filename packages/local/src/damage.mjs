// What compression and noise have left in a picture, measured on patches of it. Plain JavaScript for the same reason as
// worker.mjs, which calls it. Whole numbers only, but for ratios and square roots that IEEE 754 rounds one way.

import { BLOCK } from './survey.mjs'

/** Frequencies (across, down) whose quantisation is looked for: those that JPEG keeps longest. */
const FREQUENCIES = [
  [0, 1],
  [1, 0],
  [1, 1],
  [0, 2],
  [2, 0],
  [1, 2],
  [2, 1],
]
/** The first of them tell where the grid of blocks begins. */
const SEARCHED = 3
const SEARCH_PATCHES = 96
const LARGEST_STEP = 48
/** Coefficients come times this. */
const UNIT = 16
/** Pixels are rounded to bytes after the inverse transform, which moves a coefficient as far as this and no further. */
const TOLERANCE = 15
/** Standard deviations by which the multiples of a step must outnumber those of chance. */
const CERTAIN = 6
const LEAST_SHARE = 0.86
const LEAST_COEFFICIENTS = 24
/** Fewer tell nothing of noise. */
const LEAST_PATCHES = 12
/** A larger third difference counts as this. */
const MOST_THIRD = 1 << 14
/** Cosines of the discrete cosine transform of eight samples, orthonormal, times this. */
const ONE = 1 << 12
const COSINES = Array.from({ length: 8 }, (_, frequency) =>
  Array.from({ length: 8 }, (_, x) => {
    const norm = frequency === 0 ? Math.sqrt(1 / 8) : 1 / 2
    return Math.round(ONE * norm * Math.cos(((2 * x + 1) * frequency * Math.PI) / 16))
  }),
)

/**
 * - `step`: mean quantisation step of JPEG's lowest frequencies of luma; 0 where no trace of such a grid is found
 * - `halved`: chroma third differences at the quieter parity in per cent of the other's; far below 100 where chroma was
 *   stored at half the resolution and interpolated
 * - `noise`: of the patches' highest frequencies the lower quartile, times 16
 *
 * @param {Uint8Array} patches squares of BLOCK pixels, one after the other
 * @param {number} channels
 */
export function findDamage(patches, channels) {
  const size = BLOCK * BLOCK * channels
  const planes = []
  for (let start = 0; start < patches.length; start += size) {
    planes.push(planesOf(patches.subarray(start, start + size), channels))
  }
  return { step: stepOf(planes), halved: halvedOf(planes), noise: noiseOf(planes) }
}

function planesOf(bytes, channels) {
  const luma = new Int32Array(BLOCK * BLOCK)
  const blue = new Int32Array(BLOCK * BLOCK)
  const red = new Int32Array(BLOCK * BLOCK)
  const cut = new Uint8Array(BLOCK * BLOCK)
  for (let i = 0; i < luma.length; i++) {
    const at = i * channels
    const r = bytes[at]
    const g = bytes[channels === 1 ? at : at + 1]
    const b = bytes[channels === 1 ? at : at + 2]
    luma[i] = (19595 * r + 38470 * g + 7471 * b + 2048) >> 12
    blue[i] = -43 * r - 85 * g + 128 * b
    red[i] = 128 * r - 107 * g - 21 * b
    // Where bytes are at their end something was cut off, and nothing adds up any more.
    cut[i] = Math.min(r, g, b) <= 1 || Math.max(r, g, b) >= 254 ? 1 : 0
  }
  return { luma, blue, red, cut }
}

/** The patches of which the 8 x 8 pixels that begin at `left`, `top` are whole. */
function wholeAt(patches, left, top) {
  return patches.filter(({ cut }) => {
    for (let y = top; y < top + 8; y++) {
      for (let x = left; x < left + 8; x++) if (cut[y * BLOCK + x] === 1) return false
    }
    return true
  })
}

/** One coefficient, times UNIT, of the 8 x 8 pixels of a patch that begin at `left`, `top`. */
function coefficient(luma, left, top, across, down) {
  const [cosinesAcross, cosinesDown] = [COSINES[across], COSINES[down]]
  let sum = 0
  for (let y = 0; y < 8; y++) {
    const from = (top + y) * BLOCK + left
    let row = 0
    for (let x = 0; x < 8; x++) row += luma[from + x] * cosinesAcross[x]
    sum += (row >> 8) * cosinesDown[y]
  }
  return sum >> 16
}

function stepOf(patches) {
  const some = patches.filter((_, i) => i % Math.ceil(patches.length / SEARCH_PATCHES) === 0)
  let best = { certainty: 0, left: 0, top: 0 }
  for (let place = 0; place < 64; place++) {
    const [left, top] = [place & 7, place >> 3]
    const certainties = quantisations(some, left, top, FREQUENCIES.slice(0, SEARCHED))
    const certainty = certainties.reduce((sum, one) => sum + one.certainty, 0)
    if (certainty > best.certainty) best = { certainty, left, top }
  }
  if (best.certainty === 0) return 0
  const steps = quantisations(patches, best.left, best.top, FREQUENCIES).filter(
    ({ certainty }) => certainty >= CERTAIN,
  )
  if (steps.length < 3) return 0
  return Math.round(steps.reduce((sum, { step }) => sum + step, 0) / steps.length)
}

function quantisations(patches, left, top, frequencies) {
  const whole = wholeAt(patches, left, top)
  return frequencies.map(([across, down]) =>
    quantisation(whole.map(({ luma }) => coefficient(luma, left, top, across, down))),
  )
}

/** The step of which most coefficients are multiples, and by how many standard deviations that is no chance. */
function quantisation(coefficients) {
  let best = { step: 1, certainty: 0 }
  for (let step = 2; step <= LARGEST_STEP; step++) {
    const length = step * UNIT
    const chance = (2 * TOLERANCE + 1) / length
    if (chance >= 1) continue
    let count = 0
    let multiples = 0
    for (let index = 0; index < coefficients.length; index++) {
      const size = coefficients[index] < 0 ? -coefficients[index] : coefficients[index]
      if (size < length / 2) continue
      count++
      const rest = size % length
      if (rest <= TOLERANCE || length - rest <= TOLERANCE) multiples++
    }
    if (count < LEAST_COEFFICIENTS || multiples < LEAST_SHARE * count) continue
    const certainty = (multiples - count * chance) / Math.sqrt(count * chance * (1 - chance))
    if (certainty > best.certainty) best = { step, certainty }
  }
  return best
}

function halvedOf(patches) {
  let least = 100
  for (const direction of [1, BLOCK]) {
    const sums = [0, 0]
    const counts = [0, 0]
    for (const { blue, red, cut } of patches) {
      for (let line = 0; line < BLOCK; line++) {
        for (let place = 1; place < BLOCK - 2; place++) {
          const at = line * (direction === 1 ? BLOCK : 1) + place * direction
          if (cut[at - direction] + cut[at] + cut[at + direction] + cut[at + 2 * direction] > 0) continue
          counts[place & 1]++
          sums[place & 1] += thirdOf(blue, at, direction) + thirdOf(red, at, direction)
        }
      }
    }
    const [even, odd] = [sums[0] * counts[1], sums[1] * counts[0]]
    if (Math.max(even, odd) > 0) {
      least = Math.min(least, Math.round((100 * Math.min(even, odd)) / Math.max(even, odd)))
    }
  }
  return least
}

/** The size of a third difference, as far as it counts. */
function thirdOf(plane, at, direction) {
  const third = plane[at + 2 * direction] - 3 * plane[at + direction] + 3 * plane[at] - plane[at - direction]
  const size = third < 0 ? -third : third
  if (size > MOST_THIRD) return MOST_THIRD
  return size
}

function noiseOf(patches) {
  const sizes = wholeAt(patches, 4, 4)
    .map(({ luma }) =>
      [
        [6, 6],
        [6, 7],
        [7, 6],
        [7, 7],
      ].reduce((sum, [across, down]) => sum + Math.abs(coefficient(luma, 4, 4, across, down)), 0),
    )
    .sort((a, b) => a - b)
  return sizes.length < LEAST_PATCHES ? 0 : sizes[sizes.length >> 2]
}
