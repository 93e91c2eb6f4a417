import { InvalidArgumentError } from 'commander'
import { UpscaleError } from 'upscale-core'
import { loadSharp } from 'upscale-core/internal'

/** The size a picture should reach, in pixels; with both sides, the largest size that fits into them. */
export interface WantedSize {
  readonly width?: number
  readonly height?: number
}

/** Reads `1600x`, `x900` or `1600x900`. */
export function readSize(text: string): WantedSize {
  const match = /^(\d{1,6})?x(\d{1,6})?$/.exec(text)
  const [, width, height] = match ?? []
  if (
    match === null ||
    (width === undefined && height === undefined) ||
    Number(width) === 0 ||
    Number(height) === 0
  ) {
    throw new InvalidArgumentError('Expected a size in pixels such as 1600x, x900 or 1600x900.')
  }
  return {
    ...(width === undefined ? {} : { width: Number(width) }),
    ...(height === undefined ? {} : { height: Number(height) }),
  }
}

/**
 * How many times larger a picture must become to reach a size; 1 or less when it is that large already.
 * @throws UpscaleError SOURCE_CORRUPT
 */
export async function factorTo(file: string, wanted: WantedSize): Promise<number> {
  const { width, height } = await measure(file)
  return Math.min(
    (wanted.width ?? Number.POSITIVE_INFINITY) / width,
    (wanted.height ?? Number.POSITIVE_INFINITY) / height,
  )
}

/** Only the header is read. */
async function measure(file: string): Promise<{ readonly width: number; readonly height: number }> {
  const sharp = await loadSharp()
  try {
    return (await sharp(file).metadata()).autoOrient
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new UpscaleError('SOURCE_CORRUPT', `its size can't be read: ${reason}`, {
      hint: 'open it in an image editor and save it again',
      file,
      cause,
    })
  }
}
