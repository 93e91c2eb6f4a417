import { randomUUID } from 'node:crypto'
import { mkdirSync, renameSync } from 'node:fs'
import { basename, join } from 'node:path'
import { errnoOf } from './disk.ts'

/** Where damaged things of a root are moved to; never read again, kept for a person to look at. */
export const QUARANTINE = 'quarantine'

/**
 * Moves a damaged entry or record out of the way. Between the look at it and the move another process may have
 * put a sound one in its place, so what was moved is looked at again and put back if it is sound.
 *
 * @param isSound looks at what was moved, by its new path
 * @returns the new path; undefined when nothing damaged was moved, so that it is worth looking once more
 * @throws the system's error when it can't be moved
 */
export function moveAside(
  root: string,
  path: string,
  isSound: (path: string) => boolean,
): string | undefined {
  const folder = join(root, QUARANTINE)
  const aside = join(folder, `${basename(path)}-${randomUUID()}`)
  mkdirSync(folder, { recursive: true })
  try {
    renameSync(path, aside)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined // another process was faster
    throw error
  }
  if (!isSound(aside)) return aside
  try {
    renameSync(aside, path)
  } catch (error) {
    // Somebody published again meanwhile: theirs is as good, ours stays aside.
    if (!['ENOTEMPTY', 'EEXIST', 'EPERM', 'EACCES'].includes(errnoOf(error))) throw error
  }
  return undefined
}
