import { inPieces } from '../source/pieces.ts'
import { messageOf } from './disk.ts'
import { isNewer, isObject } from './entry.ts'

// The text of the list of paid answers:
//
//   {"manifest": 1
//   ,"3f…": {"sha256":"9a…","engine":"lumenfall","model":"ideogram-upscale","width":96,"height":64,"source":"hero.png"}
//   ,"51…": {…}
//   }
//
// A line for each paid answer, sorted by key. A comma begins a line rather than ends it, so that all lines are alike
// and two branches that bought different pictures merge by themselves.
//
// Any layout is read, since people merge and format it. One that is laid out as above is also looked up without being
// parsed: 200 000 lines are 50 MB, which take seconds to parse and a tenth of that to find the lines in.

const MANIFEST_VERSION = 1

const HEAD = Buffer.from(`{"manifest": ${MANIFEST_VERSION}\n`)
const TAIL = Buffer.from('}\n')

/** From this size on, in bytes, only the lines that are asked for are parsed. Some thousand pictures. */
export const LARGE_MANIFEST_BYTES: number = 256 * 1024

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

export type ManifestLines = ReadonlyMap<string, ManifestLine>

/** A list that was read. */
export interface ManifestText {
  readonly size: number
  /** A text says what is wrong with the line. */
  get(key: string): ManifestLine | string | undefined
  /** The text of this list with other lines, which replace those of the same key. In parts, to be written one after the other. */
  with(lines: ManifestLines): readonly Uint8Array[]
}

/** Reads a list. Total: otherwise what is wrong, in words. Of a large one, a line that is wrong shows when it is asked for. */
export function readManifest(bytes: Buffer): ManifestText | string {
  if (bytes.length < LARGE_MANIFEST_BYTES) return manifestOf(bytes, undefined)
  const finder = createLineFinder(bytes)
  finder.goTo(bytes.length)
  return manifestOf(bytes, finder.lines())
}

/** The same for a large one, while the event loop goes round; only one in another layout is parsed at once. */
export async function readManifestInPieces(bytes: Buffer): Promise<ManifestText | string> {
  const finder = createLineFinder(bytes)
  await inPieces([bytes], (piece, at) => finder.goTo(at + piece.length))
  return manifestOf(bytes, finder.lines())
}

function manifestOf(bytes: Buffer, lines: Uint32Array | undefined): ManifestText | string {
  if (lines !== undefined) return indexed(bytes, lines)
  const parsed = parseManifest(bytes.toString())
  return typeof parsed === 'string' ? parsed : inMemory(parsed)
}

/** A list of lines that are in no file yet. */
export function inMemory(lines: ManifestLines): ManifestText {
  return {
    size: lines.size,
    get: key => lines.get(key),
    with: others => [Buffer.from(printManifest(new Map([...lines, ...others])))],
  }
}

/** The text of a manifest. */
export function printManifest(lines: ManifestLines): string {
  const texts = sorted(lines).map(([key, line]) => printLine(key, line))
  return `${HEAD.toString()}${texts.join('')}}\n`
}

/** One line of a manifest, with its end. */
export function printLine(
  key: string,
  { sha256, engine, model, width, height, source }: ManifestLine,
): string {
  return `,"${key}": ${JSON.stringify({ sha256, engine, model, width, height, source })}\n`
}

/** A line that git leaves where two branches changed the same. */
const CONFLICT = /^(?:<{7}|={7}|>{7}|\|{7})(?:\s|$)/m

/** Reads a manifest, in whatever layout and with whatever line ends. Total: otherwise what is wrong, in words. */
export function parseManifest(text: string): ManifestLines | string {
  const conflict = text.search(CONFLICT)
  if (conflict !== -1)
    return `it has merge-conflict markers (line ${text.slice(0, conflict).split('\n').length})`
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch (error) {
    return `it is not JSON: ${messageOf(error)}`
  }
  if (!isObject(body)) return 'it is not a JSON object'
  const { manifest } = body
  if (isNewer(manifest, MANIFEST_VERSION)) return 'it was written by a later version of this package'
  if (manifest !== MANIFEST_VERSION) return `it does not begin with {"manifest": ${MANIFEST_VERSION}`
  const lines = new Map<string, ManifestLine>()
  for (const key of Object.keys(body)) {
    const value = body[key]
    if (key === 'manifest') continue
    if (!isDigest(key) || !isLine(value)) return cantBeRight(key)
    lines.set(key, value)
  }
  return lines
}

