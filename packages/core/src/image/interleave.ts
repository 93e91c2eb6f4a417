import { hasFainter } from './fill-transparent.ts'
import type { Picture, PixelImage } from './pixel-image.ts'
import { inSlices } from './slices.ts'

/** Interleaved samples as decoders give and encoders take them, row by row, no padding; alpha is the last of 2 or 4. */
export interface Samples {
  readonly data: Uint8Array
  readonly width: number
  readonly height: number
  readonly channels: number
}

/** Takes samples apart into colours and alpha, if anything is transparent. */
export async function split(
  { data, width, height, channels: found }: Samples,
  isGrey: boolean,
): Promise<Picture> {
  const colours = found - ((found + 1) % 2)
  const channels = isGrey || colours === 1 ? 1 : 3
  if (found === channels) return { colour: { data, width, height, channels } }
  const colour = new Uint8Array(width * height * channels)
  const alpha = new Uint8Array(found === colours ? 0 : width * height)
  await inSlices(height, width * found, (fromRow, toRow) => {
    const end = toRow * width
    for (let pixel = fromRow * width, to = pixel * channels; pixel < end; pixel++) {
      const from = pixel * found
      for (let channel = 0; channel < channels; channel++) colour[to++] = data[from + channel] as number
      if (found !== colours) alpha[pixel] = data[from + colours] as number
    }
  })
  const picture: Picture = { colour: { data: colour, width, height, channels } }
  const plane: PixelImage = { data: alpha, width, height, channels: 1 }
  return found === colours || !(await hasFainter(plane, 255)) ? picture : { ...picture, alpha: plane }
}

/** Puts colours and alpha together again. */
export async function join({ colour, alpha }: Picture): Promise<Samples> {
  const { width, height, channels } = colour
  if (alpha === undefined) return colour
  const found = channels + 1
  const data = new Uint8Array(width * height * found)
  await inSlices(height, width * found, (fromRow, toRow) => {
    const end = toRow * width
    for (let pixel = fromRow * width, from = pixel * channels, to = pixel * found; pixel < end; pixel++) {
      for (let channel = 0; channel < channels; channel++) data[to++] = colour.data[from++] as number
      data[to++] = alpha.data[pixel] as number
    }
  })
  return { data, width, height, channels: found }
}
