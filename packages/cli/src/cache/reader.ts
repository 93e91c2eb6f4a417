import { createHash } from 'node:crypto'
import { type Dirent, existsSync } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ResolvedOptions } from 'upscale-core'
import { digestOf } from '../files/place.ts'

// Reads the upscaler's cache from outside. The layout is that of core's cache.ts, version 1:
//
//   <root>/v1/<shelf>/ab/abcd…/{entry.json, <image>}   answers, outputs, received, rejected
//   <root>/v1/<shelf>/ab/abcd….json                    sources, refusals, intents
//
// Every small file is { check, body }, where check is the SHA-256 of the body's text. Nothing is changed or moved
// aside here, and what can't be read is reported, never thrown.

/** The two roots: `durable` holds what cost money, `scratch` what can be made again. */
export type RootName = 'durable' | 'scratch'

export const ENTRY_SHELVES = ['answers', 'outputs', 'received', 'rejected'] as const
export type EntryShelf = (typeof ENTRY_SHELVES)[number]
export const RECORD_SHELVES = ['sources', 'refusals', 'intents'] as const
export type RecordShelf = (typeof RECORD_SHELVES)[number]

/** What an entry says about itself. */
export interface EntryFacts {
  readonly key: string
  readonly fileName: string
  readonly size: number
  readonly sha256: string
  readonly width: number
  readonly height: number
  readonly format: string
  readonly engine: string
  readonly model: string
  readonly costMicros?: number
  readonly requestId?: string
  readonly createdAt: string
}

/** A picture in the cache, as far as its entry.json can be trusted. */
export interface Entry {
  readonly root: RootName
  readonly shelf: EntryShelf
  /** The entry's folder, absolute. */
  readonly folder: string
  /** Undefined when entry.json is missing or damaged. */
  readonly facts: EntryFacts | undefined
}

export type Roots = Readonly<Record<RootName, string>>

export function rootsOf({ cacheDir, scratchDir }: Pick<ResolvedOptions, 'cacheDir' | 'scratchDir'>): Roots {
  return { durable: cacheDir, scratch: scratchDir }
}

/** Every picture of the given shelves, one folder after the other. */
export async function* readEntries(roots: Roots, shelves: readonly EntryShelf[]): AsyncGenerator<Entry> {
  for (const root of ['durable', 'scratch'] as const) {
    for (const shelf of shelves) {
      for await (const folder of listKeys(join(roots[root], 'v1', shelf), entry => entry.isDirectory())) {
        const body = await readBody(join(folder, 'entry.json'))
        yield { root, shelf, folder, facts: isFacts(body) && folder.endsWith(body.key) ? body : undefined }
      }
    }
  }
}

/** Every record of a shelf with its key; an undefined record is damaged. */
export async function* readRecords(
  root: string,
  shelf: RecordShelf,
): AsyncGenerator<{ readonly file: string; readonly key: string; readonly record: Fields | undefined }> {
  for await (const file of listKeys(join(root, 'v1', shelf), entry => entry.isFile())) {
    const body = await readBody(file)
    const key = file.slice(-69, -5)
    yield { file, key, record: body?.key === key && isFields(body.record) ? body.record : undefined }
  }
}

/** Why an entry is not what was stored; undefined when it is. */
export async function findDamage({ folder, facts }: Entry): Promise<string | undefined> {
  if (facts === undefined) return 'entry.json is missing or damaged'
  const file = join(folder, facts.fileName)
  if (!existsSync(file)) return `${facts.fileName} is missing`
  try {
    const { size } = await stat(file)
    if (size !== facts.size) return `${facts.fileName} has ${size} bytes, it was stored with ${facts.size}`
    return (await digestOf(file)) === facts.sha256
      ? undefined
      : `${facts.fileName} has another digest than when it was stored`
  } catch (error) {
    return `${facts.fileName} can't be read: ${error instanceof Error ? error.message : String(error)}`
  }
}

/** A JSON object of unknown content. */
export type Fields = Readonly<Record<string, unknown>>

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

async function* listKeys(shelf: string, wanted: (entry: Dirent) => boolean): AsyncGenerator<string> {
  for (const group of await list(shelf)) {
    if (!/^[0-9a-f]{2}$/.test(group.name)) continue
    for (const entry of await list(join(shelf, group.name))) {
      if (wanted(entry) && /^[0-9a-f]{64}(?:\.json)?$/.test(entry.name))
        yield join(shelf, group.name, entry.name)
    }
  }
}

async function list(folder: string): Promise<Dirent[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch {
    // Most often there is no such shelf yet; a folder that may not be read is found by `upscale doctor`.
    return []
  }
}

/** The body of a small file; undefined for anything that is not what was written. */
async function readBody(file: string): Promise<Fields | undefined> {
  try {
    const frame: unknown = JSON.parse(await readFile(file, 'utf8'))
    if (!isFields(frame) || !isFields(frame.body)) return undefined
    const text = JSON.stringify(frame.body, undefined, 2)
    return frame.check === createHash('sha256').update(text).digest('hex') ? frame.body : undefined
  } catch {
    return undefined
  }
}

function isFacts(body: Fields | undefined): body is Fields & EntryFacts {
  if (body === undefined || body.version !== 1) return false
  const texts = [body.key, body.fileName, body.sha256, body.format, body.engine, body.model, body.createdAt]
  const isName = typeof body.fileName === 'string' && /^\w[\w.-]*$/.test(body.fileName)
  const numbers = [body.size, body.width, body.height]
  return isName && texts.every(text => typeof text === 'string') && numbers.every(Number.isSafeInteger)
}
