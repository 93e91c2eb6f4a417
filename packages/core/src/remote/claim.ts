import { hash, randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AnswerKey } from '../cache/keys.ts'
import { isUpscaleError, UpscaleError } from '../errors.ts'
import { safeText } from '../safe-text.ts'
import type { RemoteStore } from './store.ts'

// Two machines that share a store and nothing else must not both pay for a picture. So whoever is about to buy stores
// a claim where there is none, which one of all can do:
//
//   upscale:v1:claims:<key>     {"id":…,"host":…,"beat":…,"call":…}
//
// The others wait for the answer, or for the claim to go. Its owner stores it anew every few seconds with another
// `beat`; one that stays the same for half a minute, by the clock of whoever looks, is that of an owner who is gone.
// No clocks are compared. What is left then is `call`, the intent that the owner noted before its call: a call in
// doubt, told as one, and not made again without a person's word. A claim without one ends without a trace.
//
// The claim goes when the answer is in the store, so whoever finds no claim finds the answer, if there is one.
//
// Many may wait for an owner who is gone, and each looks before it writes. So that one of them takes over, and does so
// before anybody else looks, it first stores what one of all can store:
//
//   upscale:v1:heirs:<key>:<digest of what is left>
//
// The claim is then overwritten, never removed for a moment: what it says of a call in doubt is always there to be read.
// Nobody writes into a claim, or removes it, without having seen that it is his.
//
// A store has no step that looks and writes, so an owner looks how long both took him: one that was frozen in between makes
// no call.
//
// Not promised: an owner that its system froze for half a minute between its note and the call may make it after
// somebody else was told, by a person, to make it again; and two people who say so at once may both be charged.

/** A claim of ours. It is a {@link SharedIntent} of billing: what is noted in it is seen by all machines. */
export interface Claim {
  /** The call that a former owner noted last; undefined when there is none in doubt. */
  readonly earlier: unknown
  /** @throws ClaimLost when somebody else has it meanwhile; what is noted there is left alone then, and nothing was sent */
  note(call: object): Promise<void>
  strike(): Promise<void>
}

/** Somebody else took our claim over. Whoever can wait claims again. */
export class ClaimLost extends UpscaleError {
  constructor(owner: string) {
    super('ABORTED', `the claim on this picture was lost while it waited: ${owner}`, {
      hint: 'nothing was sent; start the build again',
    })
  }
}

export interface Claims {
  /**
   * Claims an answer; waits while somebody else has it.
   *
   * @param isThere - whether the answer came meanwhile
   * @returns a claim; `'answered'`; or a text that says why this store holds none
   * @throws UpscaleError API_* while nobody has it; ABORTED when somebody has it and the store goes away; an AbortError
   *   once `signal` is aborted
   */
  claim(
    key: AnswerKey,
    isThere: () => Promise<boolean>,
    signal: AbortSignal,
  ): Promise<Claim | 'answered' | string>
  /** The answer is in the store: removes our claim, if we have one. Never throws. */
  answered(key: AnswerKey): Promise<void>
  /**
   * No answer comes from us: what was noted stays as a call in doubt, and nobody waits for us. Never throws.
   * @param isKept - true where the answer is here and the store did not take it
   */
  abandon(key: AnswerKey, isKept?: boolean): Promise<void>
  /**
   * The answer of a call is in the store, and who noted that call has ended: removes the claim that tells of it as one in
   * doubt. Never throws.
   * @param at - when the call was noted
   */
  resolve(key: AnswerKey, at: string): Promise<void>
  /** Abandons all. */
  close(): Promise<void>
}

/** In milliseconds. */
export interface ClaimTiming {
  /** Between two signs of life. */
  readonly beatMs: number
  /** After so long without one, an owner is taken for gone. Also how long an outage may last for who waits. */
  readonly silentMs: number
  /** Between two looks. */
  readonly lookMs: number
}

const TIMING: ClaimTiming = { beatMs: 5000, silentMs: 30_000, lookMs: 1000 }

/** A store that can forget does so after a week, like the pictures of a queue. */
const CLAIM_SECONDS = 7 * 24 * 3600

const MAX_CLAIM_BYTES = 64 * 1024

/** A claim as it is stored. */
interface Note {
  readonly id: string
  readonly host: string
  readonly beat: number
  /** True when its owner says that no answer will come from it. */
  readonly isLeft?: boolean
  readonly call?: unknown
}

interface Held {
  note: Note
  timer: NodeJS.Timeout | undefined
}

const FROZEN = 'it was silent for so long that somebody else may have it'

/** Somebody else is about to take a claim over. */
const GUARDED = Symbol('guarded')

