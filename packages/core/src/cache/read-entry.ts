import { statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { SMALL_BYTES } from '../source/pieces.ts'
import { digestNow } from './compare.ts'
import { errnoOf, messageOf, readExact, readPageSync } from './disk.ts'
import { type CacheEntry, ENTRY_FILE, parseEntry } from './entry.ts'
import { MAX_ENVELOPE_BYTES } from './envelope.ts'
import { type CacheRecord, parseRecord } from './record.ts'

/** Why something on disk can't be used. */
export type Flaw =
  | { readonly state: 'absent' }
  /** Sound, but of a later format version: somebody else's, to be left alone. */
  | { readonly state: 'newer' }
  /** Certainly not what was stored. */
  | { readonly state: 'damaged'; readonly reason: string }
  /** Nothing is known about it: no permission, no descriptor left, a disk error. */
  | { readonly state: 'unreadable'; readonly reason: string; readonly cause: unknown }

export type SeenEntry = Flaw | { readonly state: 'sound'; readonly entry: CacheEntry }
export type SeenImage =
  | Flaw
  | { readonly state: 'sound'; readonly entry: CacheEntry; readonly bytes: Uint8Array }
export type SeenRecord = Flaw | { readonly state: 'sound'; readonly record: CacheRecord }

/** Looks at a path. Never throws. */
export type Look<Sound> = (path: string) => Flaw | Sound | Promise<Flaw | Sound>

/** What an open or a read says when something else is in a file's place: a folder, a loop of links, a pipe. */
const MISPLACED = new Set(['EISDIR', 'ENOTDIR', 'ELOOP', 'ENXIO', 'EAGAIN', 'ENODEV'])

/**
 * Looks at what is on disk and says what it is, without changing anything. Every failure has a place in
 * {@link Flaw}; none is thrown.
 */
export class EntryReader {
  // One page for all small files: nothing here waits, so that no two reads can meet in it.
  readonly #page = Buffer.allocUnsafeSlow(MAX_ENVELOPE_BYTES + 1)

  /** An entry by its entry.json alone. */
  entry(folder: string, key: string): SeenEntry {
    const facts = this.#small(join(folder, ENTRY_FILE), text => parseEntry(text, key))
    if ('state' in facts) return facts
    return { state: 'sound', entry: { file: join(folder, facts.value.fileName), facts: facts.value } }
  }

  /** An entry and its image, both checked. */
  async image(folder: string, key: string): Promise<SeenImage> {
    const seen = this.entry(folder, key)
    if (seen.state !== 'sound') return seen
    const { file, facts } = seen.entry
    try {
      // Not from Node's shared pool: callers may transfer the memory to a worker.
      const bytes = Buffer.allocUnsafeSlow(facts.size)
      const read =
        facts.size > SMALL_BYTES ? await readExact(file, facts.size, bytes) : digestNow(file, bytes)
      if ('flaw' in read) return { state: 'damaged', reason: `${facts.fileName} ${read.flaw}` }
      if (read.digest !== facts.sha256) {
        return { state: 'damaged', reason: `${facts.fileName} has another SHA-256 than when it was stored` }
      }
      return { state: 'sound', entry: seen.entry, bytes }
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return { state: 'damaged', reason: `${facts.fileName} is missing` }
      return flawOf(error)
    }
  }

  record(file: string, key: string): SeenRecord {
    const seen = this.#small(file, text => parseRecord(text, key))
    return 'state' in seen ? seen : { state: 'sound', record: seen.value }
  }

  #small<Value>(
    file: string,
    parse: (text: Uint8Array) => Value | 'newer' | undefined,
  ): Flaw | { readonly value: Value } {
    try {
      const text = readPageSync(file, this.#page)
      const value = text === undefined ? undefined : parse(text)
      if (value === 'newer') return { state: 'newer' }
      if (value === undefined) return { state: 'damaged', reason: 'the record of this key is damaged' }
      return { value }
    } catch (error) {
      if (errnoOf(error) === 'ENOENT' && process.platform === 'win32' && isFile(dirname(file)))
        return { state: 'damaged', reason: 'a file is in the place of its folder' }
      return flawOf(error)
    }
  }
}

/** Windows says of what lies below a file that it is absent; other systems say that the file is no folder. */
function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
}

function flawOf(error: unknown): Flaw {
  const errno = errnoOf(error)
  if (errno === 'ENOENT') return { state: 'absent' }
  if (MISPLACED.has(errno)) return { state: 'damaged', reason: `something else is in its place (${errno})` }
  return { state: 'unreadable', reason: messageOf(error), cause: error }
}
