import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { makeFolder, openPatiently, unwritable } from '../cache/disk.ts'

/** One line of the ledger. */
export interface LedgerLine {
  /**
   * - `call`: a call is about to be made; its price is held.
   * - `charged`: an answer arrived; `costMicros` counts as paid.
   * - `uncertain`: the call ended in doubt; `costMicros` counts as paid.
   * - `free`: the call certainly cost nothing.
   * - `stored`: the answer passed the checks. `rejected`: it did not.
   */
  readonly event: 'call' | 'charged' | 'uncertain' | 'free' | 'stored' | 'rejected'
  readonly key: string
  readonly source: string
  readonly engine: string
  readonly model: string
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
        await handle.writeFile(`${JSON.stringify({ at: new Date().toISOString(), ...line })}\n`)
        await handle.datasync()
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
