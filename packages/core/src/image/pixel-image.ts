/** Interleaved 8-bit sRGB samples, row by row, no padding: 1 channel is grey, 3 are red, green, blue. */
export interface PixelImage {
  readonly data: Uint8Array
  readonly width: number
  readonly height: number
  readonly channels: 1 | 3
}

/** Colours and, where anything is transparent, alpha as a picture of one channel with the same size. */
export interface Picture {
  readonly colour: PixelImage
  readonly alpha?: PixelImage
}
