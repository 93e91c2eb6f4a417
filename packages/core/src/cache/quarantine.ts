import { randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { UpscaleError } from '../errors.ts'
import { errnoOf, messageOf, renamePatiently, unreadable } from './disk.ts'
import { acquireLock, LOCKS, whileHeld } from './lock/lock.ts'
import type { Look } from './read-entry.ts'

/** Something a person may want to know; each is told once per path. */
export interface CacheEvent {
  /**
   * - `quarantined`: was damaged, was moved aside, will be made again.
   * - `unwritable`: is damaged and could not be moved aside.
   * - `unreadable`: may be sound, but could not be read; a miss for now. Scratch roots only.
   * - `newer-format`: was stored by a later version; left alone, a miss.
   * - `no-manifest`: paid answers are used, but there is no list to compare them with.
   */
  readonly kind: 'quarantined' | 'unwritable' | 'unreadable' | 'newer-format' | 'no-manifest'
  readonly path: string
  readonly reason: string
}

interface Sound {
  readonly state: 'sound'
}

/** A lookup can't be called off. */
const NEVER = new AbortController().signal

/** Longest wait for others that move the same thing aside, each of whom takes milliseconds. */
const LOCK_TIMEOUT_MS = 30_000

/**
 * Decides what becomes of what was found on disk, and keeps damaged things of a root for a person to look at.
 *
 * Only the holder of a lock of its own moves a thing: others may have moved it and stored it again since it was found
 * damaged, and an entry that was just healed must not be missing for a moment.
 */
export class Quarantine {
  readonly #root: string
  readonly #folder: string
  readonly #strict: boolean
  readonly #onEvent: (event: CacheEvent) => void
  readonly #told = new Set<string>()

  /** @param strict what can't be read is an error, not a miss */
  constructor(root: string, strict: boolean, onEvent: (event: CacheEvent) => void) {
    this.#strict = strict
    this.#root = root
    this.#folder = join(root, 'quarantine')
    this.#onEvent = onEvent
  }

  /**
   * What is there if it is sound, else undefined. What is damaged is moved aside.
   *
   * @throws UpscaleError CACHE_UNREADABLE when strict, for what can't be read
   */
  async lookUp<Seen extends Sound>(path: string, look: Look<Seen>): Promise<Seen | undefined> {
    let seen = await look(path)
    // Another process may have replaced the entry between our opening one of its files and the next.
    if (seen.state === 'damaged') seen = await look(path)
    if (seen.state === 'damaged' && !(await this.#tryMove(path, look, seen.reason))) seen = await look(path)
    switch (seen.state) {
      case 'sound':
        return seen
      case 'newer':
        this.tell({ kind: 'newer-format', path, reason: NEWER })
        return undefined
      case 'unreadable':
        if (this.#strict) throw unreadable(path, seen.cause)
        this.tell({ kind: 'unreadable', path, reason: seen.reason })
        return undefined
      default:
        return undefined
    }
  }

  /**
   * What is there in a writer's way if it is sound. Otherwise it is out of the way afterwards, unless no file can be
   * opened just now; either way the writer may try again.
   *
   * @throws UpscaleError CACHE_UNWRITABLE for a newer format; the system's error when it can't be moved
   */
  async clear<Seen extends Sound>(path: string, look: Look<Seen>): Promise<Seen | undefined> {
    const seen = await look(path)
    if (seen.state === 'sound') return seen
    if (seen.state === 'newer') throw newerFormat(path)
    if (seen.state === 'unreadable' && ['EMFILE', 'ENFILE'].includes(errnoOf(seen.cause))) return undefined
    // Whatever it is, it can't be read, and its replacement is at hand.
    await this.#move(path, look, 'reason' in seen ? seen.reason : 'it is incomplete')
    return undefined
  }

  /** False when there was nothing damaged to move after all. */
  async #tryMove<Seen extends Sound>(path: string, look: Look<Seen>, reason: string): Promise<boolean> {
    try {
      return await this.#move(path, look, reason)
    } catch (error) {
      const why = `${reason}, and it could not be moved aside: ${messageOf(error)}`
      this.tell({ kind: 'unwritable', path, reason: why })
      return true
    }
  }

  async #move<Seen extends Sound>(path: string, look: Look<Seen>, reason: string): Promise<boolean> {
    const name = basename(path)
    const options = { signal: NEVER, timeoutMs: LOCK_TIMEOUT_MS }
    const lock = await acquireLock(join(this.#root, LOCKS, `${name}.damaged.lock`), options)
    return whileHeld(lock, async () => {
      if ((await look(path)).state === 'sound') return false
      const aside = join(this.#folder, `${name}-${randomUUID()}`)
      await mkdir(this.#folder, { recursive: true })
      try {
        await renamePatiently(path, aside)
      } catch (error) {
        if (errnoOf(error) === 'ENOENT') return false // another process was faster
        throw error
      }
      // A record takes the place of a damaged one without being asked, and others may hold no lock.
      if ((await look(aside)).state === 'sound') return this.#putBack(aside, path, look)
      this.tell({ kind: 'quarantined', path, reason: `${reason}; moved to ${aside}` })
      return true
    })
  }

  async #putBack<Seen extends Sound>(aside: string, path: string, look: Look<Seen>): Promise<false> {
    try {
      await renamePatiently(aside, path)
    } catch (error) {
      if (!['ENOTEMPTY', 'EEXIST', 'EPERM', 'EACCES'].includes(errnoOf(error))) throw error
      // Somebody published again meanwhile: theirs is as good.
      if ((await look(path)).state === 'sound') await rm(aside, { recursive: true, force: true })
    }
    return false
  }

  /** Reports something, once per kind and path. */
  tell(event: CacheEvent): void {
    const once = `${event.kind} ${event.path}`
    if (this.#told.has(once)) return
    this.#told.add(once)
    this.#onEvent(event)
  }
}

const NEWER = 'it was stored by a later version of this package'

/** Why a writer leaves something alone. */
export function newerFormat(path: string): UpscaleError {
  return new UpscaleError('CACHE_UNWRITABLE', `could not write to the cache: ${NEWER}`, {
    file: path,
    hint: 'update this package, or remove that entry.',
  })
}
