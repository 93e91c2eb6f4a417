import { hash } from 'node:crypto'
import { sep } from 'node:path'
import { isSafeFileName } from '../source/file-name.ts'
import { isFormat } from '../source/format.ts'
import type { SourceFacts, SourceFile } from '../source/source.ts'
import { type Stamp, stampOf } from '../source/stamp.ts'
import { readFileOfLimitSync, replaceFileSync, tryTo } from './disk.ts'
import { type EntryFacts, isChoice } from './entry.ts'
import type { AnswerKey } from './keys.ts'
import { entryIn, knownHitsFile, shelfFolder } from './layout.ts'

// What a request on a file led to need not be found again while nobody writes to that file or to the finished one. As
// git's index does, this remembers what the file system said of both when they were read:
//
//   <scratch>/v1/known.txt     <SHA-256 of the rest>
//                              <request> <path>\t<what is known, in fields that tabs part>
//
// A program can set the time a file was written at, but not the time of its last change (ctime), and a file that was
// put in another's place has another inode. Two writes in one tick of a file system's clock look alike, so what changed
// in the last seconds is not remembered (git's "racily clean" entries:
// https://git-scm.com/docs/racy-git). Where a file system numbers no files, nothing is.
//
// Paths, times and inodes are those of one machine: elsewhere everything is read again. Lines and not JSON: a build that
// asks for a thousand pictures would do little else but parse.

/** A file, and what a request on it led to. */
export interface KnownHit {
  readonly source: KnownSource & SourceFacts
  readonly answerKey: AnswerKey
  /** SHA-256 of the engine's answer, hex. */
  readonly answer: string
  readonly output: FinishedFacts
}

export type KnownSource = Pick<SourceFile, 'file' | 'name' | 'size' | 'digest' | 'format'>

/** What whoever hands out a finished file wants to know of it. */
export type FinishedFacts = Pick<
  EntryFacts,
  'key' | 'fileName' | 'size' | 'sha256' | 'width' | 'height' | 'format' | 'chosen'
>

/** Of the two files, as they were when they were read. */
export interface Stamps {
  readonly source: Stamp
  readonly output: Stamp
}

/** What is known, as it is written down, and whether it was asked for. */
interface Line {
  text: string
  isUsed: boolean
}

/** Remembers hits from process to process. */
export interface KnownHits {
  /**
   * What a request on a file led to, if nobody has written to either file since.
   * @param request names all that counts but the file
   * @param folder where the finished file has a second name (a hard link), which is then looked at in its place: the two
   * have one time of their last change, which a new or a removed name changes too
   * @returns with the absolute path of the finished file
   */
  find(
    file: string,
    request: string,
    folder?: string,
  ): { readonly hit: KnownHit; readonly file: string } | undefined
  /** Remembers a hit, unless one of the files has changed since it was read, or too short a time before. */
  keep(request: string, known: KnownHit, stamps: Stamps): void
  /** Writes down what is new. What can't be written is no reason to stop: the next build reads again. */
  save(): void
}

/** Longer than the tick of any file system's clock (FAT's is 2 s), in milliseconds. */
const RACY_MS = 10_000

/** The most hits that are remembered: some 15 MB. */
const MAX_HITS = 20_000

const MAX_BYTES = 32 * 1024 * 1024

/** @param now this machine's clock, in milliseconds since the epoch */
export function openKnownHits(scratchDir: string, now: () => number = Date.now): KnownHits {
  const list = knownHitsFile(scratchDir)
  // By request and path: what is known, as it stands in a line.
  let known: Map<string, Line> | undefined
  let used = 0
  let isChanged = false

  function all(): Map<string, Line> {
    known ??= read(list)
    return known
  }

  function use(line: Line): void {
    if (!line.isUsed) used++
    line.isUsed = true
  }

  const outputs = shelfFolder(scratchDir, 'outputs')
  // By the entry's own facts: a path that was written down could lead anywhere.
  const fileOf = ({ output }: KnownHit): string => `${entryIn(outputs, output.key)}${sep}${output.fileName}`

  const isAsRead = (file: string, { text, changedMs, isNumbered }: Stamp): boolean =>
    isNumbered && now() - changedMs > RACY_MS && stampOf(file)?.text === text

  return {
    find(path, request, folder) {
      const key = keyOf(path, request)
      const line = all().get(key)
      const parsed = line && parse(path, line.text)
      if (line === undefined || parsed === undefined || stampOf(path)?.text !== parsed.sourceStamp)
        return undefined
      const { hit, outputStamp } = parsed
      const file = fileOf(hit)
      const seen = folder === undefined ? file : `${folder}${sep}${hit.output.fileName}`
      if (stampOf(seen)?.text !== outputStamp) return undefined
      use(line)
      return { hit, file }
    },
    keep(request, hit, stamps) {
      const key = keyOf(hit.source.file, request)
      const isRoom = used < MAX_HITS || all().get(key)?.isUsed === true
      if (!isRoom || !isAsRead(hit.source.file, stamps.source) || !isAsRead(fileOf(hit), stamps.output))
        return
      const text = print(hit, stamps)
      // Names may hold anything; what can't be read back is looked up each time.
      if (key.includes('\t') || `${key}${text}`.includes('\n')) return
      const line = all().get(key) ?? { text, isUsed: false }
      line.text = text
      all().set(key, line)
      use(line)
      isChanged = true
    },
    save() {
      if (!isChanged) return
      isChanged = false
      // Of files that are gone, or were only asked for by another build, some lines stay.
      if (all().size > Math.min(2 * used, MAX_HITS))
        for (const [key, { isUsed }] of all()) if (!isUsed) all().delete(key)
      tryTo(() => write(list, all()))
    },
  }
}

