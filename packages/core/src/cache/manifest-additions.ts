import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isUpscaleError, type UpscaleError } from '../errors.ts'
import {
  appendWhole,
  errnoOf,
  openPatiently,
  readFileOfLimitSync,
  stampOf,
  syncFolder,
  unreadable,
  whileHeldOpen,
} from './disk.ts'
import { type ManifestLines, parseLines, printLine } from './manifest-text.ts'

// What was added to a large manifest since it was written last: lines of it, in the order in which they came, one synced
// write each. It is no temporary file: a build that died leaves it, everybody reads it as a part of the list, and it may
// be committed like the list. Lines are appended under the lock of the manifest.

const ADDITIONS_FILE = 'manifest.added'

/** From this size on, in bytes, it becomes part of the manifest. It is read anew whenever it has grown. */
const LONG_BYTES = 128 * 1024

/** The largest that is read, in bytes: several branches may have been merged. */
const MAX_BYTES = 64 * 1024 * 1024

export interface ManifestAdditions {
  readonly file: string
  /** Read once, and again when it has changed; otherwise this costs one `stat`. @throws UpscaleError CACHE_UNREADABLE */
  read(): ManifestLines
  /** True when it has become too long for a file that is read again and again. */
  isLong(): boolean
  /** Returns when the lines are on the disk. @throws the system's error */
  append(lines: ManifestLines): Promise<void>
  /** @throws the system's error */
  remove(): Promise<void>
}

const NONE: ManifestLines = new Map()

/**
 * @param root the durable root
 * @param refuse what is thrown for a file that can't be used
 */
export function createManifestAdditions(
  root: string,
  refuse: (reason: string) => UpscaleError,
): ManifestAdditions {
  const file = join(root, ADDITIONS_FILE)
  let seen: { readonly stamp: string; readonly size: number; readonly lines: ManifestLines } | undefined

  function readAnew(): { readonly size: number; readonly lines: ManifestLines } {
    const bytes = readFileOfLimitSync(file, MAX_BYTES)
    if (typeof bytes === 'string') throw refuse(bytes)
    // What follows the last line's end is being written, or was when a process died: nobody was told that it is there.
    const lines = parseLines(bytes.toString('utf8', 0, wholeLines(bytes)))
    if (typeof lines === 'string') throw refuse(lines)
    return { size: bytes.length, lines }
  }

  return {
    file,
    read() {
      try {
        const stamp = stampOf(file)
        if (seen?.stamp !== stamp) seen = { stamp, ...readAnew() }
      } catch (error) {
        if (errnoOf(error) !== 'ENOENT') throw isUpscaleError(error) ? error : unreadable(file, error)
        seen = undefined
      }
      return seen?.lines ?? NONE
    },
    isLong: () => (seen?.size ?? 0) >= LONG_BYTES,
    async append(lines) {
      const handle = await openPatiently(file, 'a+')
      try {
        const bytes = await handle.readFile()
        const whole = wholeLines(bytes)
        if (whole < bytes.length) await handle.truncate(whole)
        await appendWhole(handle, [...lines].map(([key, line]) => printLine(key, line)).join(''))
        if (bytes.length === 0) await syncFolder(root)
      } finally {
        await handle.close()
      }
    },
    remove: () => whileHeldOpen(() => rm(file, { force: true })),
  }
}

function wholeLines(bytes: Uint8Array): number {
  return bytes.lastIndexOf(0x0a) + 1
}
