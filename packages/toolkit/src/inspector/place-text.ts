import { randomUUID } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { UpscaleError } from 'upscale-core'
import { discard, renamePatiently } from 'upscale-core/internal'

/**
 * Writes a text file for the user, whole or not at all. One that has this text already is left alone, so that nobody
 * who watches it is woken.
 *
 * @param what the file's name in a message, as in `the report`
 * @throws UpscaleError BAD_OPTION when it can't be written
 */
export async function placeText(file: string, text: string, what: string): Promise<void> {
  if ((await readFile(file, 'utf8').catch(() => undefined)) === text) return
  const temporary = `${file}.${randomUUID()}`
  try {
    await mkdir(dirname(file), { recursive: true })
    await writeFile(temporary, text, { flag: 'wx' })
    await renamePatiently(temporary, file)
  } catch (cause) {
    await discard(temporary)
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new UpscaleError('BAD_OPTION', `${what} can't be written: ${reason}`, {
      hint: 'name a file in a folder that can be written',
      file,
      cause,
    })
  }
}
