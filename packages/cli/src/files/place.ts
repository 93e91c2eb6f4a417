import { createHash, randomUUID } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import { chmod, copyFile, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { UpscaleError } from 'upscale-core'
import { discard, errnoOf, hasBytes, renamePatiently } from 'upscale-core/internal'

/** A finished file of the cache. */
export interface Made {
  readonly file: string
  readonly digest: string
  readonly size: number
}

/**
 * Puts a copy of a finished file in its place, unless the same bytes are there already. The place never holds part
 * of a file: the copy gets its name when it is whole. A copy, not a link, since whoever edits a result must not
 * change the cache.
 *
 * @returns whether something was written
 * @throws UpscaleError CACHE_UNWRITABLE, which stands for any place that can't be written
 */
export async function placeFile(made: Made, target: string): Promise<boolean> {
  return guard(target, async () => {
    if (await isThere(made, target)) return false
    await replace(target, async temporary => {
      await copyFile(made.file, temporary, constants.COPYFILE_FICLONE)
      // The cache may be read-only; a result of the user's is the user's.
      await chmod(temporary, 0o644)
    })
    return true
  })
}

/** Replaces the content of a text file in one step. @throws UpscaleError CACHE_UNWRITABLE */
export async function placeText(text: Uint8Array, target: string): Promise<void> {
  await guard(target, async () => {
    const mode = (await stat(target)).mode & 0o777
    // Synced, since the old text is nowhere else. A picture is in the cache, and a damaged copy is replaced next time.
    await replace(target, temporary => writeFile(temporary, text, { mode, flush: true }))
  })
}

/** Far longer than any copy takes, so that nothing under way is taken for a leftover. */
const LEFTOVER_MS = 3_600_000

const TEMPORARY = /^\.upscale-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Removes what killed runs left below an output folder, so that it isn't deployed. What can't be removed stays. */
export async function sweepLeftovers(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  for (const { name, parentPath } of entries.filter(entry => TEMPORARY.test(entry.name))) {
    const path = join(parentPath, name)
    const found = await stat(path).catch(() => undefined)
    if (found?.isFile() && Date.now() - found.mtimeMs > LEFTOVER_MS)
      await rm(path, { force: true }).catch(() => {})
  }
}

/** SHA-256 of a file, hex; read in pieces. */
export async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

/** A folder that is emptied again and again is not emptied by chance. */
const ATTEMPTS = 5

/**
 * The folder may be emptied meanwhile: by a build that writes there too, or by another run to which a clock that was set says
 * that the temporary file is old.
 */
async function replace(target: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const folder = dirname(target)
  for (let attempt = 1; ; attempt++) {
    const temporary = join(folder, `.upscale-${randomUUID()}`)
    try {
      await mkdir(folder, { recursive: true })
      await write(temporary)
      await renamePatiently(temporary, target)
      return
    } catch (error) {
      await discard(temporary)
      if (errnoOf(error) !== 'ENOENT' || attempt === ATTEMPTS) throw error
    }
  }
}

async function isThere({ size, digest }: Made, target: string): Promise<boolean> {
  try {
    return await hasBytes(target, { size, sha256: digest })
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error))) return false
    throw error
  }
}

async function guard<T>(target: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new UpscaleError('CACHE_UNWRITABLE', `the result can't be written: ${reason}`, {
      hint: remedy(cause),
      file: target,
      cause,
    })
  }
}

function remedy(cause: unknown): string {
  switch (errnoOf(cause)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return 'free some space (or inodes) on the disk of the output folder'
    case 'EROFS':
    case 'EACCES':
    case 'EPERM':
      return 'give the user who runs this the right to write into the output folder'
    case 'ENOTDIR':
    case 'EEXIST':
    case 'EISDIR':
      return 'something else is in the place of a folder or of the result: remove it'
    default:
      return 'look at the disk of the output folder'
  }
}
