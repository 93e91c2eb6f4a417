import { statSync } from 'node:fs'

/** Of names that can be no path: the ids of virtual modules, and what a `data:` address holds. */
const NO_PATH: ReadonlySet<unknown> = new Set(['ENAMETOOLONG', 'ERR_INVALID_ARG_VALUE'])

/** True for a file that exists; false as well for a text that can be no path. */
export function isFile(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
  } catch (error) {
    if (error instanceof Error && 'code' in error && NO_PATH.has(error.code)) return false
    throw error
  }
}
