import { hash } from 'node:crypto'
import { join } from 'node:path'
import { isUpscaleError, UpscaleError } from '../errors.ts'
import { errnoOf, messageOf, renamePatiently, unwritable } from './disk.ts'
import { ENTRY_FILE, type EntryFacts, parseEntry, printEntry } from './entry.ts'
import { type Flaw, Inspector } from './inspect.ts'
import { fillFolder, publish, type Verdict, withTemporary } from './publish.ts'
import { moveAside } from './quarantine.ts'
import { type CacheRecord, parseRecord, printRecord } from './record.ts'
import { type SweepCounts, sweepRoot } from './sweep.ts'

// The cache on disk.
//
//   <root>/v1/answers/ab/abcd…/{entry.json, answer.png}    what an engine returned
//   <root>/v1/outputs/ab/abcd…/{entry.json, hero-2x.png}   what is handed to the bundler
//   <root>/v1/sources/ab/abcd….json                        records: which answer belongs to which source bytes
//   <root>/tmp/  quarantine/                               under way; moved aside
//
// It promises three things. A hit is what was stored under exactly this key: entry.json names its key and carries a
// checksum of its own, size and SHA-256 of the image are compared on every read. Nobody ever sees part of an entry:
// each gets its name by one rename (publish.ts). And damage heals: what is found damaged is moved aside and reported
// once, and counts as a miss, so that it is stored again.
//
// Anything that can't be read for a reason that says nothing about its content (no permission, a disk error, no free
// file descriptor) is a miss too, but stays where it is. Looking something up takes no lock and creates nothing.
//
// Not promised: that two engines' answers to one key are alike. The first one stored stays.

export type EntryShelf = 'answers' | 'outputs' | 'received' | 'rejected'
export type RecordShelf = 'sources' | 'refusals'

/** The facts of an image that is about to be stored; the rest is measured. */
export type NewEntry = Omit<EntryFacts, 'size' | 'sha256' | 'createdAt'>

/** One cached image. */
export interface CacheEntry {
  /** Absolute path of the image. */
  readonly file: string
  readonly facts: EntryFacts
}

/** Something a person may want to know; each is told once per path. */
export interface CacheEvent {
  /**
   * - `quarantined`: was damaged, was moved aside, will be made again.
   * - `unwritable`: is damaged and could not be moved aside.
   * - `unreadable`: may be sound, but could not be read; a miss for now.
   * - `newer-format`: was stored by a later version; left alone, a miss.
   */
  readonly kind: 'quarantined' | 'unwritable' | 'unreadable' | 'newer-format'
  readonly path: string
  readonly reason: string
}

export interface CacheOptions {
  onEvent(event: CacheEvent): void
  /** True for a folder that may be deleted at will: it gets a CACHEDIR.TAG. False: it is made to be committed. */
  readonly tag: boolean
  /** The clock that dates new entries. @default () => new Date() */
  readonly now?: () => Date
}

export interface Cache {
  readonly root: string
  /** An entry by its entry.json alone. The image is not looked at: don't ship what only this has seen. */
  peek(shelf: EntryShelf, key: string): CacheEntry | undefined
  /** An entry whose image was read and checked just now. */
  find(shelf: EntryShelf, key: string): (CacheEntry & { readonly bytes: Uint8Array }) | undefined
  /**
   * Stores an image, and returns when it is safe on the disk. When a sound entry of this key is there already, that
   * one stays and is returned: compare `facts.sha256` where it matters whose it is.
   *
   * @throws UpscaleError CACHE_UNWRITABLE, with the system's error as the cause
   */
  commit(shelf: EntryShelf, facts: NewEntry, bytes: Uint8Array): Promise<CacheEntry>
  /**
   * Removes an entry, if it is there.
   *
   * @throws UpscaleError CACHE_UNWRITABLE
   */
  remove(shelf: EntryShelf, key: string): Promise<void>
  /**
   * Writes and removes a small file, to learn whether anything can be kept here.
   *
   * @throws UpscaleError CACHE_UNWRITABLE
   */
  probe(): Promise<void>
  /** The path of a record, whether it is there or not; for telling a person what to delete. */
  recordFile(shelf: RecordShelf, key: string): string
  findRecord(shelf: RecordShelf, key: string): CacheRecord | undefined
  /**
   * Stores a small JSON object, at most some 60 KB; replaces one that was there.
   *
   * @throws UpscaleError CACHE_UNWRITABLE, with the system's error as the cause
   */
  commitRecord(shelf: RecordShelf, key: string, record: CacheRecord): Promise<void>
  /** Removes what killed processes left behind more than an hour ago, by the file system's clock. Never throws. */
  sweep(): Promise<SweepCounts>
}

