import { UpscaleError } from '../errors.ts'
import { pngChunks } from '../source/png-chunks.ts'
import { inSlices } from './slices.ts'

/*
 * Colours that a PNG tells by numbers instead of a profile, which libvips leaves out. PNG specification, third edition,
 * section 11.3.2: of several, cICP counts before iCCP, sRGB, and gAMA with cHRM. What is done with the numbers is what
 * Chromium does: gAMA counts without cHRM, cHRM doesn't without gAMA, and a gAMA alone that is nearly that of sRGB is sRGB.
 */

/** How samples are read that are not in sRGB. */
export interface PngColour {
  /** Light, 0 to 1, of a sample, 0 to 1. */
  readonly toLight: (sample: number) => number
  /** Light of the file's primaries to that of sRGB's, row by row; undefined for the same primaries. */
  readonly matrix: Matrix | undefined
}

type Triple = readonly [number, number, number]
type Matrix = readonly [Triple, Triple, Triple]
/** Chromaticities x and y of white, red, green and blue. */
type Primaries = readonly [white: Point, red: Point, green: Point, blue: Point]
type Point = readonly [x: number, y: number]

const D65: Point = [0.3127, 0.329]
const SRGB: Primaries = [D65, [0.64, 0.33], [0.3, 0.6], [0.15, 0.06]]

/** ITU-T H.273, table 2: those that have a use in still pictures. */
const PRIMARIES: Readonly<Record<number, Primaries>> = {
  1: SRGB,
  5: [D65, [0.64, 0.33], [0.29, 0.6], [0.15, 0.06]],
  6: [D65, [0.63, 0.34], [0.31, 0.595], [0.155, 0.07]],
  7: [D65, [0.63, 0.34], [0.31, 0.595], [0.155, 0.07]],
  9: [D65, [0.708, 0.292], [0.17, 0.797], [0.131, 0.046]],
  12: [D65, [0.68, 0.32], [0.265, 0.69], [0.15, 0.06]],
}

/** ITU-T H.273, table 3. Video is shown by the curve of its screens (ITU-R BT.1886), not by the inverse of its cameras'. */
const TRANSFERS: Readonly<Record<number, PngColour['toLight']>> = {
  1: sample => sample ** 2.4,
  4: sample => sample ** 2.2,
  5: sample => sample ** 2.8,
  6: sample => sample ** 2.4,
  8: sample => sample,
  13: lightOf,
  14: sample => sample ** 2.4,
  15: sample => sample ** 2.4,
}

/** A gAMA alone that is as near to that of sRGB, 1 / 2.2, means sRGB. */
const NEARLY = 0.05

/**
 * The colours of a PNG that are told by cICP, or by gAMA and cHRM.
 *
 * @returns undefined for sRGB, and for colours that a profile tells
 * @throws UpscaleError SOURCE_UNSUPPORTED for HDR and for what H.273 has that no screen shows
 */
export function pngColourOf(bytes: Uint8Array): PngColour | undefined {
  const parts = new Map<string, DataView>()
  for (const { type, data } of pngChunks(bytes)) {
    if (type === 'IDAT') break
    if (!parts.has(type)) parts.set(type, data)
  }
  const cicp = parts.get('cICP')
  if (cicp !== undefined && saysColours(cicp)) return colourOfCodes(cicp)
  if (parts.has('iCCP') || parts.has('sRGB')) return undefined
  const gamma = numberOf(parts.get('gAMA'), 0)
  if (gamma === undefined || gamma === 0) return undefined
  const primaries = primariesOf(parts.get('cHRM'))
  const matrix = primaries && matrixOf(primaries)
  if (matrix === undefined && Math.abs(gamma * 2.2 - 1) < NEARLY) return undefined
  return { toLight: sample => sample ** (1 / gamma), matrix: matrix && withoutIdentity(matrix) }
}

/** True for a PNG whose profile doesn't count. */
export function hasColourCodes(bytes: Uint8Array): boolean {
  for (const { type, data } of pngChunks(bytes)) {
    if (type === 'IDAT') return false
    if (type === 'cICP') return saysColours(data)
  }
  return false
}

/** 2 is "unspecified". */
function saysColours(cicp: DataView): boolean {
  return cicp.byteLength >= 4 && cicp.getUint16(0) !== 0x0202
}

function colourOfCodes(data: DataView): PngColour | undefined {
  const [primaries, transfer, coefficients] = [data.getUint8(0), data.getUint8(1), data.getUint8(2)]
  const from = PRIMARIES[primaries]
  const toLight = TRANSFERS[transfer]
  if (from === undefined || toLight === undefined || coefficients !== 0) {
    const name =
      { 16: 'PQ (HDR)', 18: 'HLG (HDR)' }[transfer] ?? `cICP ${primaries}/${transfer}/${coefficients}`
    throw new UpscaleError('SOURCE_UNSUPPORTED', `this PNG has ${name} colours, which would come out wrong`, {
      hint: 'convert it to sRGB first',
    })
  }
  const matrix = matrixOf(from)
  const same = matrix && withoutIdentity(matrix)
  return transfer === 13 && same === undefined ? undefined : { toLight, matrix: same }
}

function numberOf(data: DataView | undefined, index: number): number | undefined {
  return data === undefined || data.byteLength < 4 * index + 4 ? undefined : data.getUint32(4 * index) / 1e5
}

function primariesOf(data: DataView | undefined): Primaries | undefined {
  if (data === undefined || data.byteLength < 32) return undefined
  const point = (index: number): Point => [numberOf(data, index) ?? 0, numberOf(data, index + 1) ?? 0]
  return [point(0), point(2), point(4), point(6)]
}

/** Steps of light between which 8 bits of sRGB can't tell. */
const STEPS = 65_535

