import type { Dirent } from 'node:fs'
import { lstat, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileSystemNow } from './disk.ts'
import { LOCKS } from './lock/lock.ts'
import { TMP } from './publish.ts'

/** How many temporary files and folders were removed, are too young, or could not be removed. */
export interface SweepCounts {
  readonly removed: number
  readonly kept: number
  readonly failed: number
}

/** Far longer than any store takes, so that nothing under way is taken for a leftover. */
const LEFTOVER_MS = 3_600_000

/** Names that only this cache gives to temporary things; nothing else is ever removed. */
const OURS = /^(?:run\.json\.)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:\.token)?$/

/** Removes old leftovers below a cache root. Never throws. */
export async function sweepRoot(root: string): Promise<SweepCounts> {
  const counts = { removed: 0, kept: 0, failed: 0 }
  for (const folder of [join(root, TMP), join(root, LOCKS)]) {
    const names = await listOurs(folder)
    if (names.length === 0) continue
    let now: number
    try {
      now = await fileSystemNow(folder)
    } catch {
      counts.failed += names.length // not writable: nothing could be removed either
      continue
    }
    for (const name of names) counts[await sweepOne(join(folder, name), now)]++
  }
  return counts
}

async function sweepOne(path: string, now: number): Promise<keyof SweepCounts> {
  try {
    const { mtimeMs } = await lstat(path)
    if (now - mtimeMs < LEFTOVER_MS) return 'kept'
    await rm(path, { recursive: true, force: true })
    return 'removed'
  } catch {
    return 'failed' // or gone by now; what is left over harms nobody
  }
}

async function listOurs(folder: string): Promise<string[]> {
  let entries: Dirent[]
  try {
    entries = await readdir(folder, { withFileTypes: true })
  } catch {
    return [] // no such folder, most often
  }
  return entries.map(entry => entry.name).filter(name => OURS.test(name))
}
