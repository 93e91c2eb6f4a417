import { join, sep } from 'node:path'

// Where things lie below a root of the cache. The version is that of the layout: a later one is another folder, which
// readers of this one never look into.
//
//   v1/<shelf>/ab/abcd…/    an entry: a picture and its entry.json
//   v1/<shelf>/ab/abcd….json  a record
//   v1/ledger/              what paid engines were asked for; durable roots only
//   v1/hits.jsonl           the journal of hits; scratch roots only
//   v1/known.txt            hits whose files nobody wrote to since; scratch roots only

const VERSION = 'v1'

/** The folder of everything that has this layout. */
export function layoutFolder(root: string): string {
  return join(root, VERSION)
}

export function shelfFolder(root: string, shelf: string): string {
  return join(root, VERSION, shelf)
}

/** The folder of an entry. @param key - 64 hex characters */
export function entryFolder(root: string, shelf: string, key: string): string {
  return entryIn(shelfFolder(root, shelf), key)
}

/** The same, by the folder of the shelf. */
export function entryIn(shelf: string, key: string): string {
  return `${shelf}${sep}${key.slice(0, 2)}${sep}${key}`
}

export function ledgerFolder(root: string): string {
  return join(root, VERSION, 'ledger')
}

export function hitsFile(root: string): string {
  return join(root, VERSION, 'hits.jsonl')
}

export function knownHitsFile(root: string): string {
  return join(root, VERSION, 'known.txt')
}
