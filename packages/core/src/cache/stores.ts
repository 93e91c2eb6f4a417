import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Engine } from '../engines/engine.ts'
import { isUpscaleError } from '../errors.ts'
import { digestOf } from '../source/pieces.ts'
import type { CacheFolders } from './archive.ts'
import { type Cache, type CacheEntry, type CacheEvent, type NewEntry, openCache } from './cache.ts'
import type { AliasKey, AnswerKey } from './keys.ts'

/** The two roots of the cache: durable holds what cost money, scratch what can be made again. */
export interface Stores {
  readonly durable: Cache
  readonly scratch: Cache
  /** Where an engine's answers belong. */
  forEngine(engine: Pick<Engine, 'billing'>): Cache
  /**
   * True when there was a list of paid answers when this was first asked. One that a frozen build began itself, with
   * the first answer that it fetched, says nothing against the second.
   *
   * @throws UpscaleError CACHE_UNREADABLE for a list that can't be used
   */
  hadList(): boolean
  /** Keeps the answer of a free engine if it can be kept. Returns its SHA-256, hex. */
  keepAnswer(facts: NewEntry, bytes: Uint8Array): Promise<string>
  /** Keeps an answer that came out of the remote cache, if it can be kept. */
  keepFetched(engine: Pick<Engine, 'billing'>, facts: NewEntry, bytes: Uint8Array): Promise<void>
  /**
   * Keeps a finished file; in a temporary folder where the scratch root can't be written, so that the build goes on.
   * @param sha256 of the bytes, hex, where it is known
   */
  keepOutput(facts: NewEntry, bytes: Uint8Array, sha256?: string): Promise<CacheEntry>
  /** Keeps the way from a request on a file's bytes to its answer, if it can be kept. */
  keepAlias(
    engine: Pick<Engine, 'billing'>,
    alias: AliasKey,
    record: { readonly pay: AnswerKey },
  ): Promise<void>
  /** Tidies up. What can't be is told, and does no harm. */
  close(): Promise<void>
}

export function openStores(
  options: CacheFolders & { readonly frozen: boolean },
  onNotice: (text: string) => void,
): Stores {
  const onEvent = (event: CacheEvent): void =>
    onNotice(`cache: ${event.path}: ${event.reason} (${event.kind})`)
  const durable = openCache(options.cacheDir, { onEvent, tag: false, frozen: options.frozen })
  const scratch = openCache(options.scratchDir, { onEvent, tag: true })
  const forEngine = (engine: Pick<Engine, 'billing'>): Cache =>
    engine.billing === 'paid' ? durable : scratch
  let refuge: Cache | undefined
  let hadList: boolean | undefined

  /** Runs a write that a build can do without. */
  async function tryTo<T>(write: () => Promise<T>): Promise<T | undefined> {
    try {
      return await write()
    } catch (error) {
      if (!isUpscaleError(error) || error.code !== 'CACHE_UNWRITABLE') throw error
      onNotice(`${error.problem}; the build goes on, but what it makes is made again next time`)
      return undefined
    }
  }

  return {
    durable,
    scratch,
    forEngine,
    hadList() {
      hadList ??= durable.hasManifest()
      return hadList
    },
    async keepAnswer(facts, bytes) {
      // That of these bytes, also where another answer was kept before.
      const sha256 = await digestOf(bytes)
      await tryTo(() => scratch.commit('answers', facts, bytes, sha256))
      return sha256
    },
    async keepFetched(engine, facts, bytes) {
      await tryTo(() => forEngine(engine).commit('answers', { ...facts, fetched: true }, bytes))
    },
    async keepOutput(facts, bytes, sha256) {
      const entry = await tryTo(() => scratch.commit('outputs', facts, bytes, sha256))
      if (entry !== undefined) return entry
      // A fresh, private folder: in a shared one, a name that others can predict could be planted.
      refuge ??= openCache(mkdtempSync(join(tmpdir(), 'upscale-')), { onEvent, tag: true })
      return refuge.commit('outputs', facts, bytes, sha256)
    },
    async keepAlias(engine, alias, record) {
      await tryTo(() => forEngine(engine).commitRecord('sources', alias, record))
    },
    async close() {
      try {
        await Promise.all([durable.close(), scratch.close()])
      } catch (error) {
        if (!isUpscaleError(error)) throw error
        onNotice(`cache: ${error.problem}; what could not be tidied up is tidied up by the next build`)
      }
    },
  }
}