export function createClaims(store: RemoteStore, timing: ClaimTiming = TIMING): Claims {
  const held = new Map<AnswerKey, Held>()

  const write = (key: AnswerKey, note: Note): Promise<void> =>
    store.put(addressOf(key), encode(note), CLAIM_SECONDS)

  async function read(key: AnswerKey): Promise<Note | undefined> {
    const bytes = await store.get(addressOf(key), MAX_CLAIM_BYTES)
    return bytes === undefined ? undefined : decode(bytes)
  }

  /** Starts a watch: whether so long went by that others may have taken its owner for gone. A sleeping system stops one clock. */
  function lateness(): () => boolean {
    const [begun, begunAt] = [performance.now(), Date.now()]
    return () => Math.max(performance.now() - begun, Date.now() - begunAt) > timing.silentMs / 2
  }

  async function isOurs(key: AnswerKey, { id }: Note): Promise<boolean> {
    return (await read(key))?.id === id
  }

  /** Stores a claim that a store has lost, as a Redis does whose place a replica took without its last writes. */
  async function again(key: AnswerKey, note: Note): Promise<boolean> {
    return (await store.claim(addressOf(key), encode(note), CLAIM_SECONDS)) === true
  }

  function hold(key: AnswerKey, note: Note, isThere: () => Promise<boolean>): Claim {
    const own: Held = { note, timer: undefined }
    const beat = async (): Promise<void> => {
      const isLate = lateness()
      const seen = await read(key)
      if (own.timer === undefined || isLate()) return
      own.note = { ...own.note, beat: own.note.beat + 1 }
      if (seen?.id === own.note.id) return await write(key, own.note)
      // Somebody took it over, having heard nothing of us for long, and may be done; or was faster where the store lost ours.
      if (seen !== undefined || (await isThere()) || !(await again(key, own.note))) stopBeating(own)
    }
    // A sign of life that doesn't arrive is one less.
    own.timer = setInterval(() => void beat().catch(() => undefined), timing.beatMs)
    own.timer.unref()
    held.set(key, own)
    return {
      earlier: note.call,
      async note(call) {
        const isLate = lateness()
        const lost = (owner: string): ClaimLost => {
          letGo(key)
          return new ClaimLost(owner)
        }
        const seen = await read(key)
        // It may be gone because somebody took it over and is done.
        if (seen === undefined && (await isThere())) throw lost('its answer came meanwhile')
        const isOurs = seen?.id === own.note.id || (seen === undefined && (await again(key, own.note)))
        if (!isOurs) throw lost(seen === undefined ? 'it is gone' : `${seen.host} has it now`)
        if (isLate()) throw lost(FROZEN)
        own.note = { ...own.note, beat: own.note.beat + 1, call: { ...call, host: own.note.host } }
        await write(key, own.note)
        if (isLate()) throw lost(FROZEN)
      },
      async strike() {
        // One that was lost may be written over that of whoever has it, and is all that tells of his call.
        if (held.get(key) !== own) return
        const isLate = lateness()
        own.note = { id: own.note.id, host: own.note.host, beat: own.note.beat + 1 }
        // What stays tells of a call in doubt.
        if ((await isOurs(key, own.note)) && !isLate()) await write(key, own.note)
      },
    }
  }

  function letGo(key: AnswerKey): Note | undefined {
    const own = held.get(key)
    if (own === undefined) return undefined
    held.delete(key)
    stopBeating(own)
    return own.note
  }

  /**
   * Puts a claim in the place of one whose owner is gone. Undefined when somebody else was faster.
   * @param turn - counts those who were about to, and died at it
   */
  async function succeed(
    key: AnswerKey,
    gone: Note,
    turn: number,
  ): Promise<Note | string | typeof GUARDED | undefined> {
    const isLate = lateness()
    const guard = guardOf(key, gone, turn)
    const isAlone = await store.claim(guard, Buffer.from(hostname()), CLAIM_SECONDS)
    if (isAlone !== true) return isAlone === false ? GUARDED : isAlone
    try {
      const now = await read(key)
      // Whoever was stopped for long on the way may have been taken for dead.
      if (now?.id !== gone.id || now.beat !== gone.beat || isLate()) return undefined
      const note = newNote(gone.call)
      try {
        await write(key, note)
      } catch (error) {
        if (!(await isOurs(key, note))) throw error
      }
      return note
    } finally {
      // One that stays guards what is there no more.
      await store.remove(guard).catch(() => undefined)
    }
  }

  /** Stores a claim where there is none. Undefined when somebody else was faster. */
  async function make(key: AnswerKey): Promise<Note | string | undefined> {
    const note = newNote()
    let made: boolean | string
    try {
      made = await store.claim(addressOf(key), encode(note), CLAIM_SECONDS)
    } catch (error) {
      // It may have been stored all the same, and then it is ours.
      if (await isOurs(key, note)) return note
      throw error
    }
    if (typeof made === 'string') return made
    return made ? note : undefined
  }

  async function abandon(key: AnswerKey, isKept = false): Promise<void> {
    const note = letGo(key)
    if (note === undefined) return
    const call = isKept ? { ...Object(note.call), keptOn: note.host } : note.call
    try {
      if (!(await isOurs(key, note))) return
      if (note.call === undefined) await store.remove(addressOf(key))
      else await write(key, { ...note, call, beat: note.beat + 1, isLeft: true })
    } catch {
      // Whoever waits notices after a while that nothing comes from us.
    }
  }

  return {
    async claim(key, isThere, signal) {
      let seen: Note | undefined
      let changedAt = performance.now()
      let heardAt = performance.now()
      let turn = 0
      let guardedAt: number | undefined
      for (;;) {
        signal.throwIfAborted()
        try {
          const made = await make(key)
          if (typeof made === 'string') return made
          if (made !== undefined) return hold(key, made, isThere)
          if (await isThere()) return 'answered'
          const now = await read(key)
          heardAt = performance.now()
          if (now?.id !== seen?.id || now?.beat !== seen?.beat) {
            changedAt = performance.now()
            turn = 0
            guardedAt = undefined
          }
          seen = now
          const isGone = seen?.isLeft === true || performance.now() - changedAt > timing.silentMs
          if (seen === undefined && isGone) return 'it says that there is a claim, and shows none'
          if (seen !== undefined && isGone) {
            const own = await succeed(key, seen, turn)
            if (typeof own === 'string') return own
            if (typeof own === 'object') return hold(key, own, isThere)
            if (own === GUARDED) {
              guardedAt ??= performance.now()
              if (performance.now() - guardedAt > timing.silentMs) {
                turn += 1
                guardedAt = undefined
              }
            }
          }
        } catch (error) {
          // Whoever saw no claim yet does without; whoever saw one knows that it may be paid for, and waits a while.
          if (!isUpscaleError(error) || seen === undefined) throw error
          if (performance.now() - heardAt > timing.silentMs) throw unheard(seen, error)
        }
        await sleep(timing.lookMs, undefined, { signal })
      }
    },
    async answered(key) {
      if (letGo(key) === undefined) return
      // One that can't be removed falls silent, and the answer is there.
      await store.remove(addressOf(key)).catch(() => undefined)
    },
    abandon,
    async resolve(key, at) {
      if (held.has(key)) return
      try {
        const { call } = (await read(key)) ?? {}
        if (Object(call).at === at) await store.remove(addressOf(key))
      } catch {
        // Whoever looks finds the answer first.
      }
    },
    async close() {
      await Promise.all([...held.keys()].map(key => abandon(key)))
    },
  }
}

