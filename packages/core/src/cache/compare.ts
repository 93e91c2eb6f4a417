import { hash } from 'node:crypto'
import { SMALL_BYTES } from '../source/pieces.ts'
import { errnoOf, readExact, readExactSync } from './disk.ts'
import type { EntryFacts } from './entry.ts'

/** Bytes, as a file should have them: how many, and their SHA-256 in hex. */
export type ExpectedBytes = Pick<EntryFacts, 'size' | 'sha256'>

// One for all small files that are only compared: nothing waits in between, so that no two can meet in it. Allocating for
// each would cost more than reading it.
let page: Buffer | undefined

/** True for a regular file of exactly these bytes, which are read now. @throws the system's error, also where nothing is */
export async function hasBytes(file: string, { size, sha256 }: ExpectedBytes): Promise<boolean> {
  const read = size > SMALL_BYTES ? await readExact(file, size) : digestNow(file, pageOf(size))
  return 'digest' in read && read.digest === sha256
}

/** The same; false for what can't be read, whatever the reason. */
export async function isIntact(file: string, expected: ExpectedBytes): Promise<boolean> {
  try {
    return await hasBytes(file, expected)
  } catch (error) {
    if (errnoOf(error) !== '') return false
    throw error
  }
}

/**
 * Fills `bytes` with a regular file of just that many bytes, and hashes them.
 *
 * @returns what is wrong instead, in words, when it isn't one
 * @throws the system's error
 */
export function digestNow(
  file: string,
  bytes: Buffer,
): { readonly digest: string } | { readonly flaw: string } {
  const flaw = readExactSync(file, bytes)
  return flaw === undefined ? { digest: hash('sha256', bytes, 'hex') } : { flaw }
}

function pageOf(size: number): Buffer {
  page ??= Buffer.allocUnsafeSlow(SMALL_BYTES)
  return page.subarray(0, size)
}
