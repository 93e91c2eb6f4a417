import { randomUUID } from 'node:crypto'
import {
  closeSync,
  constants,
  existsSync,
  fdatasync,
  fstatSync,
  fsync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs'
import { type FileHandle, mkdir, open, rename, rm, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { UpscaleError } from '../errors.ts'
import { inTurn, readInPieces } from '../source/pieces.ts'

// Reading what is small is synchronous: an all-hit build does thousands of reads that the page cache answers in
// microseconds, and a trip through the thread pool costs several times the read. Writing is not: it waits for the disk.

/** A pipe or a device in a file's place must not block the open. Windows has no such flag. */
export const READ: number = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

/** Longest wait for another file to be closed when this process or the system may open no more. */
const DESCRIPTORS_MS = 5000
/** Longest wait for somebody to let go of what is to be renamed or removed. */
const HELD_OPEN_MS = 2000

/** The `code` of a failed system call, else an empty string. */
export function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** Does what a build can do without: a file that is not there, or can't be read or written, is let go. @throws any other error */
export function tryTo(work: () => void): void {
  try {
    work()
  } catch (error) {
    if (errnoOf(error) === '') throw error
  }
}

/** The error's first line, for a reason that is shown to a person. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
}

/**
 * Reads a whole file that fits into `page` with room for one byte more.
 *
 * @returns the part of `page` that was filled, good until the next call; undefined when the file is longer
 * @throws the system's error
 */
export function readPageSync(file: string, page: Uint8Array): Uint8Array | undefined {
  const descriptor = openSync(file, READ)
  try {
    let length = 0
    for (;;) {
      const count = readSync(descriptor, page, length, page.length - length, null)
      length += count
      if (length === page.length) return undefined
      if (count === 0) return page.subarray(0, length)
    }
  } finally {
    closeSync(descriptor)
  }
}

/**
 * Fills `bytes` with a regular file of exactly that many.
 *
 * @returns what is wrong instead, in words, when it isn't one
 * @throws the system's error
 */
export function readExactSync(file: string, bytes: Uint8Array): string | undefined {
  const descriptor = openSync(file, READ)
  try {
    const size = bytes.length
    const flaw = flawOfSize(descriptor, size)
    if (flaw !== undefined) return flaw
    let length = 0
    while (length < size) {
      const count = readSync(descriptor, bytes, length, size - length, null)
      if (count === 0) return endedAfter(length, size)
      length += count
    }
    return undefined
  } finally {
    closeSync(descriptor)
  }
}

/**
 * The SHA-256, in hex, of a large regular file of exactly `size` bytes, read into `bytes` where it is given.
 *
 * @returns what is wrong instead, in words, when it isn't one
 * @throws the system's error
 */
export function readExact(
  file: string,
  size: number,
  bytes?: Buffer,
): Promise<{ readonly digest: string } | { readonly flaw: string }> {
  return inTurn(async () => {
    const descriptor = openSync(file, READ)
    try {
      const flaw = flawOfSize(descriptor, size)
      if (flaw !== undefined) return { flaw }
      const { digest, length } = await readInPieces(descriptor, size, bytes)
      return length === size ? { digest } : { flaw: endedAfter(length, size) }
    } finally {
      closeSync(descriptor)
    }
  })
}

function flawOfSize(descriptor: number, size: number): string | undefined {
  const facts: Stats = fstatSync(descriptor)
  if (!facts.isFile()) return 'is not a file'
  return facts.size === size ? undefined : `has ${facts.size} bytes instead of ${size}`
}

const endedAfter = (length: number, size: number): string => `ended after ${length} of ${size} bytes`

/**
 * Reads a regular file of any size up to a limit. Neither a pipe, nor a device, nor what is larger is read.
 *
 * @returns what is wrong instead, in words
 * @throws the system's error
 */
export function readFileOfLimitSync(file: string, maxBytes: number): Buffer | string {
  const descriptor = openSync(file, READ)
  try {
    const facts: Stats = fstatSync(descriptor)
    if (!facts.isFile()) return 'it is not a file'
    if (facts.size > maxBytes) return `it is too large (${facts.size} bytes, at most ${maxBytes} are read)`
    const bytes = Buffer.allocUnsafeSlow(facts.size)
    let length = 0
    while (length < facts.size) {
      const count = readSync(descriptor, bytes, length, facts.size - length, null)
      if (count === 0) break
      length += count
    }
    return bytes.subarray(0, length)
  } finally {
    closeSync(descriptor)
  }
}

/**
 * Gives a small file new content by one rename, so that whoever reads it finds the old or the new. Makes its folder. Nothing
 * is synced: for what can be made again.
 *
 * @throws the system's error
 */
export function replaceFileSync(file: string, content: string | Uint8Array): void {
  const temporary = `${file}.${randomUUID()}`
  try {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(temporary, content, { flag: 'wx' })
    renameSync(temporary, file)
  } finally {
    rmSync(temporary, { force: true })
  }
}

/** Changes whenever a file was replaced or written to. @throws the system's error */
export function stampOf(file: string): string {
  return stampFrom(statSync(file))
}

/** {@link stampOf}, of what is known of a file. */
export function stampFrom({ ino, size, mtimeMs, ctimeMs }: Stats): string {
  return [ino, size, mtimeMs, ctimeMs].join()
}

/**
 * Reads a regular file of any size up to a limit, piece by piece. Neither a pipe, nor a device, nor what is larger is read.
 *
 * @returns undefined for one of those, and for a file that ended meanwhile
 * @throws the system's error
 */
export function readFileOfLimit(file: string, maxBytes: number): Promise<Buffer | undefined> {
  return inTurn(async () => {
    const descriptor = openSync(file, READ)
    try {
      const facts: Stats = fstatSync(descriptor)
      if (!facts.isFile() || facts.size > maxBytes) return undefined
      const bytes = Buffer.allocUnsafeSlow(facts.size)
      const { length } = await readInPieces(descriptor, facts.size, bytes)
      return length === facts.size ? bytes : undefined
    } finally {
      closeSync(descriptor)
    }
  })
}

/** Appends a text, synced, or nothing: half of one, on a full disk, would spoil the next. */
export async function appendWhole(handle: FileHandle, text: string): Promise<void> {
  const { size } = await handle.stat()
  try {
    await handle.writeFile(text)
    await promisify(fdatasync)(handle.fd)
  } catch (error) {
    await handle.truncate(size).catch(() => undefined) // the error to tell about is the first one
    throw error
  }
}

/** Opens a file, waiting up to 5 s while no descriptor is free. */
export function openPatiently(file: string, flags: string | number): Promise<FileHandle> {
  return patiently(() => open(file, flags), ['EMFILE', 'ENFILE'], DESCRIPTORS_MS)
}

/** What a file is to hold; in parts where putting them together would take as long as writing them. */
export type Content = Uint8Array | string | readonly Uint8Array[]

/** Creates a file that must not exist and returns when all its bytes are written; with `synced`, on the disk. */
export async function writeWhole(file: string, content: Content, synced: boolean): Promise<void> {
  const handle = await openPatiently(file, 'wx')
  try {
    // writeFile repeats short writes, which write() reports as a success.
    const parts = typeof content === 'string' || content instanceof Uint8Array ? [content] : content
    for (const part of parts) await handle.writeFile(part)
    const { size } = await handle.stat()
    const expected = parts.reduce((sum, part) => sum + Buffer.byteLength(part), 0)
    if (size !== expected) throw new Error(`${file} has ${size} bytes after writing ${expected}`)
    if (synced) await sync(handle)
  } finally {
    await handle.close()
  }
}

/** By the descriptor: the handles of Yarn's Plug'n'Play have no `sync`, or one that is not implemented. */
function sync({ fd }: FileHandle): Promise<void> {
  return promisify(fsync)(fd)
}

/** Makes what was created in or renamed into a folder survive a power cut, where the system can do that. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return // can't open a folder
  const handle = await openPatiently(folder, 'r')
  try {
    await sync(handle)
  } catch (error) {
    if (errnoOf(error) !== 'EINVAL' && errnoOf(error) !== 'ENOTSUP') throw error // some network mounts
  } finally {
    await handle.close()
  }
}

/** Makes a folder and those above it, each one synced into its parent unless told otherwise. mkdir's own `recursive` hides ENOSPC. */
export async function makeFolder(folder: string, synced = true): Promise<void> {
  if (await makeOne(folder, synced)) return
  await makeFolder(dirname(folder), synced)
  await makeOne(folder, synced, true)
}

/** False when the folder above is missing, unless that can't be. */
async function makeOne(
  folder: string,
  synced: boolean,
  isLast = folder === dirname(folder),
): Promise<boolean> {
  try {
    await mkdir(folder)
  } catch (error) {
    const errno = errnoOf(error)
    // If what is there is no folder, whoever uses it is told so.
    if (errno === 'EEXIST') return true
    if (errno === 'ENOENT' && !isLast) return false
    throw error
  }
  if (synced) await syncFolder(dirname(folder))
  return true
}

/** Renames, waiting up to 2 s for somebody who holds the file or folder open to let go. */
export function renamePatiently(from: string, to: string): Promise<void> {
  return whileHeldOpen(() => rename(from, to))
}

/**
 * The same for a name that must be free. Windows says of one that is taken what it says of one that is held open, which
 * would be waited for in vain.
 * @throws the system's error; with the code EEXIST when something is in its place
 */
export function renameToFree(from: string, to: string): Promise<void> {
  return whileHeldOpen(() =>
    rename(from, to).catch((error: Error) => {
      // EBUSY says that it is held, whatever is there.
      const mayBeTaken = errnoOf(error) !== 'EBUSY' && heldOpenErrnos().includes(errnoOf(error))
      if (!mayBeTaken || !existsSync(to)) throw error
      throw Object.assign(new Error(error.message, { cause: error }), { code: 'EEXIST' })
    }),
  )
}

/** Tries for up to 2 s what fails while somebody (a virus scanner, an editor) holds the file or folder open. */
export function whileHeldOpen(attempt: () => Promise<void>): Promise<void> {
  return patiently(attempt, heldOpenErrnos(), HELD_OPEN_MS)
}

function heldOpenErrnos(): readonly string[] {
  // Elsewhere EPERM and EACCES are about permissions, which waiting doesn't change.
  return process.platform === 'win32' ? ['EBUSY', 'EPERM', 'EACCES'] : ['EBUSY']
}

/**
 * Removes a temporary file or folder, waiting a moment for who holds it open. What can't be removed is left: it must not hide
 * an error that led here, nor turn work that is done into a failure.
 */
export async function discard(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined)
}

/** Free bytes on the disk of a folder; undefined where its file system says nothing of its size, as some do that are on a network. */
export async function freeBytes(folder: string): Promise<number | undefined> {
  const { bavail, bsize, blocks } = await statfs(folder)
  return blocks === 0 ? undefined : bavail * bsize
}

/** The file system's own idea of now, in ms, which need not be this machine's: the time it gives a new file. */
export async function fileSystemNow(folder: string): Promise<number> {
  const probe = join(folder, randomUUID())
  const handle = await openPatiently(probe, 'wx')
  try {
    return (await handle.stat()).mtimeMs
  } finally {
    await handle.close()
    await discard(probe)
  }
}

/** What every failed write becomes: {@link UpscaleError} CACHE_UNWRITABLE, naming the folder and what to do. */
export function unwritable(folder: string, cause: unknown): UpscaleError {
  return new UpscaleError('CACHE_UNWRITABLE', `could not write to the cache: ${reasonOf(cause)}`, {
    file: folder,
    hint: remedy(errnoOf(cause)),
    cause,
  })
}

/** Why something can't be looked up: {@link UpscaleError} CACHE_UNREADABLE, naming the path and what to do. */
export function unreadable(path: string, cause: unknown): UpscaleError {
  return new UpscaleError('CACHE_UNREADABLE', `could not read the cache: ${reasonOf(cause)}`, {
    file: path,
    hint: remedy(errnoOf(cause)),
    cause,
  })
}

/** What Node says of ESTALE on Linux, for which it has no name: 116. */
const STALE = 'Unknown system error -116'

function reasonOf(cause: unknown): string {
  return errnoOf(cause) === STALE
    ? 'ESTALE: a network file system no longer knows this file'
    : messageOf(cause)
}

function remedy(errno: string): string {
  switch (errno) {
    case STALE:
      return 'build again; if it stays, mount the file system again, or set `cacheDir` to a folder of this machine.'
    case 'ENOSPC':
    case 'EDQUOT':
      return 'free some space (or inodes) there, or set `cacheDir` to a folder on another disk.'
    case 'EROFS':
    case 'EACCES':
    case 'EPERM':
      return 'give the user who builds the right to read and write there, or set `cacheDir` to another folder.'
    case 'EMFILE':
    case 'ENFILE':
      return 'raise the limit of open files (`ulimit -n`) or lower `concurrency`.'
    case 'EFBIG':
      return 'raise the limit of file sizes (`ulimit -f`).'
    case 'ENOTDIR':
    case 'EEXIST':
    case 'ELOOP':
      return 'something else is in the place of a cache folder: remove it.'
    case 'EXDEV':
      return 'the folder and its `tmp` must be on one file system: remove the mount or link between them.'
    default:
      return 'look at the disk, or set `cacheDir` to another folder.'
  }
}

async function patiently<Result>(
  attempt: () => Promise<Result>,
  passing: readonly string[],
  limitMs: number,
): Promise<Result> {
  const start = performance.now()
  for (let pauseMs = 5; ; pauseMs = Math.min(pauseMs * 2, 100)) {
    try {
      return await attempt()
    } catch (error) {
      if (!passing.includes(errnoOf(error)) || performance.now() - start > limitMs) throw error
      await sleep(pauseMs)
    }
  }
}
