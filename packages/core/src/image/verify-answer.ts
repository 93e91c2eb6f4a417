import { UpscaleError } from '../errors.ts'
import type { NormalisedImage } from './codec.ts'
import type { Picture, PixelImage } from './pixel-image.ts'
import { area, resample } from './resample.ts'

/*
 * Is this answer the picture that was asked for?
 *
 * An enlargement changes detail and nothing else. So source and answer are both reduced to one small grid, on which
 * detail is gone and what is left must agree. Each limit stands well above what honest enlargements reach and
 * well below what wrong ones do; the figures are the extremes of
 * the pictures in verify.test.ts, which fails when a limit moves past them.
 */

/** How far an answer's sides may be from the source's aspect ratio: 0.5 % each, so 1 % together, and always 1 pixel. */
const ASPECT_TOLERANCE = 0.005
/** The smallest answer accepted, as a part of the size asked for. Larger ones are reduced later. */
const SMALLEST = 0.9
/** Cells along a side of the grid. At least two source pixels go into a cell, so that sharpening averages out. */
const GRID = 32
/** Off the mean of a channel, in levels of 255. Honest: up to 5. A colour cast or darkening that is seen: from 18. */
const MEAN_SHIFT = 12
/** Root of the mean squared difference of all cells, in levels. Honest: up to 17. Mirrored, turned, blank: from 33. */
const DIFFERENCE = 28
/**
 * The difference left once the means agree, as a part of the source's own contrast. Honest: up to 0.38. Mirrored, turned
 * and blank answers: from 0.66, even in faint pictures.
 */
const RELATIVE_DIFFERENCE = 0.5
/** Below this, in levels, the relative limit is not asked: grain and JPEG blocks in a picture that is nearly flat. */
const NEGLIGIBLE = 3
/** Part of the cells that may be off by more than `FAR_OFF` levels: a strip that was not decoded, a pasted corner. */
const FEW = 0.02
const FAR_OFF = 64

/** A picture reduced to what is compared: its size in pixels, and its colours (and alpha) on the grid. */
export interface SourceGrid {
  readonly width: number
  readonly height: number
  readonly colour: PixelImage
  readonly alpha?: PixelImage | undefined
}

/** Reduces a source, so that it need not stay in memory until its answer comes. */
export async function gridOf({ width, height, colour, alpha }: NormalisedImage): Promise<SourceGrid> {
  return {
    width,
    height,
    colour: await onGrid(colour, colour),
    alpha: alpha && (await onGrid(alpha, alpha)),
  }
}

function onGrid(image: PixelImage, source: Size): Promise<PixelImage> {
  const width = Math.min(GRID, Math.ceil(source.width / 2))
  const height = Math.min(GRID, Math.ceil(source.height / 2))
  return resample(image, width, height, area)
}

/** What was asked of the engine. */
export interface Asked {
  readonly source: SourceGrid
  /** The exact final size in pixels. */
  readonly width: number
  readonly height: number
  /** The factor at which the engine ran: equal to or above the factor of the final size. */
  readonly scale: number
}

/**
 * Passes when the answer is an enlargement of the source. Sizes above the one asked for are fine. Alpha is compared
 * where both have it: a service sees none.
 * @throws UpscaleError ANSWER_WRONG_ASPECT, ANSWER_WRONG_SIZE, ANSWER_DRIFTED
 */
export async function verifyAnswer(asked: Asked, { colour, alpha }: Picture): Promise<void> {
  verifyAspect(asked, colour)
  verifySize(asked, colour)
  await verifyPicture(asked.source, asked.source.colour, colour)
  if (alpha !== undefined && asked.source.alpha !== undefined)
    await verifyPicture(asked.source, asked.source.alpha, alpha)
}

function verifyAspect({ source, scale }: Asked, answer: PixelImage): void {
  // The factors each side may have been enlarged by; the picture is whole when one factor fits both.
  const [leastAcross, mostAcross] = factors(source.width, answer.width)
  const [leastDown, mostDown] = factors(source.height, answer.height)
  if (leastAcross <= mostDown && leastDown <= mostAcross) return
  throw new UpscaleError(
    'ANSWER_WRONG_ASPECT',
    `asked for ${size(expected(source, scale))} (aspect ${ratio(source)}), got ${size(answer)} (aspect ${ratio(answer)})`,
    { hint: 'the engine cropped or stretched the picture: use another engine for it, or engine=resize' },
  )
}

