import { basename } from 'node:path'
import pLimit from 'p-limit'
import { createInspection, type InspectionOptions } from './inspection.ts'
import { renderPage } from './page.ts'
import type { ShownPicture } from './picture.ts'
import { placeText } from './place-text.ts'
import { PREVIEW, previewOf } from './preview.ts'

/** Pictures that are decoded for a report at a time. */
const PREVIEWED_AT_A_TIME = 2

const ABOUT =
  'Nothing here is fetched. Pictures are parts of this file; to keep it small, a large one is shown by its middle ' +
  `${PREVIEW.width} × ${PREVIEW.height} pixels at most, and all are encoded again as WebP.`

/**
 * The pictures of a project as one HTML file that needs nothing else.
 * @param file absolute; its folder is made, and the file appears as a whole or not at all
 * @returns how many pictures it shows
 * @throws UpscaleError BAD_OPTION when the file can't be written
 */
export async function writeInspection(file: string, options: InspectionOptions): Promise<number> {
  const inspection = createInspection(options)
  await inspection.look()
  const { root, maxPixels } = options.view.options
  const limit = pLimit(PREVIEWED_AT_A_TIME)
  const pictures = await Promise.all(
    inspection.pictures().map(({ shown }) => limit(() => withPreview(shown, maxPixels))),
  )
  const { paidMicros } = inspection
  await placeText(
    file,
    renderPage(pictures, { project: basename(root), paidMicros, about: ABOUT }),
    'the report',
  )
  return pictures.length
}

async function withPreview(picture: ShownPicture, maxPixels: number): Promise<ShownPicture> {
  const { original, finished } = picture
  if (original === undefined) return picture
  // A larger picture than the option allows was let through before the option was changed; it is known to be sound.
  const pixels = Math.max(maxPixels, ...[original, finished ?? original].map(one => one.width * one.height))
  return { ...picture, views: await previewOf(original, finished, pixels) }
}
