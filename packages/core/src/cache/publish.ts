import { randomUUID } from 'node:crypto'
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Content, discard, errnoOf, makeFolder, renameToFree, syncFolder, writeWhole } from './disk.ts'

// How something gets its final name:
//
//   1. It is built under `tmp/<random uuid>`, on the same file system. Never a process id: two containers can share
//      one. Each file is written whole, its size compared, and synced; then the folder that holds them is.
//   2. One rename gives it its name. A reader, or a kill at any moment, sees all of it or nothing.
//   3. The folder above is synced, so that the name survives a power cut as well.
//
// Syncing is for what can't be made again. A scratch root is not synced: after a power cut an entry there may be gone, or
// hold anything, which its checksums tell.
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
    // What stays, a later sweep removes.
    await discard(path)
  }
}

/**
 * Publishes without syncing, in the few calls that this takes when all goes well: what waits for no disk costs several
 * times as much on the way through the thread pool. True when it was done; when anything at all is in the way, nothing is
 * left behind, and the patient way finds out what it is.
 *
 * @param content the bytes of a file, or the files of a folder
 */
export function publishAtOnce(
  root: string,
  to: string,
  content: string | Readonly<Record<string, Uint8Array | string>>,
): boolean {
  const from = join(root, TMP, randomUUID())
  try {
    if (typeof content === 'string') writeFileSync(from, content, { flag: 'wx' })
    else {
      mkdirSync(from)
      for (const [name, bytes] of Object.entries(content))
        writeFileSync(join(from, name), bytes, { flag: 'wx' })
    }
    renameIntoPlace(from, to)
    return true
  } catch {
    tryToRemove(from)
    return false
  }
}

function renameIntoPlace(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
    mkdirSync(dirname(to), { recursive: true })
    renameSync(from, to)
  }
}

function tryToRemove(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true })
  } catch {
    // Left to a later sweep.
  }
}

/** Writes a folder's files; with `synced`, syncs them and then the folder. */
export async function fillFolder(
  folder: string,
  files: Readonly<Record<string, Content>>,
  synced: boolean,
): Promise<void> {
  for (const [name, content] of Object.entries(files)) await writeWhole(join(folder, name), content, synced)
  if (synced) await syncFolder(folder)
}

/**
 * Gives a finished file or folder its final name.
 *
 * @param clear called when something is in its place: returns it if it is as good, else moves it away
 * @param synced whether the name must survive a power cut
 * @returns undefined when ours was published, else what `clear` returned
 */
export async function publish<Winner>(
  from: string,
  to: string,
  clear: () => Promise<Winner | undefined>,
  synced: boolean,
): Promise<Winner | undefined> {
  const parent = dirname(to)
  for (let attempt = 1; ; attempt++) {
    try {
      await makeFolder(parent, synced)
      await renameToFree(from, to)
      if (synced) await syncFolder(parent)
      return undefined
    } catch (error) {
      if (!isCollision(error)) throw error
      const winner = await clear()
      if (winner !== undefined) return winner
      if (attempt === ATTEMPTS) throw error
      await sleep(attempt)
    }
  }
}

/** Each one takes another process that put something damaged there; more than a few is not chance. */
const ATTEMPTS = 20

function isCollision(error: unknown): boolean {
  return ['ENOTEMPTY', 'EEXIST', 'ENOTDIR', 'EISDIR'].includes(errnoOf(error))
}

async function prepareRoot(root: string, tag: boolean): Promise<void> {
  await makeFolder(root)
  for (const [name, text] of Object.entries(tag ? SCRATCH_FILES : DURABLE_FILES)) {
    try {
      await writeWhole(join(root, name), text, !tag)
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
