import { hash, randomUUID } from 'node:crypto'
import { mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Glance } from '../source/glance.ts'
import { errnoOf, readFileOfLimitSync, tryTo } from './disk.ts'
import { knownFilesFile } from './layout.ts'

// What was found in a file need not be found again while nobody writes to it. As git's index does, this remembers what
// the file system said of a file when it was read:
//
//   <scratch>/v1/files.txt     <SHA-256 of the rest>
//                              <device> <inode> <size> <mtime> <ctime>\t<what was found>\t<path>
//
// A program can set the time a file was written at, but not the time of its last change (ctime), and a file that was
// put in another's place has another inode. Two writes in one tick of a file system's clock look alike, so what changed
// in the last seconds is not remembered (git's "racily clean" entries:
// https://git-scm.com/docs/racy-git). Where a file system numbers no files, nothing is.
//
// Paths, times and inodes are those of one machine: elsewhere everything is read again.

/** Remembers what was found in files. */
export interface KnownFiles {
  /** Asks the file system about a file. */
  glance(file: string): Glance
  /** Writes down what is new. What can't be written is no reason to stop: the next build reads again. */
  save(): void
}

/** Longer than the tick of any file system's clock (FAT's is 2 s), in milliseconds. */
const RACY_MS = 10_000

/** The most files that are remembered: some 12 MB, and what a project of ten thousand pictures has. */
const MAX_FILES = 20_000

const MAX_BYTES = 32 * 1024 * 1024

const NOTHING: Glance = { found: undefined, keep: () => {} }

/** @param now this machine's clock, in milliseconds since the epoch */
export function openKnownFiles(scratchDir: string, now: () => number = Date.now): KnownFiles {
  const file = knownFilesFile(scratchDir)
  // By path: the stamp and what was found, as they stand in a line.
  let known: Map<string, string> | undefined
  const used = new Set<string>()
  let isChanged = false

  function all(): Map<string, string> {
    known ??= read(file)
    return known
  }

  return {
    glance(path) {
      const stamp = stampOf(path)
      if (stamp === undefined) return NOTHING
      const line = all().get(path)
      const isKnown = line?.startsWith(`${stamp.text}\t`) === true
      if (isKnown) used.add(path)
      return {
        found: isKnown ? line.slice(stamp.text.length + 1) : undefined,
        keep(found) {
          const isOld = now() - stamp.changedMs > RACY_MS
          const isRoom = used.has(path) || used.size < MAX_FILES
          if (!isOld || !isRoom || /[\n\t]/.test(path)) return
          if (stampOf(path)?.text !== stamp.text) return
          all().set(path, `${stamp.text}\t${found}`)
          used.add(path)
          isChanged = true
        },
      }
    },
    save() {
      if (!isChanged) return
      isChanged = false
      // Of files that are gone, or were only asked for by another build, some lines stay.
      if (all().size > Math.min(2 * used.size, MAX_FILES))
        for (const path of all().keys()) if (!used.has(path)) all().delete(path)
      tryTo(() => write(file, all()))
    },
  }
}

interface Stamp {
  readonly text: string
  /** When it was last changed, in milliseconds since the epoch, by the file system's clock. */
  readonly changedMs: number
}

/** Of a regular file, whose folders and links may be anything. */
function stampOf(file: string): Stamp | undefined {
  try {
    const stats = statSync(file, { bigint: true, throwIfNoEntry: false })
    if (stats === undefined || !stats.isFile() || stats.ino === 0n) return undefined
    const { dev, ino, size, mtimeNs, ctimeNs } = stats
    const changedMs = Math.max(Number(stats.mtimeMs), Number(stats.ctimeMs))
    return { text: `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`, changedMs }
  } catch (error) {
    // Whoever reads the file is told why it can't be read.
    if (errnoOf(error) !== '') return undefined
    throw error
  }
}

function read(file: string): Map<string, string> {
  const lines = new Map<string, string>()
  tryTo(() => {
    const bytes = readFileOfLimitSync(file, MAX_BYTES)
    if (typeof bytes === 'string') return
    const text = bytes.toString()
    const body = text.slice(65)
    if (text.slice(0, 65) !== `${hash('sha256', body, 'hex')}\n`) return
    for (const line of body.split('\n')) {
      const end = line.lastIndexOf('\t')
      if (end > 0) lines.set(line.slice(end + 1), line.slice(0, end))
    }
  })
  return lines
}

function write(file: string, lines: ReadonlyMap<string, string>): void {
  let body = ''
  for (const [path, line] of lines) body += `${line}\t${path}\n`
  const temporary = `${file}.${randomUUID()}`
  try {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(temporary, `${hash('sha256', body, 'hex')}\n${body}`, { flag: 'wx' })
    renameSync(temporary, file)
  } finally {
    rmSync(temporary, { force: true })
  }
}
