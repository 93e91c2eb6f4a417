import { randomBytes } from 'node:crypto'
import type { Format, UpscaledImage } from 'upscale-core'
import { extensionOf } from 'upscale-core/internal'

/** A finished picture that is reachable under an address for a while. */
export interface Medium {
  /** The file in the upscaler's cache. */
  readonly file: string
  readonly format: Format
  /** In bytes. */
  readonly size: number
  /** By the clock of the store, in milliseconds. */
  readonly expiresAt: number
}

export interface MediaStoreOptions {
  /** How long a picture can be fetched, in milliseconds. */
  readonly ttlMs: number
  /** The most pictures that can be fetched at a time; the oldest give way. */
  readonly maxEntries: number
  /** Milliseconds of a clock that is never set. */
  readonly uptime: () => number
}

/**
 * The addresses under which results can be fetched. It keeps no copies: each name stands for a file in the upscaler's
 * cache, so a result takes no room twice, and one that is swept from the cache is gone here too.
 */
export interface MediaStore {
  /** A new name that nobody can guess, with the extension of the picture's format. */
  add(picture: Pick<UpscaledImage, 'file' | 'format' | 'size'>): string
  /** Undefined for a name that was never given, or whose time is over. */
  find(name: string): Medium | undefined
}

export function createMediaStore({ ttlMs, maxEntries, uptime }: MediaStoreOptions): MediaStore {
  // All live equally long, so the order of insertion is the order in which they expire.
  const media = new Map<string, Medium>()

  function sweep(): void {
    const now = uptime()
    for (const [name, { expiresAt }] of media) {
      if (expiresAt > now && media.size <= maxEntries) return
      media.delete(name)
    }
  }

  return {
    add({ file, format, size }) {
      const name = `${randomBytes(32).toString('base64url')}.${extensionOf(format)}`
      media.set(name, { file, format, size, expiresAt: uptime() + ttlMs })
      sweep()
      return name
    },
    find(name) {
      sweep()
      return media.get(name)
    },
  }
}
