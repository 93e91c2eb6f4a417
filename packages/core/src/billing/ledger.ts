import { randomUUID } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  appendWhole,
  makeFolder,
  openPatiently,
  readFileOfLimitSync,
  unreadable,
  unwritable,
} from '../cache/disk.ts'
import { ledgerFolder } from '../cache/layout.ts'
import { refuseLinks } from '../cache/own-folders.ts'
import { parseJson } from '../engines/http/json.ts'
import { record } from '../validate.ts'
import { ATTEMPT, isTime, MICROS } from './recorded-amounts.ts'

/** One line of the ledger. */
export interface LedgerLine {
  /**
   * - `charged`: an answer arrived; `costMicros` counts as paid.
   * - `uncertain`: the call ended in doubt; `costMicros` counts as paid.
   * - `free`: the call certainly cost nothing.
   * - `stored`: the answer passed the checks. `rejected`: it did not.
   */
  readonly event: 'charged' | 'uncertain' | 'free' | 'stored' | 'rejected'
  readonly key: string
  readonly source: string
  readonly engine: string
  readonly model: string
  /** Which order for this key it was, from 1. Lines of one order tell one story: `uncertain`, later `charged`, is one charge. */
  readonly attempt?: number
  readonly costMicros?: number
  readonly requestId?: string
  readonly code?: string
}

/** An append-only account of what paid engines were asked for, one file a run and process, so that no two write to one. */
export interface Ledger {
  /** Returns when the line is on the disk. @throws UpscaleError CACHE_UNWRITABLE */
  append(line: LedgerLine): Promise<void>
}

/**
 * Nothing is created before the first line.
 * @param durable - the durable cache root; the file is `v1/ledger/<day>-<random>.jsonl` in it
 */
export function createLedger(durable: string): Ledger {
  const folder = ledgerFolder(durable)
  const file = join(folder, `${new Date().toISOString().slice(0, 10)}-${randomUUID()}.jsonl`)
  let previous: Promise<void> = Promise.resolve()
  async function write(line: LedgerLine): Promise<void> {
    try {
      await makeFolder(folder)
      const handle = await openPatiently(file, 'a')
      try {
        await appendWhole(handle, `${JSON.stringify({ at: new Date().toISOString(), ...line })}\n`)
      } finally {
        await handle.close()
      }
    } catch (cause) {
      throw unwritable(folder, cause)
    }
  }
  return {
    append(line) {
      // One at a time, so that lines stand in the order in which things happened.
      const next = previous.then(() => write(line))
      previous = next.catch(() => undefined)
      return next
    },
  }
}

/** A line that was read back: dated, with what an older line leaves out filled in. */
export interface LedgerEntry extends LedgerLine {
  /** ISO 8601, UTC. */
  readonly at: string
  readonly attempt: number
  readonly costMicros: number
}

/** The largest file that is read, in bytes: a run of some hundred thousand pictures. */
const MAX_FILE_BYTES = 64 * 1024 * 1024

/**
 * Every line of the ledger, oldest day first. A line that was cut off by a crash, or can't be right, is left out.
 * @throws UpscaleError CACHE_UNREADABLE for a file that can't be read, or should not be
 */
export async function readLedger(durable: string): Promise<LedgerEntry[]> {
  refuseLinks(durable)
  const folder = ledgerFolder(durable)
  const names = await readdir(folder).catch(() => [])
  const lines: LedgerEntry[] = []
  for (const name of names.filter(one => one.endsWith('.jsonl')).sort()) {
    const text = readText(join(folder, name))
    for (const line of text.split('\n')) {
      const entry = parseLine(line)
      if (entry !== undefined) lines.push(entry)
    }
  }
  return lines
}

function readText(file: string): string {
  let bytes: Buffer | string
  try {
    bytes = readFileOfLimitSync(file, MAX_FILE_BYTES)
  } catch (error) {
    throw unreadable(file, error)
  }
  if (typeof bytes === 'string') throw unreadable(file, new Error(bytes))
  return bytes.toString()
}

const EVENTS = ['charged', 'uncertain', 'free', 'stored', 'rejected'] as const

function parseLine(text: string): LedgerEntry | undefined {
  const fields = parseJson(text)
  if (!record.accepts(fields)) return undefined
  const { at, key, source, engine, model, attempt = 1, costMicros = 0, requestId, code } = fields
  const event = EVENTS.find(one => one === fields.event)
  if (
    event === undefined ||
    !isTime(at) ||
    typeof key !== 'string' ||
    typeof source !== 'string' ||
    typeof engine !== 'string' ||
    typeof model !== 'string' ||
    !ATTEMPT.accepts(attempt) ||
    !MICROS.accepts(costMicros)
  )
    return undefined
  return {
    ...{ at, event, key, source, engine, model, attempt, costMicros },
    ...(typeof requestId === 'string' ? { requestId } : {}),
    ...(typeof code === 'string' ? { code } : {}),
  }
}
