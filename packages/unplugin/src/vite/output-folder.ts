import type { Dirent } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { isBesideOutput } from 'upscale-toolkit/references/output'
import { findLeftovers, isSearched, type Leftover, type LeftoverRules } from '../leftovers.ts'

/** The folder that a build writes to, with what others wrote into it: pages, and copies of the public folder. */
export interface OutputFolder {
  /** Tells of a file whose text was searched before it was written. */
  note(name: string): void
  /** Searches what was written since the build began and not searched yet. */
  look(): Promise<Leftover[]>
}

/**
 * Takes the time when a build begins. Files carry that of the wall's clock, which somebody may set meanwhile.
 *
 * @returns when it began, in milliseconds since the epoch: by the clock as it is now, or as it was then, whichever is earlier,
 * so that nothing is taken for older that was written since
 */
export function noteBegin(): () => number {
  const [wall, clock] = [Date.now(), performance.now()]
  // File systems keep whole seconds at worst.
  return () => Math.floor(Math.min(wall, Date.now() - (performance.now() - clock)) / 1000) * 1000
}

/**
 * @param folder absolute
 * @param began says when the build began; what is older was left by another one
 */
export function createOutputFolder(folder: string, began: () => number, rules: LeftoverRules): OutputFolder {
  const noted = new Set<string>()
  const searched = new Map<string, number>()
  return {
    note: name => noted.add(name),
    async look() {
      // By their types: without them Node asks the file system about each name.
      const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(noFolder)
      const left: Leftover[] = []
      const since = began()
      for (const { name: last, parentPath } of entries) {
        if (!isSearched(last)) continue
        const file = join(parentPath, last)
        const name = relative(folder, file).replaceAll('\\', '/')
        if (isBesideOutput(name)) continue
        const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: 0 }))
        if (mtimeMs < since || searched.get(name) === mtimeMs) continue
        searched.set(name, mtimeMs)
        // Pages are written again by whoever renders them; what a bundler wrote stays.
        if (noted.delete(name)) continue
        const text = await readFile(file, 'utf8')
        for (const one of await findLeftovers([{ name, text: () => text, isCopy: true }], rules))
          left.push(one)
      }
      return left
    },
  }
}

function noFolder(error: unknown): Dirent[] {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
  throw error
}
