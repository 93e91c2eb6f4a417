import { readFile } from 'node:fs/promises'
import { type UpscaledImage, UpscaleError } from 'upscale-core'
import { digestOf, whileThere } from 'upscale-core/internal'

/**
 * The bytes of a finished picture. What ships is what was checked, even if the cache folder was touched since.
 * @param again asks for the picture once more, should it be gone
 * @throws UpscaleError ANSWER_CORRUPT
 */
export function readChecked(image: UpscaledImage, again: () => Promise<UpscaledImage>): Promise<Buffer> {
  return whileThere(image, again, readOnce)
}

async function readOnce({ file, digest }: UpscaledImage): Promise<Buffer> {
  const bytes = await readFile(file)
  if ((await digestOf(bytes)) === digest) return bytes
  throw new UpscaleError('ANSWER_CORRUPT', 'the finished picture changed on disk after it was checked', {
    hint: 'build again; if it happens often, find the program that writes into the cache folder',
    file,
  })
}
