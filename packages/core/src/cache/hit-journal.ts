import { hash } from 'node:crypto'
import { appendFileSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { parseJson } from '../engines/http/json.ts'
import type { SourceFacts } from '../source/source.ts'
import { readFileOfLimitSync, replaceFileSync, tryTo } from './disk.ts'
import { type EntryFacts, isEntryFacts, isHexDigest, isObject, isSourceFacts } from './entry.ts'
import type { AnswerKey } from './keys.ts'
import { hitsFile } from './layout.ts'

// The short way to a finished file.
//
// Looking a picture up takes three steps from the bytes of its source: the alias, the answer's entry, the output's
// entry. For a build with a thousand cached images that is three thousand small files. This journal remembers where
// the steps led, in one file that is read once:
//
//   <scratch>/v1/hits.jsonl     <check> <json>
//
// A line is only a shortcut, never the truth: what it points to is read, and its digest compared, before it ships, and
// whatever doesn't fit leads back to the three steps. A line that was torn or changed fails its check and is skipped.
// Lines are appended by one write each, so processes may share the file; a later line wins.

/** Where the three steps led. */
export interface Hit {
  readonly answerKey: AnswerKey
  /** SHA-256 of the engine's answer, hex. */
  readonly answer: string
  /** The output's entry. */
  readonly output: EntryFacts
  readonly source: SourceFacts
}

export interface HitJournal {
  find(key: string): Hit | undefined
  /** Adds a line. A journal that can't be written is no reason to stop: it is only slower without. */
  add(key: string, hit: Hit): void
}

/** More lines than this for each that counts, and the journal is written anew. */
const MAX_STALE = 2

/** In bytes. */
export interface JournalLimits {
  /** From here on nothing is added, and whoever opens the journal next keeps its newer half. */
  readonly full: number
  /** What is larger is not read and begun anew. Above `full` by what several processes may add at once. */
  readonly most: number
}

/** Full with some fifty thousand pictures. What has no line takes the three steps, and no memory. */
const LIMITS: JournalLimits = { full: 48 * 1024 * 1024, most: 64 * 1024 * 1024 }

export function openHitJournal(scratchDir: string, limits: JournalLimits = LIMITS): HitJournal {
  const file = hitsFile(scratchDir)
  // Hits of this process; what stands in the file is taken apart when it is asked for.
  const added = new Map<string, Hit>()
  let written: Written | undefined
  let addedBytes = 0

  function read(): Written {
    written ??= readJournal(file, limits)
    return written
  }

  function find(key: string): Hit | undefined {
    const written = read()
    const start = written.starts.get(key)
    return added.get(key) ?? (start === undefined ? undefined : hitAt(written.bytes, start))
  }

  return {
    find,
    add(key, hit) {
      const before = find(key)
      if (before !== undefined && JSON.stringify(before) === JSON.stringify(hit)) return
      if (read().size + addedBytes >= limits.full) return
      added.set(key, hit)
      const line = lineOf(key, hit)
      addedBytes += Buffer.byteLength(line)
      tryTo(() => {
        mkdirSync(dirname(file), { recursive: true })
        appendFileSync(file, line)
      })
    },
  }
}

/** A journal as it was read: some kilobyte a picture, which would take several times as much as objects. */
interface Written {
  readonly bytes: Buffer
  /** Where the last line of a key starts. */
  readonly starts: ReadonlyMap<string, number>
  /** Of the file, which may have been written anew since. */
  readonly size: number
}

const CHECK_LENGTH = 16
const KEY_AT = CHECK_LENGTH + ' {"key":"'.length
const NEW_LINE = 10
const QUOTE = 34

/** The file calls the answer's key `pay`. */
function lineOf(key: string, { answerKey, ...hit }: Hit): string {
  const json = JSON.stringify({ key, pay: answerKey, ...hit })
  return `${checkOf(json)} ${json}\n`
}

const checkOf = (json: string): string => hash('sha256', json, 'hex').slice(0, CHECK_LENGTH)

function readJournal(file: string, { full, most }: JournalLimits): Written {
  let bytes: Buffer = Buffer.alloc(0)
  tryTo(() => {
    const read = readFileOfLimitSync(file, most)
    if (typeof read !== 'string') bytes = read
    else replaceFileSync(file, '')
  })
  const starts = new Map<string, number>()
  let lines = 0
  for (let start = 0, end = 0; end !== -1; start = end + 1) {
    end = bytes.indexOf(NEW_LINE, start)
    if (end === -1) continue
    lines++
    const line = bytes.subarray(start, end)
    const to = line.indexOf(QUOTE, KEY_AT)
    if (to !== -1) starts.set(line.toString('latin1', KEY_AT, to), start)
  }
  let size = bytes.length
  const rewrite = (content: Buffer): void => {
    tryTo(() => {
      replaceFileSync(file, content)
      size = content.length
    })
  }
  if (size >= full) rewrite(newerPart(bytes, full / 2))
  else if (lines > 1000 && lines > starts.size * MAX_STALE) rewrite(soundLines(bytes, starts))
  return { bytes, starts, size }
}

/** The hit of a line; undefined for one that was torn or changed. */
function hitAt(bytes: Buffer, start: number): Hit | undefined {
  const end = bytes.indexOf(NEW_LINE, start)
  const check = bytes.toString('latin1', start, start + CHECK_LENGTH)
  const json = bytes.toString('utf8', start + CHECK_LENGTH + 1, end)
  if (check !== checkOf(json)) return undefined
  const fields = parseJson(json)
  if (!isObject(fields)) return undefined
  const { key: _known, pay: answerKey, ...rest } = fields
  const hit = { answerKey, ...rest }
  return isHit(hit) ? hit : undefined
}

function newerPart(bytes: Buffer, most: number): Buffer {
  const end = bytes.indexOf(NEW_LINE, bytes.length - most)
  return end === -1 ? Buffer.alloc(0) : bytes.subarray(end + 1)
}

/** The last line of each key, but for those that were torn or changed. */
function soundLines(bytes: Buffer, starts: ReadonlyMap<string, number>): Buffer {
  const lines = [...starts.values()]
    .filter(start => hitAt(bytes, start) !== undefined)
    .map(start => bytes.subarray(start, bytes.indexOf(NEW_LINE, start) + 1))
  return Buffer.concat(lines)
}

function isHit(value: Readonly<Record<string, unknown>>): value is Readonly<Record<string, unknown>> & Hit {
  const { answerKey, answer, output, source } = value
  return (
    isHexDigest(answerKey) &&
    isHexDigest(answer) &&
    isObject(output) &&
    isEntryFacts(output) &&
    isObject(source) &&
    isSourceFacts(source)
  )
}
