import { isSafeFileName } from '../source/file-name.ts'
import { FORMATS, type Format } from '../source/format.ts'
import type { SourceFacts } from '../source/source.ts'
import { seal, unseal } from './envelope.ts'

/** The file beside every cached image. */
export const ENTRY_FILE = 'entry.json'

/** Raised when a reader of the old format would misread the new one. */
const ENTRY_VERSION = 1

const MAX_IMAGE_BYTES = 2 ** 31 - 1
const MAX_TEXT = 1000
const MAX_REQUEST_ID = 200

/** What is known about one cached image. */
export interface EntryFacts {
  /** 64 hex characters; the entry's folder has the same name. */
  readonly key: string
  /** The image's file name, beside entry.json. */
  readonly fileName: string
  /** Bytes of the image file. */
  readonly size: number
  /** SHA-256 of the image file, hex. */
  readonly sha256: string
  /** Pixels. */
  readonly width: number
  /** Pixels. */
  readonly height: number
  readonly format: Format
  readonly engine: string
  readonly model: string
  /** What the engine chose within its model, as {@link isChoice} has it. */
  readonly chosen?: string
  /** What the service charged, in millionths of a US dollar. */
  readonly costMicros?: number
  /** The service's id of the request, cut to 200 characters. */
  readonly requestId?: string
  /** Of an output: the key of the answer it was made of, 64 hex characters. */
  readonly answer?: string
  /** Of an output: the quality that was asked for, 1 to 100. */
  readonly quality?: number
  /** Of an output: the picture it was first made for, relative to the project's folder, and its SHA-256, hex. */
  readonly source?: { readonly file: string; readonly digest: string }
  /** True when it came out of the remote cache. */
  readonly fetched?: true
  /** ISO 8601, UTC. */
  readonly createdAt: string
}

/** The facts of an image that is about to be stored; the cache finds out the rest. */
export type NewEntry = Omit<EntryFacts, 'size' | 'sha256' | 'createdAt'> & {
  /** The picture it was bought for, for people. Goes into the manifest of paid answers, not into the entry. */
  readonly boughtFor?: string
}

/** One cached image. */
export interface CacheEntry {
  /** Absolute path of the image. */
  readonly file: string
  readonly facts: EntryFacts
}

/** The text of an entry.json. */
export function printEntry(facts: EntryFacts): string {
  return seal({
    version: ENTRY_VERSION,
    key: facts.key,
    fileName: facts.fileName,
    size: facts.size,
    sha256: facts.sha256,
    width: facts.width,
    height: facts.height,
    format: facts.format,
    engine: facts.engine,
    model: facts.model,
    chosen: facts.chosen,
    costMicros: facts.costMicros,
    // Comes from a service. However long, it must never be what keeps a paid answer from being stored.
    requestId: facts.requestId?.slice(0, MAX_REQUEST_ID),
    answer: facts.answer,
    quality: facts.quality,
    source: facts.source,
    fetched: facts.fetched,
    createdAt: facts.createdAt,
  })
}

/**
 * Reads an entry.json. Total: whatever is not a whole entry for exactly `expectedKey` is undefined, and a sound
 * file of a later format version is 'newer'.
 */
export function parseEntry(text: Uint8Array | string, expectedKey: string): EntryFacts | 'newer' | undefined {
  const body = unseal(text)
  if (!isObject(body)) return undefined
  if (isNewer(body.version, ENTRY_VERSION)) return 'newer'
  const { version, ...facts } = body
  return version === ENTRY_VERSION && facts.key === expectedKey && isEntryFacts(facts) ? facts : undefined
}

/** True for an object, not an array, that came out of JSON. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** True for a format version after `known`. */
export function isNewer(version: unknown, known: number): boolean {
  return isCount(version, known + 1, Number.MAX_SAFE_INTEGER)
}

/** True for the facts of an entry, all of them. */
export function isEntryFacts(body: Record<string, unknown>): body is Record<string, unknown> & EntryFacts {
  return (
    isHexDigest(body.key) &&
    isText(body.fileName) &&
    isSafeFileName(body.fileName) &&
    body.fileName !== ENTRY_FILE &&
    isCount(body.size, 1, MAX_IMAGE_BYTES) &&
    isHexDigest(body.sha256) &&
    isSide(body.width) &&
    isSide(body.height) &&
    FORMATS.some(format => format === body.format) &&
    isText(body.engine) &&
    isText(body.model) &&
    (body.chosen === undefined || isChoice(body.chosen)) &&
    (body.costMicros === undefined || isCount(body.costMicros, 0, Number.MAX_SAFE_INTEGER)) &&
    (body.requestId === undefined || typeof body.requestId === 'string') &&
    (body.answer === undefined || isHexDigest(body.answer)) &&
    (body.quality === undefined || isCount(body.quality, 1, 100)) &&
    (body.source === undefined || isSource(body.source)) &&
    (body.fetched === undefined || body.fetched === true) &&
    isText(body.createdAt) &&
    !Number.isNaN(Date.parse(body.createdAt))
  )
}

/** True for the name of what an engine chose: 1 to 60 letters, digits, spaces, hyphens and full stops. */
export function isChoice(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9 .-]{1,60}$/.test(value)
}

/** True for a SHA-256, and for a key: 64 hex characters. */
export function isHexDigest(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
}

/** True for what a record says of a source, all of it. */
export function isSourceFacts(
  facts: Readonly<Record<string, unknown>>,
): facts is Readonly<Record<string, unknown>> & SourceFacts {
  return isSide(facts.width) && isSide(facts.height) && typeof facts.lossless === 'boolean'
}

function isSide(value: unknown): boolean {
  return isCount(value, 1, Number.MAX_SAFE_INTEGER)
}

function isSource(value: unknown): boolean {
  return isObject(value) && isText(value.file) && isHexDigest(value.digest)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_TEXT
}

function isCount(value: unknown, min: number, max: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
}
