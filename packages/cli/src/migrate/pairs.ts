import sharp, { type Sharp } from 'sharp'
import { addressesIn } from './addresses.ts'
import { type Finding, isPageOrStyle, type Project, type SourceText } from './finding.ts'

/** `hero@2x.png`, and the folder's path and the extension around it. */
const LARGE_NAME = /^(.*)@([234])x(\.\w+)$/

/** The ways in which programs enlarge. */
const KERNELS = ['nearest', 'linear', 'cubic', 'mitchell', 'lanczos3'] as const

/**
 * Above this many decibels between a large picture and an enlargement of the small one, the large one holds nothing more:
 * the difference is a third of what encoding as JPEG of quality 90 makes.
 */
const SAME_DECIBELS = 38

/** Pictures of `@2x` that somebody enlarged from the small one beside them; one that holds more detail is an original. */
export async function* enlargedPairs(source: SourceText, project: Project): AsyncGenerator<Finding> {
  for (const { path, query, start, end } of addressesIn(source.text)) {
    const [, stem, digit, extension] = LARGE_NAME.exec(path) ?? []
    if (stem === undefined || query !== '' || /^(?:\w+:|\/\/)/.test(path)) continue
    const large = project.find(path, source)
    const smallPath = [`${stem}${extension}`, `${stem}@1x${extension}`].find(
      name => project.find(name, source) !== undefined,
    )
    if (smallPath === undefined) continue
    const small = project.find(smallPath, source)
    if (large === undefined || small === undefined || large === small) continue
    const [largeSize, smallSize] = [await project.sizeOf(large), await project.sizeOf(small)]
    if (largeSize === undefined || smallSize === undefined) continue
    const factor = Number(digit)
    if (largeSize.width !== smallSize.width * factor || largeSize.height !== smallSize.height * factor) {
      yield { start, end, why: `its size is not exactly ${factor} times that of ${smallPath}` }
    } else if ((await likeness(small, large, largeSize)) < SAME_DECIBELS) {
      yield { start, end, why: `it holds more detail than ${smallPath}, so it stays` }
    } else if (path.startsWith('/') && !isPageOrStyle(source)) {
      yield { start, end, why: `enlarged from ${smallPath}; import "${smallPath}?upscale=${factor}" instead` }
    } else {
      yield {
        start,
        end,
        replacement: `${smallPath}?upscale=${factor}`,
        why: `enlarged from ${smallPath} by resampling, and not needed any more`,
      }
    }
  }
}

/** Decibels (PSNR over all channels) between a picture and the nearest of the enlargements of a smaller one. */
async function likeness(
  small: string,
  large: string,
  { width, height }: { readonly width: number; readonly height: number },
): Promise<number> {
  const pixels = (picture: Sharp): Promise<Buffer> =>
    picture.toColourspace('srgb').ensureAlpha().raw().toBuffer()
  const truth = await pixels(sharp(large).autoOrient())
  let nearest = 0
  for (const kernel of KERNELS) {
    const resized = sharp(small).autoOrient().resize(width, height, { kernel, fit: 'fill' })
    const guess = await pixels(resized)
    let squares = 0
    for (let at = 0; at < truth.length; at++) squares += ((truth[at] ?? 0) - (guess[at] ?? 0)) ** 2
    nearest = Math.max(nearest, 10 * Math.log10(255 ** 2 / (squares / truth.length)))
  }
  return nearest
}
