import type { Dirent } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { CacheRecord, EntryShelf, RecordShelf } from './cache.ts'
import type { EntryFacts } from './entry.ts'
import { entryFolder, shelfFolder } from './layout.ts'
import { EntryReader } from './read-entry.ts'

// The cache as its owner sees it: everything that is in it, whatever it was made for. Looking through it changes
// nothing, moves nothing aside and makes nothing; what can't be used is told, never thrown.

/** `durable` holds what cost money, `scratch` what can be made again. */
export type RootName = 'durable' | 'scratch'

export type { EntryShelf, RecordShelf } from './cache.ts'
export type { EntryFacts } from './entry.ts'

/** A picture in the cache. */
export interface ArchivedImage {
  readonly root: RootName
  readonly shelf: EntryShelf
  /** The folder of the picture and its entry.json, absolute. */
  readonly folder: string
  /** Undefined when entry.json can't be used. */
  readonly facts: EntryFacts | undefined
}

/** A small record in the cache, of which only its kind and its soundness mean something to others. */
export interface ArchivedRecord {
  readonly root: RootName
  readonly shelf: RecordShelf
  /** Absolute. */
  readonly file: string
  readonly key: string
  /** Undefined when the file can't be used. */
  readonly record: CacheRecord | undefined
}

/** The two roots of the cache, absolute. */
export interface CacheFolders {
  readonly cacheDir: string
  readonly scratchDir: string
}

export interface Archive {
  /** The two roots, absolute. */
  readonly roots: Readonly<Record<RootName, string>>
  /** Pictures, one folder after the other, durable ones first. @param shelves - all unless given */
  images(shelves?: readonly EntryShelf[]): AsyncGenerator<ArchivedImage>
  /** Records, one folder after the other. */
  records(): AsyncGenerator<ArchivedRecord>
  /** Reads a picture. Why it is not what was stored; undefined when it is. */
  damageOf(image: ArchivedImage): Promise<string | undefined>
  /** The facts of an engine's answer, whichever root has it. @param key - 64 hex characters */
  answer(key: string): EntryFacts | undefined
}

const ENTRY_SHELVES: readonly EntryShelf[] = ['answers', 'outputs', 'received', 'rejected']
const RECORD_SHELVES: readonly RecordShelf[] = ['sources', 'refusals', 'intents']

/**
 * Opens a cache for looking at it. Neither folder need exist.
 *
 * @param folders - the two roots; `upscaler.options` has them
 * @example
 * const archive = openArchive(createUpscaler().options)
 * for await (const { facts } of archive.images(['answers'])) console.log(facts?.engine, facts?.costMicros)
 */
export function openArchive({ cacheDir, scratchDir }: CacheFolders): Archive {
  const roots: Readonly<Record<RootName, string>> = { durable: cacheDir, scratch: scratchDir }
  const names: readonly RootName[] = ['durable', 'scratch']
  const reader = new EntryReader()

  async function* images(shelves: readonly EntryShelf[] = ENTRY_SHELVES): AsyncGenerator<ArchivedImage> {
    for (const root of names) {
      for (const shelf of shelves) {
        for await (const { path, name } of listKeys(shelfFolder(roots[root], shelf), /^[0-9a-f]{64}$/)) {
          const seen = reader.entry(path, name)
          const facts = seen.state === 'sound' ? seen.entry.facts : undefined
          yield { root, shelf, folder: path, facts }
        }
      }
    }
  }

  function findAnswer(key: string): EntryFacts | undefined {
    for (const root of names) {
      const seen = reader.entry(entryFolder(roots[root], 'answers', key), key)
      if (seen.state === 'sound') return seen.entry.facts
    }
    return undefined
  }

  async function* records(): AsyncGenerator<ArchivedRecord> {
    for (const root of names) {
      for (const shelf of RECORD_SHELVES) {
        for await (const { path, name } of listKeys(
          shelfFolder(roots[root], shelf),
          /^[0-9a-f]{64}\.json$/,
        )) {
          const key = name.slice(0, 64)
          const seen = reader.record(path, key)
          yield { root, shelf, file: path, key, record: seen.state === 'sound' ? seen.record : undefined }
        }
      }
    }
  }

  return {
    roots,
    images,
    records,
    async damageOf({ folder }) {
      const seen = await reader.image(folder, folder.slice(-64))
      if (seen.state === 'sound') return undefined
      if (seen.state === 'absent') return 'entry.json is missing'
      return seen.state === 'newer' ? 'it was stored by a later version of this package' : seen.reason
    },
    answer: findAnswer,
  }
}

/** What lies on a shelf under the name of a key: `<shelf>/ab/abcd…`. */
async function* listKeys(
  shelf: string,
  wanted: RegExp,
): AsyncGenerator<{ readonly path: string; readonly name: string }> {
  for (const group of await list(shelf)) {
    if (!/^[0-9a-f]{2}$/.test(group.name)) continue
    for (const { name } of await list(join(shelf, group.name))) {
      if (wanted.test(name)) yield { path: join(shelf, group.name, name), name }
    }
  }
}

async function list(folder: string): Promise<Dirent[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch {
    return [] // there is no such shelf yet, most often
  }
}
