import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { UpscaleError } from '../errors.ts'
import { layoutFolder, ledgerFolder, shelfFolder } from './layout.ts'

// A root that is committed comes with every pull request, and git keeps links. One in the place of a folder of ours would
// have this machine write, move and delete somewhere else.

const SHELVES = ['answers', 'outputs', 'received', 'rejected', 'sources', 'refusals', 'intents'] as const

/**
 * Looks whether the folders of a root are folders. The root itself may be a link: that is for who owns the machine.
 *
 * @throws UpscaleError CACHE_UNREADABLE for a link
 */
export function refuseLinks(root: string): void {
  const folders = [
    ...['tmp', 'locks', 'quarantine'].map(name => join(root, name)),
    layoutFolder(root),
    ...SHELVES.map(shelf => shelfFolder(root, shelf)),
    ledgerFolder(root),
  ]
  const link = folders.find(folder => isLink(folder))
  if (link === undefined) return
  throw new UpscaleError('CACHE_UNREADABLE', 'it is a link, and leads out of the cache', {
    file: link,
    hint: 'remove it; to keep the whole cache elsewhere, set `cacheDir`. Nothing was read or written through it',
  })
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true
  } catch {
    return false // what can't be looked at is told by whoever uses it
  }
}
