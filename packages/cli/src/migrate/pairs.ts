import sharp from 'sharp'
import { addressesIn } from './addresses.ts'
import { enlargementLikeness, type Pixels, pixelsOf } from './enlargements.ts'
import { type Finding, isPageOrStyle, type Project, type SourceText } from './finding.ts'

/** `hero@2x.png`, and the folder's path and the extension around it. */
const LARGE_NAME = /^(.*)@([234])x(\.\w+)$/

/**
 * From this many decibels on a large picture is an enlargement of the small one, and nothing more. An enlargement that was
 * encoded as JPEG of quality 75 has 33 to 38, as PNG 52 and more; photographs of twice the pixels had 22 to 29.
 */
const SAME_DECIBELS = 32

/** Pictures of `@2x` that somebody enlarged from the small one beside them; one that holds more detail is an original. */
export async function* enlargedPairs(source: SourceText, project: Project): AsyncGenerator<Finding> {
  // A page names a picture once for each width of a screen, and a file of many megapixels takes a second.
  const known = new Map<string, Promise<number>>()
  const likenessOf = (small: string, large: string, factor: number): Promise<number> => {
    const decibels = known.get(large) ?? likeness(small, large, factor)
    known.set(large, decibels)
    return decibels
  }
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
    } else if ((await likenessOf(small, large, factor)) < SAME_DECIBELS) {
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

async function likeness(small: string, large: string, factor: number): Promise<number> {
  return enlargementLikeness(await decoded(small), await decoded(large), factor)
}

async function decoded(file: string): Promise<Pixels> {
  const picture = sharp(file).autoOrient().toColourspace('srgb').ensureAlpha()
  const { data, info } = await picture.raw().toBuffer({ resolveWithObject: true })
  return pixelsOf(data, info.width, info.height)
}
