import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { UpscaleError } from '../errors.ts'
import {
  errnoOf,
  readFileOfLimit,
  readFileOfLimitSync,
  renamePatiently,
  stampFrom,
  stampOf,
  syncFolder,
  unreadable,
} from './disk.ts'
import { acquireLock, LOCKS, whileHeld } from './lock/lock.ts'
import { createManifestAdditions, type ManifestAdditions } from './manifest-additions.ts'
import {
  inMemory,
  LARGE_MANIFEST_BYTES,
  type ManifestLine,
  type ManifestLines,
  type ManifestText,
  printLine,
  readManifest,
  readManifestInPieces,
} from './manifest-text.ts'
import { fillFolder, withTemporary } from './publish.ts'
import type { EntryReader } from './read-entry.ts'

// The list of what was bought, in the durable root, made to be committed and to be read in a review (manifest-text.ts).
//
// Where there is a manifest, an answer counts only if its digest is the listed one, whoever put it into the folder:
// a shared cache can lose pictures, but it can't exchange them. And a key that is listed was paid for, so that it is
// not bought again just because its answer is missing here. Nothing that is wrong with a manifest leads to a payment:
// it is an error until a person has mended it.
//
// A line is written before its answer is published. A build that dies in between still has the answer as received,
// and goes on from there; the other order would leave answers that nothing vouches for.
//
// A small list is written anew for each answer. Beside a large one, what is added goes to a file of its own, at the
// price of a line (manifest-additions.ts), until the build ends or that file has become long; then both become one.
// Whoever looks sees both, so a build that dies before that loses nothing.
//
// Where there is none (a cache of an older version, a person who deleted it), answers are taken as they are, with a
// notice. The next one that is bought begins a manifest that lists all that are there.

export const MANIFEST_FILE = 'manifest.json'

/** Some million pictures. */
const MAX_MANIFEST_BYTES = 256 * 1024 * 1024

const LOCK_TIMEOUT_MS = 60_000

/** What is listed: of a file, and of what was added beside it. */
export interface ListedAnswers {
  /** How many lines there are, at least: one that was added may replace another. */
  readonly size: number
  /** @throws UpscaleError CACHE_UNREADABLE for a line that can't be right */
  get(key: string): ManifestLine | undefined
}

export class Manifest {
  readonly file: string
  readonly #root: string
  readonly #additions: ManifestAdditions
  readonly #waiting = new Map<string, ManifestLine>()
  #seen: { readonly stamp: string; readonly text: ManifestText } | undefined
  #lines:
    | { readonly text: ManifestText; readonly added: ManifestLines; readonly list: ListedAnswers }
    | undefined
  #writing: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined
  #reading: Promise<void> | undefined

  /** @param root the durable root */
  constructor(root: string) {
    this.#root = root
    this.file = join(root, MANIFEST_FILE)
    this.#additions = createManifestAdditions(root, reason => unusable(this.#additions.file, reason))
  }

  /**
   * The list. Read once, and again when a file of it was replaced or has grown; otherwise this costs two `stat`.
   *
   * @returns undefined where there is no manifest
   * @throws UpscaleError CACHE_UNREADABLE for one that can't be read or understood
   */
  lines(): ListedAnswers | undefined {
    // In this order: whoever makes one file of both replaces the list before the other goes.
    const added = this.#additions.read()
    const text = this.#text()
    if (text === undefined) return undefined
    if (this.#lines?.text !== text || this.#lines.added !== added)
      this.#lines = { text, added, list: this.#listOf(text, added) }
    return this.#lines.list
  }

  /**
   * Reads a large list that was not read since it was replaced, while the event loop goes round: {@link lines} reads it at
   * once. Costs a `stat`; what can't be read is left to {@link lines}.
   *
   * @returns undefined where there is nothing to wait for
   */
  read(): Promise<void> | undefined {
    const stamp = this.#unreadStamp()
    if (stamp === undefined) return undefined
    this.#reading ??= this.#readInPieces(stamp).finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  /** The stamp of a large list that was not read. */
  #unreadStamp(): string | undefined {
    try {
      const facts = statSync(this.file, { throwIfNoEntry: false })
      if (facts === undefined || facts.size < LARGE_MANIFEST_BYTES) return undefined
      const stamp = stampFrom(facts)
      return stamp === this.#seen?.stamp ? undefined : stamp
    } catch {
      return undefined
    }
  }

  async #readInPieces(stamp: string): Promise<void> {
    const bytes = await readFileOfLimit(this.file, MAX_MANIFEST_BYTES).catch(() => undefined)
    if (bytes === undefined) return
    const text = await readManifestInPieces(bytes)
    if (typeof text !== 'string') this.#seen = { stamp, text }
  }

