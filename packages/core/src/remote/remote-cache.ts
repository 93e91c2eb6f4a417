import pLimit from 'p-limit'
import type { Cache } from '../cache/cache.ts'
import type { EntryFacts } from '../cache/entry.ts'
import type { AnswerKey } from '../cache/keys.ts'
import { decodePortable, encodePortable, PORTABLE_OVERHEAD } from '../cache/portable-entry.ts'
import { type BreakerPolicy, createBreaker } from '../engines/http/breaker.ts'
import { isUpscaleError, UpscaleError } from '../errors.ts'
import { type Claim, createClaims } from './claim.ts'
import type { RemoteSettings } from './settings.ts'
import { openRemoteStore, type RemoteStore } from './store.ts'

// The second tier of the cache, behind the folders of this machine:
//
//   upscale:v1:answers:<key>     what an engine returned, as a portable entry (cache/portable-entry.ts)
//
// and, while one is bought, upscale:v1:claims:<key> (claim.ts). Answers only: they are what costs money or minutes; any size, format and quality is made of them in a moment, and
// what ships is always encoded here, never a file that somebody else could write. The keys are those of the folders.
//
// It is never needed: whatever it does, a build goes on with its own folders. Nothing is asked of it before a picture
// is missing here, and once it fails it is left alone for a minute.

/** Fetches, and what is told of it. */
export interface RemoteCache {
  readonly name: string
  /** True when an answer is there; nothing is fetched. */
  has(key: AnswerKey): Promise<boolean>
  /** An answer that is whole and was stored under this key. What it shows is still to be looked at. */
  find(key: AnswerKey, maxImageBytes: number): Promise<Fetched | undefined>
  /** Says that an answer can't be used, and lets {@link keep} replace it. */
  refuse(key: AnswerKey, reason: string): void
  /**
   * Stores an answer that is in a folder of this machine, unless it is there already. Need not be waited for; failing
   * is told, never thrown.
   * @returns true when the answer is there now
   */
  keep(key: AnswerKey, folder: Pick<Cache, 'find'>): Promise<boolean>
  /**
   * Sees to it that of all machines that share this store one buys an answer; waits for whoever is at it.
   * @returns a claim, given back by a {@link keep} that succeeds or by {@link abandon}; `'answered'` when the answer is
   *   there now; undefined when this store holds no claims, or is away
   * @throws UpscaleError ABORTED when somebody else is at it and the store goes away; an AbortError
   */
  claim(key: AnswerKey, signal: AbortSignal): Promise<Claim | 'answered' | undefined>
  /** Nothing comes of a claim. What was noted in it stays a call in doubt. */
  abandon(key: AnswerKey): Promise<void>
  /** The answer to a call that a process of this machine had noted is there now: removes what is left of its claim. Never throws. */
  resolve(key: AnswerKey, at: string): Promise<void>
  /** Forgets that the store was away: for whoever can't go on without it. */
  askAgain(): void
  /** Waits for what is being stored, half a minute at most. */
  settle(): Promise<void>
  /** The same, and ends connections. Can be used again. */
  close(): Promise<void>
}

export interface Fetched {
  readonly facts: EntryFacts
  readonly bytes: Uint8Array
}

/** Values stored at a time; each is in memory once. */
const UPLOADS_AT_A_TIME = 4

/** A store is never needed, so it is left alone at once, and asked again after a minute whatever it said. */
const STORE_POLICY: BreakerPolicy = { isHopeless: () => false, isOutage: () => true, outages: 1 }

/** How long a build that is done waits for what is being stored. */
const SETTLE_MS = 30_000

/** A second attempt may meet another server of the same service. */
const RETRY_PAUSE_MS = 200

const NOTE_ATTEMPTS = 3

/** Failures that a second attempt may not meet. */
const PASSING = new Set(['API_UNAVAILABLE', 'API_INTERRUPTED', 'API_UNREACHABLE'])

/**
 * @param onNotice - told once a run of an outage, and of every answer that is refused
 */
