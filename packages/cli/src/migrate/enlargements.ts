/** Rows of pixels of four channels, colours times opacity: what can't be seen makes no difference. */
export interface Pixels {
  readonly data: Float32Array
  readonly width: number
  readonly height: number
}

/** Pixels from bytes of red, green, blue and opacity. */
export function pixelsOf(rgba: Uint8Array, width: number, height: number): Pixels {
  const data = new Float32Array(rgba.length)
  for (let at = 0; at < rgba.length; at += 4) {
    const opacity = rgba[at + 3] ?? 0
    for (let channel = at; channel < at + 3; channel++) data[channel] = ((rgba[channel] ?? 0) * opacity) / 255
    data[at + 3] = opacity
  }
  return { data, width, height }
}

/** How much a pixel counts at a distance, in pixels of the small picture. */
type Kernel = (distance: number) => number

/** The cubic kernels, by Mitchell's and Netravali's two parameters. */
function cubic(b: number, c: number): Kernel {
  return distance => {
    const x = Math.abs(distance)
    if (x < 1) return ((12 - 9 * b - 6 * c) * x ** 3 + (12 * b + 6 * c - 18) * x ** 2 + 6 - 2 * b) / 6
    if (x >= 2) return 0
    return ((-b - 6 * c) * x ** 3 + (6 * b + 30 * c) * x ** 2 + (-12 * b - 48 * c) * x + 8 * b + 24 * c) / 6
  }
}

function lanczos(lobes: number): Kernel {
  const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x))
  return x => (Math.abs(x) < lobes ? sinc(x) * sinc(x / lobes) : 0)
}

/** The ways in which programs enlarge: browsers, editors, ImageMagick, OpenCV, libvips. */
const KERNELS: readonly Kernel[] = [
  x => (x > -0.5 && x <= 0.5 ? 1 : 0),
  x => Math.max(0, 1 - Math.abs(x)),
  cubic(1 / 3, 1 / 3),
  cubic(0, 0.5),
  cubic(0, 0.75),
  lanczos(3),
]

/** How many pixels of the small picture a kernel reaches, to one side. */
const REACH = 3

/** The side of a piece, in pixels of the large picture. */
const SIDE = 16

/** The most pieces that are looked at: the busiest, and as many that lie evenly over the picture. */
const MOST_OF_A_KIND = 300

/** How many of the busiest decide which way of enlarging fits best. */
const PIECES_TO_CHOOSE_BY = 24

/** The share of the pieces that may differ more: at the picture's edges, which programs treat in their own ways. */
const SPARED = 0.02

/**
 * How well a picture is explained as an enlargement of a smaller one: decibels (PSNR) in one of its pieces that fit worst,
 * for the way of enlarging that fits best. Over the whole picture they would say little: a photograph in front of a
 * smooth background holds its detail in few places, and those are what would be lost.
 */
export function enlargementLikeness(small: Pixels, large: Pixels, factor: number): number {
  const { even, busy } = piecesOf(large)
  const ways = KERNELS.flatMap(kernel =>
    // The middle of a pixel is where most programs have it; libvips is half a pixel of the large picture off.
    [0.5 / factor - 0.5, -0.5].map(offset => tapsOf(kernel, factor, offset)),
  )
  const errorsOf = (pieces: readonly Piece[], taps: Taps): number[] =>
    pieces.map(piece => errorIn(piece, small, large, taps)).sort((a, b) => b - a)
  const tried = busy.slice(0, PIECES_TO_CHOOSE_BY)
  const fits = ways.map(taps => errorsOf(tried, taps).reduce((sum, error) => sum + error, 0))
  const best = ways[fits.indexOf(Math.min(...fits))]
  if (best === undefined) return 0
  const errors = errorsOf([...new Set([...even, ...busy])], best)
  return 10 * Math.log10(255 ** 2 / (errors[Math.floor(errors.length * SPARED)] ?? Number.POSITIVE_INFINITY))
}

