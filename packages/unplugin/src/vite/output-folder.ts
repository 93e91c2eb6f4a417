import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
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
 * @param folder absolute
 * @param since when the build began, in milliseconds since the epoch; what is older was left by another one
 */
export function createOutputFolder(folder: string, since: number, rules: LeftoverRules): OutputFolder {
  const noted = new Set<string>()
  const searched = new Map<string, number>()
  return {
    note: name => noted.add(name),
    async look() {
      const names = (await readdir(folder, { recursive: true }).catch(noFolder)).map(name =>
        name.replaceAll('\\', '/'),
      )
      const left: Leftover[] = []
      for (const name of names) {
        if (!isSearched(name) || isBesideOutput(name)) continue
        const file = join(folder, name)
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

function noFolder(error: unknown): string[] {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
  throw error
}
