import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Cache, type NewEntry, openCache } from '../cache/cache.ts'
import { messageOf } from '../cache/disk.ts'
import { layoutFolder } from '../cache/layout.ts'
import { isUpscaleError, UpscaleError } from '../errors.ts'
import { digestOf } from '../source/pieces.ts'

// Room for what is bought. Before a call the disk must have room for its answer, or nothing is bought that could not
// be kept. A disk can fill all the same while a service works for minutes, so an answer that can't be stored is held
// in memory and tried again, and at the very last laid down in the system's temporary folder, where a person finds it.

/** A PNG of 8-bit samples with alpha that can't be compressed at all. */
const MOST_BYTES_A_PIXEL = 4

/** No answer is expected to be larger; asking for more room would only turn away pictures that fit. */
const MAX_ANSWER_BYTES = 128 * 1024 * 1024

/** An answer is there twice for a moment: as it was received, and as it is filed. */
const COPIES = 2

/** Enough for another program to end and free its own temporary files. */
const PAUSES_MS = [200, 1000, 3000]

/** Free bytes that a disk must have before a picture of `width` × `height` pixels is enlarged by `scale`. */
export function requiredDiskBytes(
  { width, height }: { readonly width: number; readonly height: number },
  scale: number,
): number {
  const pixels = Math.round(width * scale) * Math.round(height * scale)
  return COPIES * Math.min(pixels * MOST_BYTES_A_PIXEL, MAX_ANSWER_BYTES)
}

/**
 * Stores an answer that was paid for, whatever it takes.
 *
 * @param pausesMs - waits before each further attempt, in milliseconds
 * @throws UpscaleError CACHE_UNWRITABLE when the cache takes it at no attempt; the message names the place where it
 *   is kept instead
 */
export async function keepReceived(
  store: Cache,
  facts: NewEntry,
  bytes: Uint8Array,
  pausesMs: readonly number[] = PAUSES_MS,
): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await store.commit('received', facts, bytes)
      return
    } catch (error) {
      if (!isUpscaleError(error) || error.code !== 'CACHE_UNWRITABLE') throw error
      const pauseMs = pausesMs[attempt]
      if (pauseMs === undefined) throw await takeRefuge(store, facts, bytes, error)
      await sleep(pauseMs)
    }
  }
}

/** Lays an answer down outside the cache, in the cache's own layout, so that copying it back is all it takes. */
async function takeRefuge(
  store: Cache,
  facts: NewEntry,
  bytes: Uint8Array,
  error: UpscaleError,
): Promise<UpscaleError> {
  try {
    const refuge = await openRefuge('received', facts, bytes)
    const problem = `an answer that was paid for could not be kept (${error.problem}); it lies in ${refuge}`
    return new UpscaleError('CACHE_UNWRITABLE', problem, {
      ...error.details,
      hint: `${error.details.hint.replace(/\.$/, '')}; then copy the folder ${layoutFolder(refuge)} into the cache folder, which was ${store.root}: the next build goes on from it`,
    })
  } catch (cause) {
    const problem = `an answer that was paid for is lost: ${error.problem}; nor could it be written to the temporary folder: ${messageOf(cause)}`
    return new UpscaleError('CACHE_UNWRITABLE', problem, { ...error.details, cause: error })
  }
}

/** Keeps what a service sent and nothing was found in, outside the cache. Returns the sentence that says where. */
export async function layDown(
  store: Cache,
  facts: NewEntry,
  bytes: Uint8Array,
  error: UpscaleError,
): Promise<string> {
  try {
    const refuge = await openRefuge('rejected', facts, bytes)
    return `what came (${bytes.length} bytes) could not be kept in ${store.root} (${error.problem}); it lies in ${refuge}`
  } catch (cause) {
    return `what came (${bytes.length} bytes) is lost: ${error.problem}; nor could it be written to the temporary folder: ${messageOf(cause)}`
  }
}

/** Returns the folder. @throws what kept it from being written */
async function openRefuge(
  shelf: 'received' | 'rejected',
  facts: NewEntry,
  bytes: Uint8Array,
): Promise<string> {
  // A fresh, private folder: in a shared one, a name that others can predict could be planted.
  const refuge = mkdtempSync(join(tmpdir(), 'upscale-answer-'))
  await openCache(refuge, { onEvent: () => {}, tag: true }).commit(shelf, facts, bytes)
  return refuge
}

/**
 * Keeps what was paid for and is of no use. A second order may be answered as badly as the first, so what is kept under
 * its key already stays.
 *
 * @returns the file
 * @throws UpscaleError CACHE_UNWRITABLE
 */
export async function keepRejected(store: Cache, facts: NewEntry, bytes: Uint8Array): Promise<string> {
  const digest = await digestOf(bytes)
  const kept = await store.commit('rejected', facts, bytes)
  const own =
    kept.facts.sha256 === digest ? kept : await store.commit('rejected', { ...facts, key: digest }, bytes)
  return own.file
}
