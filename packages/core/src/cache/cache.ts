import { opendirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isUpscaleError } from '../errors.ts'
import { digestOf, SMALL_BYTES } from '../source/pieces.ts'
import { type Stamp, stampOf } from '../source/stamp.ts'
import { isIntact } from './compare.ts'
import { errnoOf, freeBytes, renamePatiently, unreadable, unwritable, whileHeldOpen } from './disk.ts'
import {
  type CacheEntry,
  ENTRY_FILE,
  type EntryFacts,
  type NewEntry,
  parseEntry,
  printEntry,
} from './entry.ts'
import { entryFolder, layoutFolder, shelfFolder } from './layout.ts'
import { knownAnswers, lineOf, listMissing, Manifest } from './manifest.ts'
import type { ManifestLine } from './manifest-text.ts'
import { refuseLinks } from './own-folders.ts'
import { fillFolder, publish, publishAtOnce, withTemporary } from './publish.ts'
import { type CacheEvent, newerFormat, Quarantine } from './quarantine.ts'
import { EntryReader, type Look } from './read-entry.ts'
import { type CacheRecord, parseRecord, printRecord } from './record.ts'
import { type SweepCounts, sweepRoot } from './sweep.ts'

export type { CacheEntry, NewEntry } from './entry.ts'
export type { ManifestLine } from './manifest-text.ts'
export type { CacheEvent } from './quarantine.ts'
export type { CacheRecord } from './record.ts'
export type { SweepCounts } from './sweep.ts'

// The cache on disk.
//
//   <root>/v1/answers/ab/abcd…/{entry.json, answer.png}    what an engine returned
//   <root>/v1/outputs/ab/abcd…/{entry.json, hero-2x.png}   what is handed to the bundler
//   <root>/v1/received/ and rejected/                      answers not looked at yet; answers refused, but paid for
//   <root>/v1/sources/ab/abcd….json                        records: which answer belongs to which source bytes
//   <root>/v1/refusals/ and intents/                       records: what need not be asked again; calls under way
//   <root>/v1/ledger/, hits.jsonl                          what was charged (durable); where lookups led (scratch)
//   <root>/v1/known.txt                                    hits whose files nobody wrote to since (scratch)
//   <root>/manifest.json, manifest.added                   the digests of all answers; durable roots only
//   <root>/tmp/  quarantine/  locks/                       under way; damaged, moved aside; who works on what
//
// It promises three things. A hit is what was stored under exactly this key: entry.json names its key and carries a
// checksum of its own, size and SHA-256 of the image are compared on every read; a finished file that nobody has written
// to since is not read again (known-hits.ts). Nobody ever sees part of an entry: each gets its name by one rename
// (publish.ts). And damage heals: what is found damaged is moved aside and reported once, and counts as a miss, so that
// it is stored again (quarantine.ts).
//
// Anything that can't be read for a reason that says nothing about its content (no permission, a disk error, no free
// file descriptor) stays where it is. In a scratch root it is a miss: making it again costs seconds. In a durable root
// it is an error: a miss would have what is owned bought again. Looking up takes no lock and creates nothing.
//
// In a durable root the answers are also compared with a list that is under version control (manifest.ts).
//
// Not promised: that two answers to one key are alike. The first one stored stays.

/** Shelves of images. */
export type EntryShelf = 'answers' | 'outputs' | 'received' | 'rejected'
/** Shelves of small JSON objects. */
export type RecordShelf = 'sources' | 'refusals' | 'intents'

/** What stands in a record's place; `unusable` is damaged, or of a later format version. */
export type RecordState =
  | { readonly state: 'absent' | 'unusable' }
  | { readonly state: 'sound'; readonly record: CacheRecord }

/** What a purchase looks into. */
const BOUGHT_SHELVES = ['answers', 'received', 'refusals', 'intents'] as const

export interface CacheOptions {
  onEvent(event: CacheEvent): void
  /**
   * True for a scratch root, which may be deleted at will: it gets a CACHEDIR.TAG, and what can't be read is a miss.
   * False for a durable root, which is made to be committed: what can't be read is an error, and so is an answer that
   * the manifest doesn't list.
   */
  readonly tag: boolean
  /** True where an answer of a durable root is an error when there is no manifest. @default false */
  readonly frozen?: boolean
  /** The clock that dates new entries. @default () => new Date() */
  readonly now?: () => Date
}