export function openRemoteCache(settings: RemoteSettings, onNotice: (text: string) => void): RemoteCache {
  const store: RemoteStore = openRemoteStore(settings)
  const claims = createClaims(store)
  const uploads = pLimit(UPLOADS_AT_A_TIME)
  const running = new Map<AnswerKey, Promise<boolean>>()
  const refused = new Set<AnswerKey>()
  const breaker = createBreaker(STORE_POLICY)
  let isTold = false
  let canClaim = !settings.readOnly
  let isCautioned = false
  const told = new Set<string>()
  /** Keys of answers that are here and not there. */
  const unsent = new Set<AnswerKey>()

  const isDown = (): boolean => breaker.isOpen(settings.name)

  function fail(error: UpscaleError): void {
    breaker.observe(settings.name, error)
    // Another server may be behind the same name next time.
    void store.close()
    if (isTold) return
    isTold = true
    onNotice(
      `the remote cache (${settings.name}) can't be used: ${error.problem}; the build goes on with what is on this machine`,
    )
  }

  /** Said once, however many pictures it is about. */
  function tellOnce(text: string): void {
    if (told.has(text)) return
    told.add(text)
    onNotice(text)
  }

  /** Undefined when the store is down, or went down over it. @throws UpscaleError for what is about this value alone */
  async function attempt<T>(work: () => Promise<T>, isWrite = false): Promise<T | undefined> {
    for (let turn = 1; !isDown(); turn++) {
      try {
        return await work()
      } catch (error) {
        if (!isUpscaleError(error) || error.code.startsWith('ANSWER_')) throw error
        // One that is full can still be read.
        if (isWrite && error.code === 'API_REJECTED') throw error
        if (turn > 1 || !PASSING.has(error.code)) {
          if (!isDown()) fail(error)
          return undefined
        }
        await new Promise(resolve => setTimeout(resolve, RETRY_PAUSE_MS))
      }
    }
    return undefined
  }

  function refuse(key: AnswerKey, reason: string): void {
    refused.add(key)
    onNotice(`remote cache (${settings.name}): ${addressOf(key)} is not used: ${reason}`)
  }

  async function upload(key: AnswerKey, folder: Pick<Cache, 'find'>): Promise<boolean> {
    const entry = await folder.find('answers', key)
    if (entry === undefined) return false
    const isStored = await attempt(async () => {
      // The first one stays: its digest may be listed by others already.
      if (refused.has(key) || !(await store.has(addressOf(key))))
        await store.put(addressOf(key), await encodePortable(entry.facts, entry.bytes))
      return true
    }, true)
    if (isStored !== true) {
      unsent.add(key)
      return false
    }
    refused.delete(key)
    unsent.delete(key)
    await claims.answered(key)
    return true
  }

  /** What is not noted is not ordered, so this is worth more than one attempt. */
  async function note(claim: Claim, call: object, attempts = NOTE_ATTEMPTS): Promise<void> {
    try {
      await claim.note(call)
    } catch (error) {
      if (!isUpscaleError(error) || error.code === 'ABORTED') throw error
      if (attempts === 1) throw unnoted(settings.name, error)
      await new Promise(resolve => setTimeout(resolve, RETRY_PAUSE_MS))
      await note(claim, call, attempts - 1)
    }
  }

  async function settle(): Promise<void> {
    if (running.size === 0) return
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>(resolve => {
      timer = setTimeout(resolve, SETTLE_MS)
    })
    await Promise.race([Promise.all(running.values()), late])
    clearTimeout(timer)
  }

  return {
    name: settings.name,
    has: async key => (await attempt(() => store.has(addressOf(key)))) === true,
    async find(key, maxImageBytes) {
      try {
        const portable = await attempt(() => store.get(addressOf(key), maxImageBytes + PORTABLE_OVERHEAD))
        if (portable === undefined) return undefined
        const unpacked = await decodePortable(portable, key)
        if ('facts' in unpacked) return unpacked
        refuse(key, unpacked.flaw)
      } catch (error) {
        if (!isUpscaleError(error)) throw error
        refuse(key, error.problem)
      }
      return undefined
    },
    refuse,
    keep(key, folder) {
      if (settings.readOnly) return Promise.resolve(false)
      const under = running.get(key)
      if (under !== undefined) return under
      const work = uploads(() => upload(key, folder)).catch((error: unknown) => {
        unsent.add(key)
        tellOnce(`remote cache (${settings.name}): ${isUpscaleError(error) ? error.problem : String(error)}`)
        return false
      })
      running.set(key, work)
      void work.finally(() => running.delete(key))
      return work
    },
    async claim(key, signal) {
      if (!canClaim || isDown()) return undefined
      try {
        if (!isCautioned) {
          isCautioned = true
          const caution = await store.caution()
          if (caution !== undefined)
            tellOnce(`remote cache (${settings.name}): ${caution}; what was bought may then be bought again`)
        }
        const claim = await claims.claim(key, () => store.has(addressOf(key)), signal)
        if (claim === 'answered') return claim
        if (typeof claim !== 'string') return { ...claim, note: call => note(claim, call) }
        if (canClaim) onNotice(noClaims(settings.name, claim))
        canClaim = false
      } catch (error) {
        if (!isUpscaleError(error) || error.code === 'ABORTED') throw error
        if (error.code === 'API_REJECTED') tellOnce(noClaims(settings.name, error.problem))
        else if (!isDown()) fail(error)
      }
      return undefined
    },
    abandon: key => claims.abandon(key),
    resolve: (key, at) => claims.resolve(key, at),
    askAgain() {
      breaker.succeed(settings.name)
    },
    settle,
    async close() {
      await settle()
      uploads.clearQueue()
      for (const key of running.keys()) unsent.add(key)
      running.clear()
      await Promise.all([...unsent].map(key => claims.abandon(key, true)))
      await claims.close()
      await store.close()
      const { size } = unsent
      if (size > 0)
        onNotice(
          `${size} ${size === 1 ? 'answer was' : 'answers were'} not stored in the remote cache; kept in the cache of this machine`,
        )
      unsent.clear()
    },
  }
}

function noClaims(name: string, reason: string): string {
  return `the remote cache (${name}) holds no claims (${reason}): two machines that miss the same picture at once both pay for it`
}

function unnoted(name: string, { code, problem }: UpscaleError): UpscaleError {
  return new UpscaleError(
    code,
    `the call could not be noted in the remote cache (${name}), where other machines would see it: ${problem}`,
    { hint: 'nothing was ordered; build again, or with UPSCALE_REMOTE_CACHE= without that store' },
  )
}

/** Where an answer lies in a store. */
export function addressOf(key: string): string {
  return `upscale:v1:answers:${key}`
}
