import { hash } from 'node:crypto'
import { appendFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { parseJson } from '../engines/http/json.ts'
import type { SourceFacts } from '../source/source.ts'
import { readFileOfLimitSync, tryTo } from './disk.ts'
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

/** The largest journal that is read, in bytes: some hundred thousand pictures. */
const MAX_BYTES = 64 * 1024 * 1024

export function openHitJournal(scratchDir: string): HitJournal {
  const file = hitsFile(scratchDir)
  let known: Map<string, Hit> | undefined

  function hits(): Map<string, Hit> {
    known ??= readJournal(file)
    return known
  }

  return {
    find: key => hits().get(key),
    add(key, hit) {
      const before = hits().get(key)
      if (before !== undefined && JSON.stringify(before) === JSON.stringify(hit)) return
      hits().set(key, hit)
      tryTo(() => {
        mkdirSync(dirname(file), { recursive: true })
        appendFileSync(file, lineOf(key, hit))
      })
    },
  }
}

/** The file calls the answer's key `pay`. */
function lineOf(key: string, { answerKey, ...hit }: Hit): string {
  const json = JSON.stringify({ key, pay: answerKey, ...hit })
  return `${checkOf(json)} ${json}\n`
}

const checkOf = (json: string): string => hash('sha256', json, 'hex').slice(0, 16)

function readJournal(file: string): Map<string, Hit> {
  const hits = new Map<string, Hit>()
  let lines: string[] = []
  tryTo(() => {
    const bytes = readFileOfLimitSync(file, MAX_BYTES)
    if (typeof bytes !== 'string') lines = bytes.toString().split('\n')
  })
  for (const line of lines) {
    const json = line.slice(17)
    if (json === '' || line.slice(0, 16) !== checkOf(json)) continue
    const fields = parseJson(json)
    if (!isObject(fields)) continue
    const { key, pay: answerKey, ...rest } = fields
    const hit = { answerKey, ...rest }
    if (typeof key === 'string' && isHit(hit)) hits.set(key, hit)
  }
  if (lines.length > 1000 && lines.length > hits.size * MAX_STALE) tryTo(() => rewrite(file, hits))
  return hits
}

function rewrite(file: string, hits: ReadonlyMap<string, Hit>): void {
  const temporary = `${file}.${process.pid}.${Date.now()}`
  try {
    writeFileSync(temporary, [...hits].map(([key, hit]) => lineOf(key, hit)).join(''), { flag: 'wx' })
    renameSync(temporary, file)
  } finally {
    rmSync(temporary, { force: true })
  }
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
