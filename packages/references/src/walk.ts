import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isSource } from './source-text.ts'

/** Folders that hold what builds wrote. */
const OUTPUT_FOLDERS = new Set(['node_modules', 'dist', 'build', 'out', 'coverage'])

/**
 * Every source file of a project, absolute. Folders whose name starts with a dot, `node_modules` and the usual names of
 * output folders are left out.
 *
 * @param skip more folders to leave out, absolute
 */
export async function* sourcesIn(
  folder: string,
  skip: ReadonlySet<string> = new Set(),
): AsyncGenerator<string> {
  const entries = await readdir(folder, { withFileTypes: true })
  entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  for (const entry of entries) {
    const path = join(folder, entry.name)
    const isLeftOut = entry.name.startsWith('.') || OUTPUT_FOLDERS.has(entry.name) || skip.has(path)
    if (entry.isDirectory() && !isLeftOut) yield* sourcesIn(path, skip)
    else if (entry.isFile() && isSource(entry.name)) yield path
  }
}