/**
 * Samples in sRGB of 8 bits, alpha as it is.
 * @param most the largest sample of the file
 */
export async function convertToSrgb(
  samples: Uint8Array | Uint16Array,
  { width, height, channels, most }: { width: number; height: number; channels: number; most: number },
  { toLight, matrix }: PngColour,
): Promise<Uint8Array> {
  const light = Float64Array.from({ length: most + 1 }, (_, sample) => toLight(sample / most))
  const direct = Uint8Array.from(light, value => Math.round(255 * sampleOf(value)))
  const ofLight = Uint8Array.from({ length: STEPS + 1 }, (_, step) =>
    Math.round(255 * sampleOf(step / STEPS)),
  )
  const colours = channels - ((channels + 1) % 2)
  const row = width * channels
  const result = new Uint8Array(samples.length)
  await inSlices(height, row, (from, to) => {
    for (let at = from * row; at < to * row; at += channels) {
      // Grey stays grey: a matrix leads white to white.
      if (matrix === undefined || colours < 3) {
        for (let channel = at; channel < at + colours; channel++) {
          result[channel] = direct[samples[channel] as number] as number
        }
      } else {
        const red = light[samples[at] as number] as number
        const green = light[samples[at + 1] as number] as number
        const blue = light[samples[at + 2] as number] as number
        for (let channel = 0; channel < 3; channel++) {
          const [r, g, b] = matrix[channel] as Triple
          const value = Math.min(1, Math.max(0, r * red + g * green + b * blue))
          result[at + channel] = ofLight[Math.round(value * STEPS)] as number
        }
      }
      if (colours !== channels) {
        result[at + colours] = Math.round((255 * (samples[at + colours] as number)) / most)
      }
    }
  })
  return result
}

/** IEC 61966-2-1. */
function lightOf(sample: number): number {
  return sample <= 0.04045 ? sample / 12.92 : ((sample + 0.055) / 1.055) ** 2.4
}

function sampleOf(light: number): number {
  const clipped = Math.min(1, Math.max(0, light))
  return clipped <= 0.0031308 ? clipped * 12.92 : 1.055 * clipped ** (1 / 2.4) - 0.055
}

/** From light of these primaries to that of sRGB's, the white of one on that of the other; undefined for none. */
function matrixOf(primaries: Primaries): Matrix | undefined {
  const toXyz = xyzOf(primaries)
  const fromXyz = inverse(xyzOf(SRGB) ?? ZERO)
  const adapt = toXyz && adaptation(primaries[0])
  return toXyz && adapt && fromXyz && product(fromXyz, product(adapt, toXyz))
}

const ZERO: Matrix = [
  [0, 0, 0],
  [0, 0, 0],
  [0, 0, 0],
]

/** Light of the primaries to CIE XYZ. */
function xyzOf([white, red, green, blue]: Primaries): Matrix | undefined {
  if ([white, red, green, blue].some(([, y]) => y === 0)) return undefined
  const columns = transpose([xyzOfPoint(red), xyzOfPoint(green), xyzOfPoint(blue)])
  const back = inverse(columns)
  return back && scaleColumns(columns, apply(back, xyzOfPoint(white)))
}

function xyzOfPoint([x, y]: Point): Triple {
  return [x / y, 1, (1 - x - y) / y]
}

/** How the eye adapts to a white (Bradford). */
const BRADFORD: Matrix = [
  [0.8951, 0.2664, -0.1614],
  [-0.7502, 1.7135, 0.0367],
  [0.0389, -0.0685, 1.0296],
]

/** Makes a white that of sRGB. */
function adaptation(white: Point): Matrix | undefined {
  const from = apply(BRADFORD, xyzOfPoint(white))
  const to = apply(BRADFORD, xyzOfPoint(D65))
  const back = inverse(BRADFORD)
  const factors: Triple = [to[0] / from[0], to[1] / from[1], to[2] / from[2]]
  return back && product(scaleColumns(back, factors), BRADFORD)
}

function withoutIdentity(matrix: Matrix): Matrix | undefined {
  const isIdentity = matrix.every((row, y) =>
    row.every((value, x) => Math.abs(value - (x === y ? 1 : 0)) < 1e-3),
  )
  return isIdentity ? undefined : matrix
}

function rows(of: (index: 0 | 1 | 2) => Triple): Matrix {
  return [of(0), of(1), of(2)]
}

function scaleColumns(matrix: Matrix, [x, y, z]: Triple): Matrix {
  return rows(index => [matrix[index][0] * x, matrix[index][1] * y, matrix[index][2] * z])
}

function apply(matrix: Matrix, [x, y, z]: Triple): Triple {
  const dot = ([a, b, c]: Triple): number => a * x + b * y + c * z
  return [dot(matrix[0]), dot(matrix[1]), dot(matrix[2])]
}

function product(left: Matrix, right: Matrix): Matrix {
  const columns = transpose(right)
  return transpose(rows(index => apply(left, columns[index])))
}

function transpose(matrix: Matrix): Matrix {
  return rows(index => [matrix[0][index], matrix[1][index], matrix[2][index]])
}

function inverse([[a, b, c], [d, e, f], [g, h, i]]: Matrix): Matrix | undefined {
  const determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
  if (!Number.isFinite(determinant) || Math.abs(determinant) < 1e-9) return undefined
  const adjugate: Matrix = [
    [e * i - f * h, c * h - b * i, b * f - c * e],
    [f * g - d * i, a * i - c * g, c * d - a * f],
    [d * h - e * g, b * g - a * h, a * e - b * d],
  ]
  const factor = 1 / determinant
  return rows(index => [
    adjugate[index][0] * factor,
    adjugate[index][1] * factor,
    adjugate[index][2] * factor,
  ])
}
