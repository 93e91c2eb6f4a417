import { isAbsolute, relative, sep } from 'node:path'

/** True for a folder itself and all below it; on Windows not for another drive. Both are absolute, and names only count. */
export function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path)
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}
