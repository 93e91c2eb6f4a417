import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { UpscaleError } from '../errors.ts'
import { errnoOf, messageOf, renamePatiently, syncFolder, unreadable } from './disk.ts'
import { isNewer, isObject } from './entry.ts'
import { acquireLock, LOCKS, whileHeld } from './lock/lock.ts'
import { fillFolder, withTemporary } from './publish.ts'
import type { EntryReader } from './read-entry.ts'

// The list of what was bought, in the durable root, made to be committed and to be read in a review:
//
//   {"manifest": 1
//   ,"3f…": {"sha256":"9a…","engine":"lumenfall","model":"ideogram-upscale","width":96,"height":64,"source":"hero.png"}
//   ,"51…": {…}
//   }
//
// A line for each paid answer, sorted by key. A comma begins a line rather than ends it, so that all lines are alike
// and two branches that bought different pictures merge by themselves.
//
// Where there is a manifest, an answer counts only if its digest is the listed one, whoever put it into the folder:
// a shared cache can lose pictures, but it can't exchange them. And a key that is listed was paid for, so that it is
// not bought again just because its answer is missing here. Nothing that is wrong with a manifest leads to a payment:
// it is an error until a person has mended it.
//
// A line is written before its answer is published. A build that dies in between still has the answer as received,
// and goes on from there; the other order would leave answers that nothing vouches for.
//
// Where there is none (a cache of an older version, a person who deleted it), answers are taken as they are, with a
// notice. The next one that is bought begins a manifest that lists all that are there.

export const MANIFEST_FILE = 'manifest.json'

const MANIFEST_VERSION = 1

/** Some 250 000 pictures. */
const MAX_MANIFEST_BYTES = 64 * 1024 * 1024

const LOCK_TIMEOUT_MS = 60_000

/** What is listed of one paid answer. */
export interface ManifestLine {
  /** SHA-256 of the answer's file, hex. */
  readonly sha256: string
  readonly engine: string
  readonly model: string
  /** Pixels of the answer. */
  readonly width: number
  readonly height: number
  /** The source it was first bought for, for people. */
  readonly source?: string
}

type Lines = ReadonlyMap<string, ManifestLine>

export class Manifest {
  readonly file: string
  readonly #root: string
  readonly #waiting = new Map<string, ManifestLine>()
  #seen: { readonly stamp: string; readonly lines: Lines } | undefined
  #writing: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined

  /** @param root the durable root */
  constructor(root: string) {
    this.#root = root
    this.file = join(root, MANIFEST_FILE)
  }

  /**
   * The list. Read and parsed once, and again when the file was replaced; otherwise this costs one `stat`.
   *
   * @returns undefined where there is no manifest
   * @throws UpscaleError CACHE_UNREADABLE for one that can't be read or understood
   */
  lines(): Lines | undefined {
    try {
      const { ino, size, mtimeMs, ctimeMs } = statSync(this.file)
      const stamp = [ino, size, mtimeMs, ctimeMs].join()
      if (this.#seen?.stamp !== stamp) this.#seen = { stamp, lines: this.#read() }
      return this.#seen.lines
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined
      throw error instanceof UpscaleError ? error : unreadable(this.file, error)
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
  list(key: string, line: ManifestLine, known: () => Lines): Promise<void> {
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

  async #write(known: () => Lines): Promise<void> {
    const added = new Map(this.#waiting)
    this.#waiting.clear()
    const { signal } = new AbortController()
    const file = join(this.#root, LOCKS, 'manifest.lock')
    await whileHeld(await acquireLock(file, { signal, timeoutMs: LOCK_TIMEOUT_MS }), async () => {
      const before = this.lines() ?? known()
      const isListed = ([key, line]: [string, ManifestLine]): boolean =>
        before.get(key)?.sha256 === line.sha256
      if (this.lines() !== undefined && [...added].every(isListed)) return
      const text = printManifest(new Map([...before, ...added]))
      await withTemporary(this.#root, false, async temporary => {
        await fillFolder(temporary, { [MANIFEST_FILE]: text }, true)
        await renamePatiently(join(temporary, MANIFEST_FILE), this.file)
        await syncFolder(this.#root)
      })
    })
  }

  #read(): Lines {
    const text = readFileSync(this.file)
    const lines = text.length > MAX_MANIFEST_BYTES ? 'it is too large' : parseManifest(text.toString())
    if (typeof lines === 'string') throw unusable(this.file, lines)
    return lines
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
export function knownAnswers(shelf: string, reader: EntryReader): Lines {
  const lines = new Map<string, ManifestLine>()
  const keys = existsSync(shelf) ? readdirSync(shelf).flatMap(name => readdirSync(join(shelf, name))) : []
  for (const key of keys) {
    const seen = reader.entry(join(shelf, key.slice(0, 2), key), key)
    if (seen.state === 'sound') lines.set(key, lineOf(seen.entry.facts))
  }
  return lines
}

/** The text of a manifest. */
export function printManifest(lines: Lines): string {
  const sorted = [...lines].sort(([one], [other]) => (one < other ? -1 : 1))
  const texts = sorted.map(([key, line]) => `,${printLine(key, line)}\n`)
  return `{"manifest": ${MANIFEST_VERSION}\n${texts.join('')}}\n`
}

function printLine(key: string, { sha256, engine, model, width, height, source }: ManifestLine): string {
  return `"${key}": ${JSON.stringify({ sha256, engine, model, width, height, source })}`
}

/** Reads a manifest, in whatever layout and with whatever line ends. Total: otherwise what is wrong, in words. */
export function parseManifest(text: string): Lines | string {
  const conflict = text.split('\n').findIndex(line => /^(?:<{7}|={7}|>{7}|\|{7})(?:\s|$)/.test(line))
  if (conflict !== -1) return `it has merge-conflict markers (line ${conflict + 1})`
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch (error) {
    return `it is not JSON: ${messageOf(error)}`
  }
  if (!isObject(body)) return 'it is not a JSON object'
  const { manifest, ...entries } = body
  if (isNewer(manifest, MANIFEST_VERSION)) return 'it was written by a later version of this package'
  if (manifest !== MANIFEST_VERSION) return `it does not begin with {"manifest": ${MANIFEST_VERSION}`
  const lines = new Map<string, ManifestLine>()
  for (const [key, value] of Object.entries(entries)) {
    if (!isDigest(key) || !isLine(value))
      return `it has a line that can't be right: ${JSON.stringify(key.slice(0, 70))}`
    lines.set(key, value)
  }
  return lines
}

function isLine(value: unknown): value is ManifestLine {
  return (
    isObject(value) &&
    isDigest(value.sha256) &&
    typeof value.engine === 'string' &&
    typeof value.model === 'string' &&
    Number.isSafeInteger(value.width) &&
    Number.isSafeInteger(value.height) &&
    (value.source === undefined || typeof value.source === 'string')
  )
}

function isDigest(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
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
      hint: `restore the line from version control, or, if this answer can be trusted, add ,${printLine(key, found)}`,
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
