import { randomUUID } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readdirSync, readSync, rmSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Cache } from '../cache/cache.ts'
import { readFileOfLimitSync } from '../cache/disk.ts'
import type { AnswerKey } from '../cache/keys.ts'
import { TMP } from '../cache/publish.ts'
import type { ResponseHead, ServiceResponse } from '../engines/engine.ts'
import { unpacked } from '../engines/http/content-encoding.ts'
import { parseJson } from '../engines/http/json.ts'
import { safeText } from '../safe-text.ts'
import { inPieces, joinPieces } from '../source/pieces.ts'
import { record } from '../validate.ts'

// The response to an order, on the disk while it comes.
//
//   <root>/tmp/<key>-<uuid>.response     a line of JSON with status and headers, then the body as it came
//
// Each piece is written in the turn of the event loop that brought it, before anything looks at it: what a killed process
// had read, the next build finds. So these writes wait for no thread and for no sync; a power cut may lose them. The file
// has no end mark: a body that is whole is told by what it is, as for one whose connection was closed without a length.
//
// The file goes once the answer is stored, or once what came is kept elsewhere. A sweep leaves it alone.

/** Headers that say what a response is, and which request it answers. No other is written to disk. */
const HEADERS = ['content-type', 'content-encoding', 'x-request-id', 'x-lumenfall-request-id']

const SUFFIX = '.response'

/** Above what any engine reads. */
const MAX_RESPONSE_BYTES = 512 * 1024 * 1024

const MAX_HEAD_BYTES = 4096

/** What one call was answered. */
export interface ResponseFile {
  /** Takes the head of a response; returns what takes its body, piece by piece. Neither throws. */
  begin(head: ResponseHead): (piece: Uint8Array) => void
  /** What came so far; empty when nothing did. */
  body(): Promise<Buffer>
  /** The file, where the disk took all that came. */
  file(): string | undefined
  /** Removes the file. Never throws: a leftover does no harm. */
  remove(): void
}

/** Where the response to an order for this picture will be kept. Creates nothing yet. */
export function createResponseFile({ root }: Pick<Cache, 'root'>, answerKey: AnswerKey): ResponseFile {
  const file = join(root, TMP, `${answerKey}-${randomUUID()}${SUFFIX}`)
  let descriptor: number | undefined
  let bodyAt = 0
  let length = 0
  /** The body, where the disk does not take it. */
  let held: Uint8Array[] | undefined
  let secrets: readonly string[] = []

  function write(bytes: Uint8Array, at: number): void {
    if (descriptor === undefined) return
    for (let done = 0; done < bytes.length; )
      done += writeSync(descriptor, bytes, done, bytes.length - done, at + done)
  }

  /** Fills a piece of the body that begins at `at`. What the disk no longer has stays zero. */
  function readBack(piece: Uint8Array, at: number): void {
    if (descriptor === undefined) return
    for (let done = 0; done < piece.length; ) {
      const count = readSync(descriptor, piece, done, piece.length - done, bodyAt + at + done)
      if (count === 0) return
      done += count
    }
  }

  function close(): void {
    if (descriptor !== undefined) closeSync(descriptor)
    descriptor = undefined
  }

  return {
    begin({ status, headers, secrets: words }) {
      this.remove()
      secrets = words
      length = 0
      held = undefined
      const text = `${JSON.stringify({ response: 1, status, headers: pickHeaders(headers, secrets) })}\n`
      bodyAt = Buffer.byteLength(text)
      try {
        mkdirSync(join(root, TMP), { recursive: true })
        descriptor = openSync(file, 'wx+')
        write(Buffer.from(text), 0)
      } catch {
        // A disk that takes nothing is reported by whoever stores the answer; it must not end the call.
        held = []
      }
      const hide = hider(secrets)
      return raw => {
        const { piece, hidden } = hide(raw)
        try {
          if (held === undefined) {
            write(piece, bodyAt + length)
            for (const { back, bytes } of hidden) write(bytes, bodyAt + length - back)
          }
        } catch {
          const before = Buffer.alloc(length)
          readBack(before, 0)
          held = [before]
          // Half of a response is of no use to anybody, and takes room that the answer may need.
          this.remove()
        }
        held?.push(piece)
        length += piece.length
      }
    },
    async body() {
      const body = held === undefined ? Buffer.alloc(length) : await joinPieces(held)
      const hide = hider(secrets)
      await inPieces([body], (raw, at) => {
        if (held === undefined) readBack(raw, at)
        const { piece, hidden } = hide(raw)
        body.set(piece, at)
        for (const { back, bytes } of hidden) body.set(bytes, at - back)
      })
      return body
    },
    file: () => (descriptor === undefined || held !== undefined ? undefined : file),
    remove() {
      try {
        close()
        rmSync(file, { force: true })
      } catch {
        // Left over. A later purchase of this picture removes it.
      }
    },
  }
}