/** Reads lines without what stands around them. Total: otherwise what is wrong, in words. */
export function parseLines(text: string): ManifestLines | string {
  // `{"manifest": 1` and `}` make a whole list of them.
  return parseManifest(`${HEAD.toString()}${text}}`)
}

/** Bytes of a line before its object: `,"`, the key, `": `. */
const KEY_AT = 2
const KEY_END = KEY_AT + 64
const VALUE_AT = KEY_END + 3

interface LineFinder {
  /** Goes over the lines that begin before this index. */
  goTo(end: number): void
  /** Where each line begins, and where the last one ends; undefined for another layout or order. */
  lines(): Uint32Array | undefined
}

function createLineFinder(bytes: Buffer): LineFinder {
  let starts = new Uint32Array(1024)
  let count = 0
  let at = HEAD.length
  let isLaidOut = bytes.subarray(0, HEAD.length).equals(HEAD)

  /** Takes the line that begins here. Returns where it ends; undefined when it is no line that may stand here. */
  function take(): number | undefined {
    const end = bytes.indexOf(NEWLINE, at)
    if (end === -1 || !isKeyed(bytes, at, end)) return undefined
    const previous = starts[count - 1]
    if (previous !== undefined && compareKeys(bytes, previous, bytes, at) >= 0) return undefined
    if (count + 1 === starts.length) {
      const more = new Uint32Array(starts.length * 2)
      more.set(starts)
      starts = more
    }
    starts[count++] = at
    return end + 1
  }

  return {
    goTo(end) {
      while (isLaidOut && at < end && bytes[at] === COMMA) {
        const next = take()
        isLaidOut = next !== undefined
        at = next ?? at
      }
    },
    lines() {
      if (!isLaidOut || bytes.length - at !== TAIL.length || !bytes.subarray(at).equals(TAIL))
        return undefined
      starts[count] = at
      return starts.subarray(0, count + 1)
    },
  }
}

const COMMA = 0x2c
const QUOTE = 0x22
const COLON = 0x3a
const SPACE = 0x20
const OPEN = 0x7b
const CLOSE = 0x7d
const NEWLINE = 0x0a

/** True for `,"<64 characters>": {…}`. */
function isKeyed(bytes: Buffer, at: number, end: number): boolean {
  return (
    end - at > VALUE_AT + 1 &&
    bytes[at + 1] === QUOTE &&
    bytes[at + KEY_END] === QUOTE &&
    bytes[at + KEY_END + 1] === COLON &&
    bytes[at + KEY_END + 2] === SPACE &&
    bytes[at + VALUE_AT] === OPEN &&
    bytes[end - 1] === CLOSE
  )
}

/** A loop, since keys differ in their first characters, and a call of `compare` takes longer than those. */
function compareKeys(one: Buffer, at: number, other: Buffer, otherAt: number): number {
  for (let index = KEY_AT; index < KEY_END; index++) {
    const difference = (one[at + index] as number) - (other[otherAt + index] as number)
    if (difference !== 0) return difference
  }
  return 0
}

function indexed(bytes: Buffer, starts: Uint32Array): ManifestText {
  const size = starts.length - 1
  const startOf = (index: number): number => starts[index] ?? bytes.length

  /** The first line whose key is not before this one. */
  function seek(line: Buffer): number {
    let low = 0
    let high = size
    while (low < high) {
      const middle = (low + high) >> 1
      if (compareKeys(bytes, startOf(middle), line, 0) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  const isAt = (index: number, line: Buffer): boolean =>
    index < size && compareKeys(bytes, startOf(index), line, 0) === 0

  return {
    size,
    get(key) {
      const line = Buffer.from(`,"${key}"`)
      const index = seek(line)
      if (!isAt(index, line)) return undefined
      const found = parseLines(bytes.toString('utf8', startOf(index), startOf(index + 1)))
      return typeof found === 'string' ? found : (found.get(key) ?? cantBeRight(key))
    },
    with(lines) {
      const parts: Buffer[] = []
      let at = 0
      for (const [key, value] of sorted(lines)) {
        const line = Buffer.from(printLine(key, value))
        const index = seek(line)
        parts.push(bytes.subarray(at, startOf(index)), line)
        at = startOf(isAt(index, line) ? index + 1 : index)
      }
      return [...parts, bytes.subarray(at)]
    },
  }
}

function sorted(lines: ManifestLines): [string, ManifestLine][] {
  return [...lines].sort(([one], [other]) => (one < other ? -1 : 1))
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

function cantBeRight(key: string): string {
  return `it has a line that can't be right: ${JSON.stringify(key.slice(0, 70))}`
}
