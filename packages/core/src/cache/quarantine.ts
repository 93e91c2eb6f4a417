import { randomUUID } from 'node:crypto'
import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { UpscaleError } from '../errors.ts'
import { errnoOf, messageOf, unreadable } from './disk.ts'
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

/** Decides what becomes of what was found on disk, and keeps damaged things of a root for a person to look at. */
export class Quarantine {
  readonly #folder: string
  readonly #strict: boolean
  readonly #onEvent: (event: CacheEvent) => void
  readonly #told = new Set<string>()

  /** @param strict what can't be read is an error, not a miss */
  constructor(root: string, strict: boolean, onEvent: (event: CacheEvent) => void) {
    this.#strict = strict
    this.#folder = join(root, 'quarantine')
    this.#onEvent = onEvent
  }

  /**
   * What is there if it is sound, else undefined. What is damaged is moved aside.
   *
   * @throws UpscaleError CACHE_UNREADABLE when strict, for what can't be read
   */
  lookUp<Seen extends Sound>(path: string, look: Look<Seen>): Seen | undefined {
    let seen = look(path)
    // Another process may have replaced the entry between our opening one of its files and the next.
    if (seen.state === 'damaged') seen = look(path)
    if (seen.state === 'damaged' && !this.#tryMove(path, look, seen.reason)) seen = look(path)
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
  clear<Seen extends Sound>(path: string, look: Look<Seen>): Seen | undefined {
    const seen = look(path)
    if (seen.state === 'sound') return seen
    if (seen.state === 'newer') throw newerFormat(path)
    if (seen.state === 'unreadable' && ['EMFILE', 'ENFILE'].includes(errnoOf(seen.cause))) return undefined
    // Whatever it is, it can't be read, and its replacement is at hand.
    this.#move(path, look, 'reason' in seen ? seen.reason : 'it is incomplete')
    return undefined
  }

  /** False when there was nothing damaged to move after all. */
  #tryMove<Seen extends Sound>(path: string, look: Look<Seen>, reason: string): boolean {
    try {
      return this.#move(path, look, reason)
    } catch (error) {
      const why = `${reason}, and it could not be moved aside: ${messageOf(error)}`
      this.tell({ kind: 'unwritable', path, reason: why })
      return true
    }
  }

  #move<Seen extends Sound>(path: string, look: Look<Seen>, reason: string): boolean {
    const aside = join(this.#folder, `${basename(path)}-${randomUUID()}`)
    mkdirSync(this.#folder, { recursive: true })
    // Since the first look another process may have healed it; moved aside and back, it would be missing for a moment.
    if (look(path).state === 'sound') return false
    try {
      renameSync(path, aside)
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return false // another process was faster
      throw error
    }
    // Between the look and the move another process may have put a sound one there.
    if (look(aside).state !== 'sound') {
      this.tell({ kind: 'quarantined', path, reason: `${reason}; moved to ${aside}` })
      return true
    }
    try {
      renameSync(aside, path)
    } catch (error) {
      if (!['ENOTEMPTY', 'EEXIST', 'EPERM', 'EACCES'].includes(errnoOf(error))) throw error
      // Somebody published again meanwhile: theirs is as good.
      if (look(path).state === 'sound') rmSync(aside, { recursive: true, force: true })
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