  #listOf(text: ManifestText, added: ManifestLines): ListedAnswers {
    return {
      size: text.size + added.size,
      get: key => {
        const line = added.get(key) ?? text.get(key)
        if (typeof line === 'string') throw unusable(this.file, line)
        return line
      },
    }
  }

  /**
   * Compares an answer that was found with the list.
   *
   * @returns false where there is no manifest
   * @throws UpscaleError CACHE_UNREADABLE when the list says otherwise
   */
  vouchesFor(key: string, found: ManifestLine, folder: string): boolean {
    const lines = this.lines()
    if (lines === undefined) return false
    const listed = lines.get(key)
    if (listed === undefined) throw unlisted(this.file, folder, key, found)
    if (listed.sha256 !== found.sha256) throw exchanged(this.file, folder)
    return true
  }

  /**
   * Puts an answer on the list and returns when that is on the disk. What is listed at the same time is written
   * together.
   *
   * @param known all answers that are there, asked for when a list is begun
   * @throws UpscaleError CACHE_UNREADABLE, CACHE_LOCKED; the system's error when it can't be written
   */
  list(key: string, line: ManifestLine, known: () => ManifestLines): Promise<void> {
    this.#waiting.set(key, line)
    this.#next ??= this.#writing.then(() => {
      this.#next = undefined
      this.#writing = this.#write(known)
      return this.#writing
    })
    const written = this.#next
    this.#writing = written.catch(() => undefined)
    return written
  }

  /**
   * Makes one file of what was added beside a large list and that list. Does nothing where nothing was.
   *
   * @throws UpscaleError CACHE_UNREADABLE, CACHE_LOCKED; the system's error when it can't be written
   */
  async unite(): Promise<void> {
    if (this.#additions.read().size === 0) return
    await this.#whileLocked(async () => {
      await this.read()
      const text = this.#text()
      if (text !== undefined) await this.#replace(text, new Map())
    })
  }

  async #write(known: () => ManifestLines): Promise<void> {
    const added = new Map(this.#waiting)
    this.#waiting.clear()
    await this.#whileLocked(async () => {
      await this.read()
      const before = this.lines()
      const isListed = ([key, line]: [string, ManifestLine]): boolean =>
        before?.get(key)?.sha256 === line.sha256
      if (before !== undefined && [...added].every(isListed)) return
      const text = this.#text()
      if (text === undefined) await this.#replace(inMemory(known()), added)
      else if (statSync(this.file).size < LARGE_MANIFEST_BYTES || this.#additions.isLong())
        await this.#replace(text, added)
      else await this.#additions.append(added)
    })
  }

  /** Writes the list anew, with what was added beside it. To be called under the lock. */
  async #replace(text: ManifestText, added: ManifestLines): Promise<void> {
    const content = text.with(new Map([...this.#additions.read(), ...added]))
    await withTemporary(this.#root, false, async temporary => {
      await fillFolder(temporary, { [MANIFEST_FILE]: content }, true)
      await renamePatiently(join(temporary, MANIFEST_FILE), this.file)
      await syncFolder(this.#root)
    })
    await this.#additions.remove()
  }

  async #whileLocked(work: () => Promise<void>): Promise<void> {
    const { signal } = new AbortController()
    const file = join(this.#root, LOCKS, 'manifest.lock')
    await whileHeld(await acquireLock(file, { signal, timeoutMs: LOCK_TIMEOUT_MS }), work)
  }

  #text(): ManifestText | undefined {
    try {
      const stamp = stampOf(this.file)
      if (this.#seen?.stamp !== stamp) this.#seen = { stamp, text: this.#read() }
      return this.#seen.text
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined
      throw error instanceof UpscaleError ? error : unreadable(this.file, error)
    }
  }

  #read(): ManifestText {
    const bytes = readFileOfLimitSync(this.file, MAX_MANIFEST_BYTES)
    if (typeof bytes === 'string') throw unusable(this.file, bytes)
    const text = readManifest(bytes)
    if (typeof text === 'string') throw unusable(this.file, text)
    return text
  }
}

/** The line of an answer. */
export function lineOf(
  { sha256, engine, model, width, height }: Omit<ManifestLine, 'source'>,
  source?: string,
): ManifestLine {
  return { sha256, engine, model, width, height, ...(source === undefined ? {} : { source }) }
}

/** All answers on a shelf that are whole by their entry.json, for a manifest that is begun. */
export function knownAnswers(shelf: string, reader: EntryReader): ManifestLines {
  const lines = new Map<string, ManifestLine>()
  const folders = namesIn(shelf, /^[0-9a-f]{2}$/)
  for (const key of folders.flatMap(name => namesIn(join(shelf, name), /^[0-9a-f]{64}$/))) {
    const seen = reader.entry(join(shelf, key.slice(0, 2), key), key)
    if (seen.state === 'sound') lines.set(key, lineOf(seen.entry.facts))
  }
  return lines
}

function namesIn(folder: string, wanted: RegExp): string[] {
  try {
    return readdirSync(folder).filter(name => wanted.test(name))
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error))) return []
    throw error
  }
}

function unusable(file: string, reason: string): UpscaleError {
  return new UpscaleError('CACHE_UNREADABLE', `the list of paid answers can't be used: ${reason}`, {
    file,
    hint: 'mend it or take it from version control; nothing is bought until then',
  })
}

function unlisted(file: string, folder: string, key: string, found: ManifestLine): UpscaleError {
  return new UpscaleError(
    'CACHE_UNREADABLE',
    `${folder} holds an answer that ${MANIFEST_FILE} doesn't list`,
    {
      file,
      hint: `restore the line from version control, or, if this answer can be trusted, add ${printLine(key, found).trimEnd()}`,
    },
  )
}

function exchanged(file: string, folder: string): UpscaleError {
  return new UpscaleError(
    'CACHE_UNREADABLE',
    `${folder} holds another answer than the one that ${MANIFEST_FILE} lists`,
    {
      file,
      hint: 'restore both from version control: one of them was changed without the other. Nothing was bought',
    },
  )
}

/** Why a frozen build takes no answers where their list is missing. */
export function listMissing(file: string): UpscaleError {
  return new UpscaleError(
    'CACHE_UNREADABLE',
    'the list of paid answers is missing, and this build is frozen: nothing says whether the answers are those that were bought',
    {
      file,
      hint: 'restore it from version control; or build once where it is not frozen, look at the pictures, and commit the list that the next purchase begins',
    },
  )
}