/** Where a piece begins. */
interface Piece {
  readonly x: number
  readonly y: number
}

/** Pieces that lie evenly over a picture, and its busiest ones in order. */
function piecesOf({ data, width, height }: Pixels): { readonly even: Piece[]; readonly busy: Piece[] } {
  const all: { piece: Piece; contrast: number }[] = []
  for (let y = 0; y < height; y += SIDE) {
    for (let x = 0; x < width; x += SIDE) {
      let contrast = 0
      for (let row = y; row < Math.min(y + SIDE, height); row++) {
        const end = (row * width + Math.min(x + SIDE, width)) * 4
        for (let at = (row * width + x + 1) * 4; at < end; at++)
          contrast += ((data[at] ?? 0) - (data[at - 4] ?? 0)) ** 2
      }
      all.push({ piece: { x, y }, contrast })
    }
  }
  const step = Math.max(1, Math.ceil(all.length / MOST_OF_A_KIND))
  const busy = [...all].sort((a, b) => b.contrast - a.contrast).slice(0, MOST_OF_A_KIND)
  return {
    even: all.filter((_, at) => at % step === 0).map(({ piece }) => piece),
    busy: busy.map(({ piece }) => piece),
  }
}

/** Which pixels of a row or column of the small picture make one of the large picture. */
interface Taps {
  /** The first of them. */
  first(at: number): number
  /** By the place of the large picture's pixel. */
  weights(at: number): readonly number[]
}

function tapsOf(kernel: Kernel, factor: number, offset: number): Taps {
  const placeOf = (at: number): number => at / factor + offset
  const first = (at: number): number => Math.floor(placeOf(at)) - REACH + 1
  const phases = Array.from({ length: factor }, (_, phase) => {
    const place = placeOf(phase)
    const raw = Array.from({ length: 2 * REACH }, (_, tap) => kernel(first(phase) + tap - place))
    const sum = raw.reduce((a, b) => a + b)
    return raw.map(weight => weight / sum)
  })
  return { first, weights: at => phases[at % factor] ?? [] }
}

/** The mean of squared differences in a piece between a picture and an enlargement of a smaller one. */
function errorIn({ x, y }: Piece, small: Pixels, large: Pixels, taps: Taps): number {
  const right = Math.min(x + SIDE, large.width)
  const bottom = Math.min(y + SIDE, large.height)
  const top = taps.first(y)
  const rows: Float32Array[] = []
  for (let row = top; row < taps.first(bottom - 1) + 2 * REACH; row++) {
    const out = new Float32Array((right - x) * 4)
    const start = clamp(row, small.height) * small.width
    for (let column = x; column < right; column++) {
      const first = taps.first(column)
      const weights = taps.weights(column)
      for (let tap = 0; tap < weights.length; tap++) {
        const weight = weights[tap] ?? 0
        if (weight === 0) continue
        const from = (start + clamp(first + tap, small.width)) * 4
        for (let channel = 0; channel < 4; channel++) {
          const to = (column - x) * 4 + channel
          out[to] = (out[to] ?? 0) + weight * (small.data[from + channel] ?? 0)
        }
      }
    }
    rows.push(out)
  }
  let squares = 0
  for (let row = y; row < bottom; row++) {
    const first = taps.first(row) - top
    const weights = taps.weights(row)
    for (let at = 0; at < (right - x) * 4; at++) {
      let guess = 0
      for (let tap = 0; tap < weights.length; tap++)
        guess += (weights[tap] ?? 0) * (rows[first + tap]?.[at] ?? 0)
      // Programs round, and cut off what a kernel makes of an edge beyond black and white.
      const shown = Math.min(255, Math.max(0, Math.round(guess)))
      squares += (shown - (large.data[(row * large.width + x) * 4 + at] ?? 0)) ** 2
    }
  }
  return Math.max(squares / ((right - x) * (bottom - y) * 4), 1e-6)
}

/** The nearest place that there is. */
function clamp(at: number, length: number): number {
  return Math.min(Math.max(at, 0), length - 1)
}
