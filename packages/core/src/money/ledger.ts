import { randomUUID } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder, openPatiently, unwritable } from '../cache/disk.ts'

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
  const folder = join(durable, 'v1', 'ledger')
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

/** Appends a line, or nothing: half of one, on a full disk, would spoil the next. */
async function appendWhole(handle: FileHandle, text: string): Promise<void> {
  const { size } = await handle.stat()
  try {
    await handle.writeFile(text)
    await handle.datasync()
  } catch (error) {
    await handle.truncate(size).catch(() => undefined) // the error to tell about is the first one
    throw error
  }
}