function stopBeating(own: Held): void {
  clearInterval(own.timer)
  own.timer = undefined
}

function newNote(call?: unknown): Note {
  const base = { id: randomUUID(), host: hostname(), beat: 0 }
  return call === undefined ? base : { ...base, call }
}

function encode(note: Note): Uint8Array {
  return Buffer.from(JSON.stringify(note))
}

/** A stored claim; one that can't be read says that a call was made, and no more. Total. */
function decode(bytes: Uint8Array): Note {
  const fields = parse(bytes)
  const { id, host, beat, isLeft, call } = fields ?? {}
  return {
    id: typeof id === 'string' ? id : '',
    host: safeText(typeof host === 'string' ? host : 'an unknown machine'),
    beat: typeof beat === 'number' ? beat : 0,
    ...(isLeft === true ? { isLeft } : {}),
    ...(fields === undefined ? { call: {} } : call === undefined ? {} : { call }),
  }
}

function parse(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString())
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

function unheard({ host }: Note, { problem }: UpscaleError): UpscaleError {
  return new UpscaleError(
    'ABORTED',
    `${host} is buying this picture, and the store that its answer comes through is away: ${problem}`,
    { hint: 'start the build again when the store is there; nothing was sent from here' },
  )
}

function addressOf(key: AnswerKey): string {
  return `upscale:v1:claims:${key}`
}

/** What a claim says of itself may be anything, so its name is made of a digest. */
function guardOf(key: AnswerKey, { id, beat }: Note, turn: number): string {
  const digest = hash('sha256', JSON.stringify([id, beat, turn]), 'hex')
  return `upscale:v1:heirs:${key}:${digest.slice(0, 32)}`
}
