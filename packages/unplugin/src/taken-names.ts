import { readdirSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { isFile } from './is-file.ts'

/** So many questions about the files of one folder cost more than its list. */
const MANY = 30

/**
 * Whether a path is that of a file, for a build that asks about thousands and runs once: a folder that is asked about
 * often is listed, once.
 */
export function createTakenNames(): (path: string) => boolean {
  const asked = new Map<string, number>()
  const listed = new Map<string, ReadonlySet<string> | undefined>()

  function namesIn(folder: string): ReadonlySet<string> | undefined {
    if (listed.has(folder)) return listed.get(folder)
    const times = (asked.get(folder) ?? 0) + 1
    asked.set(folder, times)
    if (times < MANY) return undefined
    const names = list(folder)
    listed.set(folder, names)
    return names
  }

  return path => {
    const isListed = namesIn(dirname(path))?.has(sameForAll(basename(path))) ?? true
    // A folder may have that name too, and what is one name for a file system may be two for another.
    return isListed && isFile(path)
  }
}

/** @returns undefined for a folder that can't be listed, whose files may be there nevertheless */
function list(folder: string): ReadonlySet<string> | undefined {
  try {
    return new Set(readdirSync(folder).map(sameForAll))
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined
    throw error
  }
}

/** Some file systems tell no case of letters, or write accents in another way than they were given. */
function sameForAll(name: string): string {
  return name.normalize().toLowerCase()
}
