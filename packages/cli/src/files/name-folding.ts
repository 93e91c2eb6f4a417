import { randomUUID } from 'node:crypto'
import { closeSync, existsSync, openSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** A name as file systems see it that don't tell `Hero.png` from `hero.png`, nor one way to write an accent from another. */
export function folded(name: string): string {
  return name.normalize().toLowerCase()
}

/** What systems do most often, for folders in which nothing can be tried. */
const USUALLY_FOLD = ['win32', 'darwin']

/**
 * Whether names that differ in case only are one file in a folder. That is for its file system to say, and on some for the
 * folder itself, so it is tried, in the nearest folder that is there: those that are made below take after it.
 */
export function foldsNames(folder: string): boolean {
  // Its name is that of a temporary file, so that one which a killed run leaves is swept.
  const name = `.upscale-${randomUUID()}`
  try {
    closeSync(openSync(join(folder, name), 'wx'))
  } catch {
    const above = dirname(folder)
    return existsSync(folder) || above === folder
      ? USUALLY_FOLD.includes(process.platform)
      : foldsNames(above)
  }
  try {
    return existsSync(join(folder, name.toUpperCase()))
  } finally {
    rmSync(join(folder, name), { force: true })
  }
}
