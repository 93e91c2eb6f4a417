import type { Format } from 'upscale-core'

/** Red, green, blue and alpha, 0 to 255. */
export type Colour = readonly [red: number, green: number, blue: number, alpha: number]

/** Top left, top right, bottom left, bottom right. */
export type Corners = readonly [Colour, Colour, Colour, Colour]

export interface Upscaled {
  readonly outcome: 'upscaled'
  /** Of the upscaled picture, in pixels. */
  readonly width: number
  readonly height: number
  readonly format: Format
  /** What the middle of each quarter looks like. */
  readonly corners?: Corners
  /**
   * How far a channel may be off.
   * @default 2
   */
  readonly tolerance?: number
}

export interface Refused {
  readonly outcome: 'refused'
  readonly code: string
  /** A part of the message. */
  readonly says?: string
}

/** Damage that a decoder may or may not notice: any picture of any size, or a refusal with a code. */
export interface Either {
  readonly outcome: 'either'
}

export interface Specimen {
  readonly name: string
  readonly file: string
  readonly expected: Upscaled | Refused | Either
}

/** Bytes of a file that is yet to be written, and what must become of it. */
export type Draft = readonly [name: string, bytes: Uint8Array, expected: Specimen['expected']]

/** The factor every specimen is upscaled by. */
export const FACTOR = 2

/** The size of most specimens, in pixels. */
export const SIZE = { width: 48, height: 32 } as const

export const SCENE: Corners = [
  [200, 40, 30, 255],
  [40, 160, 60, 255],
  [30, 60, 190, 255],
  [230, 220, 200, 255],
]

/** What coding with loss may change. */
export const LOSSY = { tolerance: 10 }
/** The scene with one quarter half and one wholly transparent. */
export const CLEAR: Corners = [
  [200, 40, 30, 255],
  [40, 160, 60, 128],
  [30, 60, 190, 255],
  [0, 0, 0, 0],
]
/** The scene without its last quarter. */
export const CUT: Corners = [
  [200, 40, 30, 255],
  [40, 160, 60, 255],
  [30, 60, 190, 255],
  [0, 0, 0, 0],
]

export const GREYS: Corners = [
  [20, 20, 20, 255],
  [90, 90, 90, 255],
  [160, 160, 160, 255],
  [240, 240, 240, 255],
]

/** The colour of a picture of four flat quarters. */
export function cornerAt(
  corners: Corners,
  x: number,
  y: number,
  { width, height }: { width: number; height: number } = SIZE,
): Colour {
  const index = (y >= height / 2 ? 2 : 0) + (x >= width / 2 ? 1 : 0)
  return corners[index]!
}

/** Interleaved samples of the four quarters: grey, grey and alpha, RGB, or RGB and alpha. */
export function paint(
  corners: Corners,
  channels: 1 | 2 | 3 | 4,
  size: { width: number; height: number } = SIZE,
): Buffer {
  const picks = { 1: [0], 2: [0, 3], 3: [0, 1, 2], 4: [0, 1, 2, 3] }[channels]
  const data: number[] = []
  for (let y = 0; y < size.height; y++) {
    for (let x = 0; x < size.width; x++) {
      const colour = cornerAt(corners, x, y, size)
      data.push(...picks.map(pick => colour[pick]!))
    }
  }
  return Buffer.from(data)
}

export function upscaled(format: Format, facts: Partial<Upscaled> = {}): Upscaled {
  const size = { width: SIZE.width * FACTOR, height: SIZE.height * FACTOR }
  return { outcome: 'upscaled', ...size, format, corners: SCENE, ...facts }
}

export function refused(code: string, says?: string): Refused {
  return { outcome: 'refused', code, ...(says === undefined ? {} : { says }) }
}

export const either: Either = { outcome: 'either' }