function factors(from: number, to: number): [least: number, most: number] {
  const tolerance = Math.max(1, to * ASPECT_TOLERANCE)
  return [(to - tolerance) / from, (to + tolerance) / from]
}

function verifySize({ source, width, height, scale }: Asked, answer: PixelImage): void {
  if (answer.width >= Math.floor(width * SMALLEST) && answer.height >= Math.floor(height * SMALLEST)) return
  const unchanged = answer.width === source.width && answer.height === source.height
  throw new UpscaleError(
    'ANSWER_WRONG_SIZE',
    `asked for ${size(expected(source, scale))} to make ${size({ width, height })}, got ${size(answer)}${unchanged ? ', the size of the source' : ''}`,
    { hint: `the engine did not enlarge by ${scale}: ask for a smaller factor, or use another engine` },
  )
}

async function verifyPicture(source: Size, grid: PixelImage, answer: PixelImage): Promise<void> {
  const found = compare(grid, await onGrid(answer, source))
  const { contrast, difference, structure, shift, far } = found
  const say = (levels: number): string => levels.toFixed(1)
  if (shift > MEAN_SHIFT) {
    throw drifted(`a colour channel's mean is off by ${say(shift)} of 255, allowed are ${MEAN_SHIFT}`)
  }
  if (difference > DIFFERENCE) {
    throw drifted(`it differs from the source by ${say(difference)} of 255, allowed are ${DIFFERENCE}`)
  }
  const allowed = Math.max(NEGLIGIBLE, contrast * RELATIVE_DIFFERENCE)
  if (structure > allowed) {
    throw drifted(
      `its shapes differ from the source's by ${say(structure)} of 255, allowed are ${say(allowed)}`,
    )
  }
  if (far > FEW) {
    throw drifted(
      `${say(far * 100)} % of it differ by more than ${FAR_OFF} of 255, allowed are ${FEW * 100} %`,
    )
  }
}

interface Comparison {
  /** Standard deviation of the source's cells, in levels. */
  readonly contrast: number
  /** Root mean square difference of the cells, in levels. */
  readonly difference: number
  /** The same once each channel's mean difference is taken away. */
  readonly structure: number
  /** The largest difference between the means of a channel, in levels. */
  readonly shift: number
  /** Part of the cells, 0 to 1, where a channel is off by more than `FAR_OFF`. */
  readonly far: number
}

function compare(source: PixelImage, answer: PixelImage): Comparison {
  const cells = source.width * source.height
  const far = new Uint8Array(cells)
  let variance = 0
  let squares = 0
  let shifted = 0
  let shift = 0
  for (let channel = 0; channel < 3; channel++) {
    let sum = 0
    let squaredSum = 0
    let drift = 0
    for (let cell = 0; cell < cells; cell++) {
      const is = sample(source, cell, channel)
      const off = sample(answer, cell, channel) - is
      sum += is
      squaredSum += is * is
      drift += off
      squares += off * off
      if (Math.abs(off) > FAR_OFF) far[cell] = 1
    }
    variance += squaredSum / cells - (sum / cells) ** 2
    shifted += (drift / cells) ** 2
    shift = Math.max(shift, Math.abs(drift) / cells)
  }
  return {
    contrast: Math.sqrt(Math.max(0, variance) / 3),
    difference: Math.sqrt(squares / (3 * cells)),
    structure: Math.sqrt(Math.max(0, squares / cells - shifted) / 3),
    shift,
    far: far.reduce((count, is) => count + is, 0) / cells,
  }
}

/** Grey counts as red, green and blue alike. */
function sample({ data, channels }: PixelImage, pixel: number, channel: number): number {
  return data[channels === 1 ? pixel : pixel * 3 + channel] ?? 0
}

function drifted(problem: string): UpscaleError {
  return new UpscaleError('ANSWER_DRIFTED', `the engine returned another picture: ${problem}`, {
    hint: 'ask for less invention (lower "detail", higher "resemblance", no "prompt"), or use another engine',
  })
}

interface Size {
  readonly width: number
  readonly height: number
}

const expected = ({ width, height }: Size, scale: number): Size => ({
  width: Math.round(width * scale),
  height: Math.round(height * scale),
})
const size = ({ width, height }: Size): string => `${width} × ${height} px`
const ratio = ({ width, height }: Size): string => (width / height).toFixed(3)
