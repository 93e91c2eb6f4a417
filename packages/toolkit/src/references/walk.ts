import { readdir } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
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
    if (entry.isDirectory() && !isLeftOut(entry.name) && !skip.has(path)) yield* sourcesIn(path, skip)
    else if (entry.isFile() && isSource(entry.name)) yield path
  }
}

/** True for a file that {@link sourcesIn} would find. */
export function isSourceIn(folder: string, file: string): boolean {
  const parts = relative(folder, file).split(sep)
  const name = parts.pop() ?? ''
  return isSource(name) && !parts.some(isLeftOut)
}

function isLeftOut(folderName: string): boolean {
  return folderName.startsWith('.') || OUTPUT_FOLDERS.has(folderName)
}
