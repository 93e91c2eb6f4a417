/** Interleaved 8-bit sRGB samples, row by row, no padding: 1 channel is grey, 3 are red, green, blue. */
export interface PixelImage {
  readonly data: Uint8Array
  readonly width: number
  readonly height: number
  readonly channels: 1 | 3
}
