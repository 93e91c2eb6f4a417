import { randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { errnoOf, makeFolder, renamePatiently, syncFolder, writeSynced } from './disk.ts'

// How something gets its final name:
//
//   1. It is built under `tmp/<random uuid>`, on the same file system. Never a process id: two containers can share
//      one. Each file is written whole, its size compared, and synced; then the folder that holds them is.
//   2. One rename gives it its name. A reader, or a kill at any moment, sees all of it or nothing.
//   3. The folder above is synced, so that the name survives a power cut as well.
//
// rename(2) never replaces a folder that has something in it, so of two writers one wins and the other is told. The
// loser looks at what is there: a sound entry serves as well as its own; a damaged one is moved to quarantine and
// the rename tried again. What is under `tmp/` is always removed, and after a kill by a later sweep.

export const TMP = 'tmp'

/** What holds files to publish: a temporary path that is gone after use, whatever happens. */
export async function withTemporary<Result>(
  root: string,
  tag: boolean,
  use: (path: string) => Promise<Result>,
): Promise<Result> {
  const path = join(root, TMP, randomUUID())
  try {
    await mkdir(path)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
    await prepareRoot(root, tag)
    await mkdir(path)
  }
  try {
    return await use(path)
  } finally {
    // A failure here (a disk gone read-only) must not hide the one that led here; a later sweep tries again.
    await rm(path, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined)
  }
}

/** Writes and syncs a folder's files, then the folder. */
export async function fillFolder(
  folder: string,
  files: Readonly<Record<string, Uint8Array | string>>,
): Promise<void> {
  for (const [name, content] of Object.entries(files)) await writeSynced(join(folder, name), content)
  await syncFolder(folder)
}

/**
 * Gives a finished file or folder its final name.
 *
 * @param clear called when something is in its place: returns it if it is as good, else moves it away
 * @returns undefined when ours was published, else what `clear` returned
 */
export async function publish<Winner>(
  from: string,
  to: string,
  clear: () => Winner | undefined,
): Promise<Winner | undefined> {
  const parent = dirname(to)
  for (let attempt = 1; ; attempt++) {
    try {
      await makeFolder(parent)
      await renamePatiently(from, to)
      await syncFolder(parent)
      return undefined
    } catch (error) {
      if (!isCollision(error)) throw error
      const winner = clear()
      if (winner !== undefined) return winner
      if (attempt === ATTEMPTS) throw error
      await sleep(attempt)
    }
  }
}

/** Each one takes another process that put something damaged there; more than a few is not chance. */
const ATTEMPTS = 20

function isCollision(error: unknown): boolean {
  const errno = errnoOf(error)
  if (['ENOTEMPTY', 'EEXIST', 'ENOTDIR', 'EISDIR'].includes(errno)) return true
  return process.platform === 'win32' && (errno === 'EPERM' || errno === 'EACCES')
}

async function prepareRoot(root: string, tag: boolean): Promise<void> {
  await makeFolder(root)
  for (const [name, text] of Object.entries(tag ? SCRATCH_FILES : DURABLE_FILES)) {
    try {
      await writeSynced(join(root, name), text)
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error
    }
  }
  // Last: that it is there says that the rest is.
  await makeFolder(join(root, TMP))
}

/** https://bford.info/cachedir/: backup programs leave such folders out. */
const SCRATCH_FILES = {
  'CACHEDIR.TAG': 'Signature: 8a477f597d28d172789f06886806bc55\n# Upscaled images. Safe to delete.\n',
}

/** The durable root is made to be committed as it is, byte for byte. */
const DURABLE_FILES = {
  '.gitignore': '/locks/\n/quarantine/\n/tmp/\n',
  '.gitattributes': '* -text\n',
}
