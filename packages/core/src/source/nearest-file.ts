import { readdirSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { distance } from 'fastest-levenshtein'

/** Folders of more are not searched: what names a file is told of, whatever it takes to look. */
const MOST_NAMES = 10_000
/** How many letters may differ. */
const MOST_LETTERS = 2

/**
 * The name of a file that lies where one is missing and was probably meant: in other letters, with its percent-encoding taken
 * for a part of its name, or with a letter or two that differ. Total.
 */
export function nearestFile(missing: string): string | undefined {
  const name = basename(missing)
  const names = namesIn(dirname(missing))
  const lower = name.toLowerCase()
  const decoded = decodedOf(name)
  const isSame = (one: string): boolean => one === decoded || one.toLowerCase() === lower
  // Of short names, two letters are most.
  const most = Math.min(MOST_LETTERS, Math.floor(name.length / 4))
  return names.find(isSame) ?? names.find(one => distance(one.toLowerCase(), lower) <= most)
}

function namesIn(folder: string): string[] {
  try {
    const files = readdirSync(folder, { withFileTypes: true }).filter(entry => !entry.isDirectory())
    return files.length > MOST_NAMES ? [] : files.map(entry => entry.name).sort()
  } catch {
    return []
  }
}

function decodedOf(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}