/**
 * Opens a cache folder. Nothing on disk is touched before the first call, or created before the first commit.
 *
 * @param root an absolute path; need not exist
 */
export function openCache(root: string, options: CacheOptions): Cache {
  return new DiskCache(root, options)
}

class DiskCache implements Cache {
  readonly root: string
  readonly #options: CacheOptions
  readonly #inspector = new Inspector()
  readonly #told = new Set<string>()

  constructor(root: string, options: CacheOptions) {
    this.root = root
    this.#options = options
  }

  peek(shelf: EntryShelf, key: string): CacheEntry | undefined {
    const folder = this.#folder(shelf, key)
    const seen = this.#lookUp(folder, path => this.#inspector.entry(path, key))
    return seen?.entry
  }

  find(shelf: EntryShelf, key: string): (CacheEntry & { readonly bytes: Uint8Array }) | undefined {
    const folder = this.#folder(shelf, key)
    const seen = this.#lookUp(folder, path => this.#inspector.image(path, key))
    return seen && { file: seen.entry.file, facts: seen.entry.facts, bytes: seen.bytes }
  }

  async commit(shelf: EntryShelf, facts: NewEntry, bytes: Uint8Array): Promise<CacheEntry> {
    const { key } = facts
    const folder = this.#folder(shelf, key)
    const text = printEntry({
      ...facts,
      size: bytes.length,
      sha256: hash('sha256', bytes, 'hex'),
      createdAt: (this.#options.now?.() ?? new Date()).toISOString(),
    })
    const stored = parseEntry(text, key)
    if (typeof stored !== 'object') throw new TypeError(`not the facts of an image: ${JSON.stringify(facts)}`)

    const settle = (): Verdict<CacheEntry> => {
      const seen = this.#settle(folder, path => this.#inspector.image(path, key))
      return seen === undefined ? 'retry' : { winner: seen.entry }
    }
    return await this.#write(async () => {
      const there = this.#inspector.image(folder, key)
      if (there.state === 'sound') return there.entry
      if (there.state === 'newer') throw newer(folder)
      return await withTemporary(this.root, this.#options.tag, async temporary => {
        await fillFolder(temporary, { [stored.fileName]: bytes, [ENTRY_FILE]: text })
        const winner = await publish(temporary, folder, settle)
        return winner ?? { file: join(folder, stored.fileName), facts: stored }
      })
    })
  }

  async remove(shelf: EntryShelf, key: string): Promise<void> {
    const folder = this.#folder(shelf, key)
    await this.#write(() =>
      withTemporary(this.root, this.#options.tag, async temporary => {
        // Out of sight at once: a reader must not meet an entry whose files are going one by one.
        await renamePatiently(folder, join(temporary, 'removed')).catch(error => {
          if (errnoOf(error) !== 'ENOENT') throw error
        })
      }),
    )
  }

  async probe(): Promise<void> {
    await this.#write(() =>
      withTemporary(this.root, this.#options.tag, temporary => fillFolder(temporary, { probe: 'room?' })),
    )
  }

  recordFile(shelf: RecordShelf, key: string): string {
    return this.#file(shelf, key)
  }

  findRecord(shelf: RecordShelf, key: string): CacheRecord | undefined {
    const file = this.#file(shelf, key)
    return this.#lookUp(file, path => this.#inspector.record(path, key))?.record
  }

  async commitRecord(shelf: RecordShelf, key: string, record: CacheRecord): Promise<void> {
    const file = this.#file(shelf, key)
    const text = printRecord(key, record)
    if (parseRecord(text, key) === undefined) throw new TypeError('the record is too large')
    const settle = (): Verdict<true> => {
      const seen = this.#settle(file, path => this.#inspector.record(path, key))
      return seen === undefined ? 'retry' : { winner: true }
    }
    await this.#write(async () => {
      const there = this.#inspector.record(file, key)
      if (there.state === 'newer') throw newer(file)
      // A folder that is committed should not change when nothing did.
      if (there.state === 'sound' && text === printRecord(key, there.record)) return
      await withTemporary(this.root, this.#options.tag, async temporary => {
        await fillFolder(temporary, { record: text })
        await publish(join(temporary, 'record'), file, settle)
      })
    })
  }

  sweep(): Promise<SweepCounts> {
    return sweepRoot(this.root)
  }

  /** Looks, and moves aside what is damaged. */
  #lookUp<Seen extends { readonly state: 'sound' }>(path: string, look: Look<Seen>): Seen | undefined {
    let seen = look(path)
    // Another process may have replaced the entry between our opening one of its files and the next.
    if (seen.state === 'damaged') seen = look(path)
    if (seen.state === 'damaged' && !this.#moveAside(path, look, seen.reason)) seen = look(path)
    switch (seen.state) {
      case 'sound':
        return seen
      case 'newer':
        this.#tell({ kind: 'newer-format', path, reason: NEWER })
        return undefined
      case 'unreadable':
        this.#tell({ kind: 'unreadable', path, reason: seen.reason })
        return undefined
      default:
        return undefined
    }
  }

  /** Something is where a commit wants to put its own. Sound: take it. Else it is out of the way afterwards. */
  #settle<Seen extends { readonly state: 'sound' }>(path: string, look: Look<Seen>): Seen | undefined {
    const seen = look(path)
    if (seen.state === 'sound') return seen
    if (seen.state === 'newer') throw newer(path)
    if (seen.state === 'unreadable' && ['EMFILE', 'ENFILE'].includes(errnoOf(seen.cause))) return undefined
    // Whatever it is, it can't be read and its replacement is at hand. Moving it loses nothing.
    const aside = moveAside(this.root, path, moved => look(moved).state === 'sound')
    if (aside !== undefined)
      this.#tellMoved(path, aside, 'reason' in seen ? seen.reason : 'it has no entry.json')
    return undefined
  }

  /** False when there was nothing damaged to move after all. */
  #moveAside<Seen extends { readonly state: 'sound' }>(
    path: string,
    look: Look<Seen>,
    reason: string,
  ): boolean {
    try {
      const aside = moveAside(this.root, path, moved => look(moved).state === 'sound')
      if (aside !== undefined) this.#tellMoved(path, aside, reason)
      return aside !== undefined
    } catch (error) {
      const why = `${reason}, and it could not be moved aside: ${messageOf(error)}`
      this.#tell({ kind: 'unwritable', path, reason: why })
      return true
    }
  }

  #tellMoved(path: string, aside: string, reason: string): void {
    this.#tell({ kind: 'quarantined', path, reason: `${reason}; moved to ${aside}` })
  }

  #tell(event: CacheEvent): void {
    const once = `${event.kind} ${event.path}`
    if (this.#told.has(once)) return
    this.#told.add(once)
    this.#options.onEvent(event)
  }

  async #write<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work()
    } catch (error) {
      throw isUpscaleError(error) ? error : unwritable(this.root, error)
    }
  }

  #file(shelf: RecordShelf, key: string): string {
    return `${this.#folder(shelf, key)}.json`
  }

  #folder(shelf: EntryShelf | RecordShelf, key: string): string {
    if (!/^[0-9a-f]{64}$/.test(key)) throw new TypeError(`not a cache key: ${JSON.stringify(key)}`)
    return join(this.root, 'v1', shelf, key.slice(0, 2), key)
  }
}

type Look<Seen> = (path: string) => Flaw | Seen

const NEWER = 'it was stored by a later version of this package'

function newer(path: string): UpscaleError {
  return new UpscaleError('CACHE_UNWRITABLE', `could not write to the cache: ${NEWER}`, {
    file: path,
    hint: 'update this package, or remove that entry.',
  })
}