/** The last response to an order for this picture that a killed process had begun to read, however much of it. */
export async function findResponse(
  { root }: Pick<Cache, 'root'>,
  answerKey: AnswerKey,
): Promise<ServiceResponse | undefined> {
  const files = responsesOf(root, answerKey)
  const [last] = files.sort((one, other) => statSync(other).mtimeMs - statSync(one).mtimeMs)
  if (last === undefined) return undefined
  const bytes = readFileOfLimitSync(last, MAX_RESPONSE_BYTES)
  const end = typeof bytes === 'string' ? -1 : bytes.subarray(0, MAX_HEAD_BYTES).indexOf('\n')
  if (typeof bytes === 'string' || end === -1) return undefined
  const head = parseJson(bytes.toString('utf8', 0, end))
  if (!record.accepts(head) || head.response !== 1 || typeof head.status !== 'number') return undefined
  const headers: Record<string, string> = {}
  for (const name of HEADERS) {
    const value = record.accepts(head.headers) ? head.headers[name] : undefined
    if (typeof value === 'string') headers[name] = value
  }
  const body = await unpacked(bytes.subarray(end + 1), headers, MAX_RESPONSE_BYTES)
  return { status: head.status, headers, body }
}

/** Removes what is left of responses whose answer is stored. Never throws. */
export function removeResponses({ root }: Pick<Cache, 'root'>, answerKey: AnswerKey): void {
  for (const file of responsesOf(root, answerKey)) {
    try {
      rmSync(file, { force: true })
    } catch {
      // It does no harm where it is.
    }
  }
}

function responsesOf(root: string, answerKey: AnswerKey): string[] {
  const folder = join(root, TMP)
  try {
    return readdirSync(folder)
      .filter(name => name.startsWith(`${answerKey}-`) && name.endsWith(SUFFIX))
      .map(name => join(folder, name))
  } catch {
    return [] // no such folder, most often
  }
}

function pickHeaders(
  headers: Readonly<Record<string, string>>,
  secrets: readonly string[],
): Record<string, string> {
  const picked: Record<string, string> = {}
  for (const name of HEADERS) {
    const value = headers[name]
    if (value !== undefined) picked[name] = safeText(value, { secrets, maxCharacters: 200 })
  }
  return picked
}

interface Hidden {
  /** The piece, without secrets. */
  readonly piece: Uint8Array
  /** What has to be written over the end of what is on the disk, `back` bytes before the piece. */
  readonly hidden: readonly { readonly back: number; readonly bytes: Buffer }[]
}

/** Puts stars in the place of secrets that a service echoes, also of one that is spread over two pieces. */
function hider(secrets: readonly string[]): (piece: Uint8Array) => Hidden {
  const words = secrets.filter(secret => secret !== '').map(secret => Buffer.from(secret))
  const most = Math.max(0, ...words.map(({ length }) => length - 1))
  let tail: Buffer = Buffer.alloc(0)
  return piece => {
    const kept = tail.length
    const all = Buffer.concat([tail, piece])
    let first = kept
    for (const word of words) {
      for (let at = all.indexOf(word); at !== -1; at = all.indexOf(word, at + word.length)) {
        all.fill('*', at, at + word.length)
        first = Math.min(first, at)
      }
    }
    tail = Buffer.from(all.subarray(Math.max(0, all.length - most)))
    const back = kept - first
    const hidden = back === 0 ? [] : [{ back, bytes: all.subarray(first, kept) }]
    return { piece: all.subarray(kept), hidden }
  }
}