function keyOf(file: string, request: string): string {
  return `${request} ${file}`
}

function print({ source, answerKey, answer, output }: KnownHit, stamps: Stamps): string {
  return [
    stamps.source.text,
    stamps.output.text,
    source.name,
    source.digest,
    source.format,
    String(source.size),
    String(source.width),
    String(source.height),
    source.lossless ? 'lossless' : 'lossy',
    answerKey,
    answer,
    output.key,
    output.fileName,
    output.sha256,
    output.format,
    String(output.size),
    String(output.width),
    String(output.height),
    output.chosen ?? '',
  ].join('\t')
}

const HASH = /^[0-9a-f]{64}$/
const COUNT = /^[1-9]\d{0,14}$/

const FIELDS = 19

/** What {@link print} wrote of a file; undefined for a line that is none of its. */
function parse(
  file: string,
  line: string,
): { readonly hit: KnownHit; readonly sourceStamp: string; readonly outputStamp: string } | undefined {
  const fields = line.split('\t')
  if (fields.length !== FIELDS) return undefined
  const [
    sourceStamp = '',
    outputStamp = '',
    name = '',
    digest = '',
    format = '',
    size = '',
    width = '',
    height = '',
    kind = '',
    answerKey = '',
    answer = '',
    key = '',
    fileName = '',
    sha256 = '',
    outputFormat = '',
    outputSize = '',
    outputWidth = '',
    outputHeight = '',
    chosen = '',
  ] = fields
  const areDigests =
    HASH.test(digest) && HASH.test(answerKey) && HASH.test(answer) && HASH.test(key) && HASH.test(sha256)
  const areSizes =
    COUNT.test(size) &&
    COUNT.test(width) &&
    COUNT.test(height) &&
    COUNT.test(outputSize) &&
    COUNT.test(outputWidth) &&
    COUNT.test(outputHeight)
  if (!areDigests || !areSizes || !isFormat(format) || !isFormat(outputFormat)) return undefined
  if (kind !== 'lossless' && kind !== 'lossy') return undefined
  if (!isSafeFileName(fileName) || !(chosen === '' || isChoice(chosen))) return undefined
  return {
    sourceStamp,
    outputStamp,
    hit: {
      source: {
        file,
        name,
        digest,
        format,
        size: Number(size),
        width: Number(width),
        height: Number(height),
        lossless: kind === 'lossless',
      },
      answerKey: answerKey as AnswerKey,
      answer,
      output: {
        key,
        fileName,
        sha256,
        format: outputFormat,
        size: Number(outputSize),
        width: Number(outputWidth),
        height: Number(outputHeight),
        ...(chosen === '' ? {} : { chosen }),
      },
    },
  }
}

/** The lines by their keys. Each is looked at when it is asked for. */
function read(list: string): Map<string, Line> {
  const lines = new Map<string, Line>()
  tryTo(() => {
    const bytes = readFileOfLimitSync(list, MAX_BYTES)
    if (typeof bytes === 'string') return
    const body = bytes.subarray(DIGEST_LENGTH + 1)
    if (bytes.toString('latin1', 0, DIGEST_LENGTH + 1) !== `${hash('sha256', body, 'hex')}\n`) return
    for (const line of body.toString().split('\n')) {
      const end = line.indexOf('\t')
      if (end > 0) lines.set(line.slice(0, end), { text: line.slice(end + 1), isUsed: false })
    }
  })
  return lines
}

const DIGEST_LENGTH = 64

function write(list: string, lines: ReadonlyMap<string, Line>): void {
  let body = ''
  for (const [key, { text }] of lines) body += `${key}\t${text}\n`
  replaceFileSync(list, `${hash('sha256', body, 'hex')}\n${body}`)
}
