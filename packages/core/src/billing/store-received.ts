import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Cache, type NewEntry, openCache } from '../cache/cache.ts'
import { discard, messageOf } from '../cache/disk.ts'
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

/** How long an answer is held, and where else what came of it lies. */
export interface Keeping {
  /** Ends the waits: a person has lost patience. */
  readonly signal?: AbortSignal | undefined
  /** The file that the response was written to as it came, whole. */
  readonly response?: string | undefined
  /** Told once, when the cache has not taken it at the second attempt either: a person can help. */
  readonly onWait?: ((error: UpscaleError) => void) | undefined
  readonly pausesMs?: Pauses
}

/** Waits before each further attempt to keep an answer, in milliseconds. */
interface Pauses {
  /** While the temporary folder is not tried. */
  readonly first: readonly number[]
  /** While that takes nothing either. */
  readonly last: readonly number[]
}

/** First, enough for another program to end and free its own temporary files; at last, a minute. */
const PAUSES_MS: Pauses = { first: [200, 1000, 3000], last: Array(20).fill(3000) }

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
 * @throws UpscaleError CACHE_UNWRITABLE when the cache takes it at no attempt; the message names the place where it
 *   is kept instead
 */
export async function keepReceived(
  store: Cache,
  facts: NewEntry,
  bytes: Uint8Array,
  { signal, response, onWait, pausesMs: { first, last } = PAUSES_MS }: Keeping = {},
): Promise<void> {
  const pauses = [...first, ...last]
  for (let attempt = 0; ; attempt++) {
    try {
      await store.commit('received', facts, bytes)
      return
    } catch (error) {
      if (!isUpscaleError(error) || error.code !== 'CACHE_UNWRITABLE') throw error
      const pauseMs = pauses[attempt]
      if (attempt === 1) onWait?.(error)
      if (attempt >= first.length) {
        const refuge = await takeRefuge({ store, facts, bytes, response }, error)
        if (refuge.isKept || pauseMs === undefined || signal?.aborted === true) throw refuge.error
      }
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined)
    }
  }
}

/** Lays an answer down outside the cache, in the cache's own layout, so that copying it back is all it takes. */
async function takeRefuge(
  {
    store,
    facts,
    bytes,
    response,
  }: { readonly store: Cache; readonly facts: NewEntry; readonly bytes: Uint8Array } & Pick<
    Keeping,
    'response'
  >,
  error: UpscaleError,
): Promise<{ readonly isKept: boolean; readonly error: UpscaleError }> {
  const told = (problem: string, details: Partial<UpscaleError['details']>): UpscaleError =>
    new UpscaleError('CACHE_UNWRITABLE', problem, { ...error.details, ...details })
  try {
    const refuge = await openRefuge('received', facts, bytes)
    const problem = `an answer that was paid for could not be kept (${error.problem}); it lies in ${refuge}`
    const hint = `${error.details.hint.replace(/\.$/, '')}; then copy the folder ${layoutFolder(refuge)} into the cache folder, which was ${store.root}: the next build goes on from it`
    return { isKept: true, error: told(problem, { hint }) }
  } catch (cause) {
    const fate =
      response === undefined
        ? 'is lost'
        : `could not be kept, but its response lies in ${response}, and the next build reads that`
    const problem = `an answer that was paid for ${fate}: ${error.problem}; nor could it be written to the temporary folder: ${reasonOf(cause)}`
    return { isKept: false, error: told(problem, { cause: error }) }
  }
}

function reasonOf(cause: unknown): string {
  return isUpscaleError(cause) ? cause.problem : messageOf(cause)
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
    return `what came (${bytes.length} bytes) is lost: ${error.problem}; nor could it be written to the temporary folder: ${reasonOf(cause)}`
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
  try {
    await openCache(refuge, { onEvent: () => {}, tag: true }).commit(shelf, facts, bytes)
    return refuge
  } catch (error) {
    await discard(refuge)
    throw error
  }
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