/**
 * A cache folder. Keys are 64 lower-case hex characters; anything else is a TypeError. When looking up, what can't be
 * used is a miss and an event; only a durable root throws UpscaleError CACHE_UNREADABLE for what can't be read at all.
 */
export interface Cache {
  readonly root: string
  /** An entry by its entry.json alone. The image is not looked at: don't ship what only this has seen. */
  peek(shelf: EntryShelf, key: string): Promise<CacheEntry | undefined>
  /** An entry whose image was read and checked just now. */
  find(shelf: EntryShelf, key: string): Promise<(CacheEntry & { readonly bytes: Uint8Array }) | undefined>
  /**
   * An entry whose facts are known already: its image was read and checked just now. Says nothing about why it can't be
   * used, and leaves everything where it is; {@link find} does that.
   */
  recheck(
    shelf: EntryShelf,
    facts: EntryFacts,
  ): Promise<(CacheEntry & { readonly stamp: Stamp | undefined }) | undefined>
  /**
   * Stores an image, and returns when it is there; in a durable root, when it is safe on the disk. When a sound entry of this key is there already, that
   * one stays and is returned: compare `facts.sha256` where it matters whose it is.
   *
   * @param sha256 of the bytes, hex, where it is known
   * @throws UpscaleError CACHE_UNWRITABLE, with the system's error as the cause
   */
  commit(shelf: EntryShelf, facts: NewEntry, bytes: Uint8Array, sha256?: string): Promise<CacheEntry>
  /**
   * Reads a durable root's manifest where it is large and was not read yet, while the event loop goes round. To be waited
   * for before what asks it: that would read it at once.
   */
  readManifest(): Promise<void> | undefined
  /**
   * What a durable root's manifest says was bought under a key, whether or not it is here.
   *
   * @throws UpscaleError CACHE_UNREADABLE for a manifest that can't be used
   */
  listed(key: string): ManifestLine | undefined
  /**
   * True when there is a manifest, so that what it doesn't list is not vouched for.
   *
   * @throws UpscaleError CACHE_UNREADABLE for a manifest that can't be used
   */
  hasManifest(): boolean
  /**
   * To be called before a look that must see what another machine stored a moment ago: a network file system remembers for
   * seconds that something was not there, until the folder that it is missing in is opened. Never throws.
   */
  refresh(key: string): void
  findRecord(shelf: RecordShelf, key: string): Promise<CacheRecord | undefined>
  /**
   * What stands in a record's place, left there whatever it is: for records whose damage must not be taken for
   * their absence.
   */
  seeRecord(shelf: RecordShelf, key: string): RecordState
  /**
   * Stores a small JSON object, at most some 60 KB; replaces one that was there.
   *
   * @throws UpscaleError CACHE_UNWRITABLE, with the system's error as the cause
   */
  commitRecord(shelf: RecordShelf, key: string, record: CacheRecord): Promise<void>
  /**
   * Removes a record. Does nothing where there is none.
   *
   * @throws UpscaleError CACHE_UNWRITABLE, with the system's error as the cause
   */
  removeRecord(shelf: RecordShelf, key: string): Promise<void>
  /** The file that a record is or would be kept in. */
  recordFile(shelf: RecordShelf, key: string): string
  /**
   * Removes an entry, in one step for whoever reads it. Does nothing where there is none.
   *
   * @throws UpscaleError CACHE_UNWRITABLE, with the system's error as the cause
   */
  remove(shelf: EntryShelf, key: string): Promise<void>
  /**
   * Makes sure that something could be stored now, by storing something: to be called before what can't be kept is
   * bought.
   *
   * @param roomBytes how much space must be free
   * @throws UpscaleError CACHE_UNWRITABLE, with the system's error as the cause
   */
  probe(roomBytes?: number): Promise<void>
  /**
   * To be called when nothing more will be stored. Where something was: makes one file of a large list of paid answers
   * and what was added beside it, and removes what killed processes left behind.
   *
   * @throws UpscaleError CACHE_UNREADABLE, CACHE_UNWRITABLE, CACHE_LOCKED
   */
  close(): Promise<void>
  /** Removes what killed processes left behind more than an hour ago, by the file system's clock. @throws UpscaleError CACHE_UNREADABLE for a link in the place of a folder */
  sweep(): Promise<SweepCounts>
}

/**
 * Opens a cache folder. Nothing on disk is touched before the first call, or created before the first write.
 *
 * @param root an absolute path; need not exist
 */
export function openCache(root: string, options: CacheOptions): Cache {
  return new DiskCache(root, options)
}

class DiskCache implements Cache {
  readonly root: string
  readonly #tag: boolean
  readonly #frozen: boolean
  readonly #now: () => Date
  readonly #reader = new EntryReader()
  readonly #quarantine: Quarantine
  readonly #manifest: Manifest | undefined
  #isLookedAt = false
  #hasWritten = false

  constructor(root: string, { onEvent, tag, frozen = false, now = () => new Date() }: CacheOptions) {
    this.root = root
    this.#tag = tag
    this.#frozen = frozen
    this.#now = now
    this.#quarantine = new Quarantine(root, !tag, onEvent)
    this.#manifest = tag ? undefined : new Manifest(root)
  }

  async peek(shelf: EntryShelf, key: string): Promise<CacheEntry | undefined> {
    const path = this.#path(shelf, key)
    const entry = (await this.#quarantine.lookUp(path, path => this.#reader.entry(path, key)))?.entry
    if (entry !== undefined && shelf === 'answers') this.#vouch(key, entry.facts, path)
    return entry
  }

  async find(
    shelf: EntryShelf,
    key: string,
  ): Promise<(CacheEntry & { readonly bytes: Uint8Array }) | undefined> {
    const path = this.#path(shelf, key)
    const seen = await this.#quarantine.lookUp(path, path => this.#reader.image(path, key))
    if (seen !== undefined && shelf === 'answers') this.#vouch(key, seen.entry.facts, path)
    return seen && { file: seen.entry.file, facts: seen.entry.facts, bytes: seen.bytes }
  }

  async recheck(
    shelf: EntryShelf,
    facts: EntryFacts,
  ): Promise<(CacheEntry & { readonly stamp: Stamp | undefined }) | undefined> {
    const file = join(this.#path(shelf, facts.key), facts.fileName)
    const stamp = stampOf(file)
    return (await isIntact(file, facts)) ? { file, facts, stamp } : undefined
  }

  async commit(shelf: EntryShelf, facts: NewEntry, bytes: Uint8Array, known?: string): Promise<CacheEntry> {
    const { key } = facts
    const folder = this.#path(shelf, key)
    const sha256 = known ?? (await digestOf(bytes))
    const text = printEntry({ ...facts, size: bytes.length, sha256, createdAt: this.#now().toISOString() })
    const stored = parseEntry(text, key)
    if (typeof stored !== 'object') throw new TypeError(`not the facts of an image: ${JSON.stringify(facts)}`)
    const look = (path: string): ReturnType<EntryReader['image']> => this.#reader.image(path, key)
    return await this.#write(async () => {
      const there = await look(folder)
      if (there.state === 'sound') {
        if (shelf === 'answers') this.#vouch(key, there.entry.facts, folder)
        return there.entry
      }
      if (there.state === 'newer') throw newerFormat(folder)
      const files = { [stored.fileName]: bytes, [ENTRY_FILE]: text }
      const ours = { file: join(folder, stored.fileName), facts: stored }
      if (this.#tag && bytes.length <= SMALL_BYTES && publishAtOnce(this.root, folder, files)) return ours
      return await withTemporary(this.root, this.#tag, async temporary => {
        await fillFolder(temporary, files, !this.#tag)
        if (shelf === 'answers')
          await this.#manifest?.list(key, lineOf({ ...facts, sha256 }, facts.boughtFor), () =>
            knownAnswers(shelfFolder(this.root, shelf), this.#reader),
          )
        const clear = () => this.#quarantine.clear(folder, look)
        const winner = await publish(temporary, folder, clear, !this.#tag)
        return winner?.entry ?? ours
      })
    })
  }

  readManifest(): Promise<void> | undefined {
    return this.#manifest?.read()
  }

  listed(key: string): ManifestLine | undefined {
    return this.#manifest?.lines()?.get(key)
  }

  hasManifest(): boolean {
    return this.#manifest?.lines() !== undefined
  }

  refresh(key: string): void {
    const layout = layoutFolder(this.root)
    const entries = BOUGHT_SHELVES.map(shelf => entryFolder(this.root, shelf, key))
    const folders = entries.flatMap(entry => [dirname(dirname(entry)), dirname(entry), entry])
    for (const folder of [this.root, layout, ...folders]) {
      try {
        opendirSync(folder).closeSync()
      } catch {
        // Not there, most often; what can't be opened is told by whoever looks into it.
      }
    }
  }

  async findRecord(shelf: RecordShelf, key: string): Promise<CacheRecord | undefined> {
    return (await this.#quarantine.lookUp(this.recordFile(shelf, key), this.#lookAtRecord(key)))?.record
  }

  seeRecord(shelf: RecordShelf, key: string): RecordState {
    const file = this.recordFile(shelf, key)
    const seen = this.#reader.record(file, key)
    if (seen.state === 'sound' || seen.state === 'absent') return seen
    if (seen.state !== 'unreadable') return { state: 'unusable' }
    if (!this.#tag) throw unreadable(file, seen.cause)
    return { state: 'absent' }
  }

  async commitRecord(shelf: RecordShelf, key: string, record: CacheRecord): Promise<void> {
    const file = this.recordFile(shelf, key)
    const text = printRecord(key, record)
    if (parseRecord(text, key) === undefined) throw new TypeError(`a record of ${text.length} characters`)
    const look = this.#lookAtRecord(key)
    await this.#write(async () => {
      const there = this.#reader.record(file, key)
      if (there.state === 'newer') throw newerFormat(file)
      // A folder that is committed should not change when nothing did.
      if (there.state === 'sound' && text === printRecord(key, there.record)) return
      if (this.#tag && publishAtOnce(this.root, file, text)) return
      await withTemporary(this.root, this.#tag, async temporary => {
        await fillFolder(temporary, { record: text }, !this.#tag)
        const clear = () => this.#quarantine.clear(file, look)
        await publish(join(temporary, 'record'), file, clear, !this.#tag)
      })
    })
  }

  recordFile(shelf: RecordShelf, key: string): string {
    return `${this.#path(shelf, key)}.json`
  }

  async removeRecord(shelf: RecordShelf, key: string): Promise<void> {
    await this.#write(() => whileHeldOpen(() => rm(this.recordFile(shelf, key), { force: true })))
  }

  async remove(shelf: EntryShelf, key: string): Promise<void> {
    const folder = this.#path(shelf, key)
    await this.#write(() =>
      withTemporary(this.root, this.#tag, async temporary => {
        await renamePatiently(folder, join(temporary, key)).catch(error => {
          if (errnoOf(error) !== 'ENOENT') throw error
        })
      }),
    )
  }

  async probe(roomBytes = 0): Promise<void> {
    await this.#write(async () => {
      await withTemporary(this.root, this.#tag, temporary =>
        fillFolder(temporary, { probe: 'x'.repeat(4096) }, !this.#tag),
      )
      const free = await freeBytes(this.root)
      if (free !== undefined && free < roomBytes) throw noRoom(free, roomBytes)
    })
  }

  async close(): Promise<void> {
    if (!this.#hasWritten) return
    await this.#write(async () => this.#manifest?.unite())
    await this.sweep()
  }

  sweep(): Promise<SweepCounts> {
    this.#look()
    return sweepRoot(this.root)
  }

  #vouch(key: string, facts: EntryFacts, folder: string): void {
    if (this.#manifest?.vouchesFor(key, lineOf(facts), folder) !== false) return
    if (this.#frozen) throw listMissing(this.#manifest.file)
    const reason = 'paid answers are used as they are; commit the list that the next purchase begins'
    this.#quarantine.tell({ kind: 'no-manifest', path: this.#manifest.file, reason })
  }

  /** Once, before the first look or write. */
  #look(): void {
    if (this.#isLookedAt) return
    refuseLinks(this.root)
    this.#isLookedAt = true
  }

  #lookAtRecord(key: string): Look<{ readonly state: 'sound'; readonly record: CacheRecord }> {
    return path => this.#reader.record(path, key)
  }

  async #write<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#hasWritten = true
    try {
      this.#look()
      return await work()
    } catch (error) {
      throw isUpscaleError(error) ? error : unwritable(this.root, error)
    }
  }

  #path(shelf: EntryShelf | RecordShelf, key: string): string {
    if (!/^[0-9a-f]{64}$/.test(key)) throw new TypeError(`not a cache key: ${JSON.stringify(key)}`)
    this.#look()
    return entryFolder(this.root, shelf, key)
  }
}

function noRoom(freeBytes: number, roomBytes: number): Error {
  return Object.assign(new Error(`${freeBytes} bytes are free, ${roomBytes} may be needed`), {
    code: 'ENOSPC',
  })
}
