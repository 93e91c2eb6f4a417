import { randomUUID } from 'node:crypto'
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
// Not promised: an owner that its system froze for half a minute between its note and the call may make it after
// somebody else was told, by a person, to make it again; and two people who say so at once may both be charged.

/** A claim of ours. It is a {@link SharedIntent} of billing: what is noted in it is seen by all machines. */
export interface Claim {
  /** The call that a former owner noted last; undefined when there is none in doubt. */
  readonly earlier: unknown
  note(call: object): Promise<void>
  strike(): Promise<void>
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

export function createClaims(store: RemoteStore, timing: ClaimTiming = TIMING): Claims {
  const held = new Map<AnswerKey, Held>()

  const write = (key: AnswerKey, note: Note): Promise<void> =>
    store.put(addressOf(key), encode(note), CLAIM_SECONDS)

  async function read(key: AnswerKey): Promise<Note | undefined> {
    const bytes = await store.get(addressOf(key), MAX_CLAIM_BYTES)
    return bytes === undefined ? undefined : decode(bytes)
  }

  /** Stores a claim that a store has lost, as a Redis does whose place a replica took without its last writes. */
  async function again(key: AnswerKey, note: Note): Promise<boolean> {
    return (await store.claim(addressOf(key), encode(note), CLAIM_SECONDS)) === true
  }

  function hold(key: AnswerKey, note: Note): Claim {
    const own: Held = { note, timer: undefined }
    const beat = async (): Promise<void> => {
      const seen = await read(key)
      if (own.timer === undefined) return
      own.note = { ...own.note, beat: own.note.beat + 1 }
      if (seen?.id === own.note.id) return await write(key, own.note)
      // Somebody took it over, having heard nothing of us for long, or was faster where the store lost ours.
      if (seen !== undefined || !(await again(key, own.note))) stopBeating(own)
    }
    // A sign of life that doesn't arrive is one less.
    own.timer = setInterval(() => void beat().catch(() => undefined), timing.beatMs)
    own.timer.unref()
    held.set(key, own)
    return {
      earlier: note.call,
      async note(call) {
        const seen = await read(key)
        const isOurs = seen?.id === own.note.id || (seen === undefined && (await again(key, own.note)))
        if (!isOurs) throw takenOver(seen)
        own.note = { ...own.note, beat: own.note.beat + 1, call: { ...call, host: own.note.host } }
        await write(key, own.note)
      },
      async strike() {
        own.note = { id: own.note.id, host: own.note.host, beat: own.note.beat + 1 }
        await write(key, own.note)
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

  /** Puts a claim in the place of one whose owner is gone. Undefined when somebody else was faster. */
  async function succeed(key: AnswerKey, gone: Note): Promise<Note | string | undefined> {
    const now = await read(key)
    if (now !== undefined && (now.id !== gone.id || now.beat !== gone.beat)) return undefined
    await store.remove(addressOf(key))
    return make(key, gone.call)
  }

  /** Stores a claim where there is none. Undefined when somebody else was faster. */
  async function make(key: AnswerKey, call?: unknown): Promise<Note | string | undefined> {
    const base = { id: randomUUID(), host: hostname(), beat: 0 }
    const note: Note = call === undefined ? base : { ...base, call }
    let made: boolean | string
    try {
      made = await store.claim(addressOf(key), encode(note), CLAIM_SECONDS)
    } catch (error) {
      // It may have been stored all the same, and then it is ours.
      if ((await read(key))?.id === note.id) return note
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
      for (;;) {
        signal.throwIfAborted()
        try {
          const made = await make(key)
          if (typeof made === 'string') return made
          if (made !== undefined) return hold(key, made)
          if (await isThere()) return 'answered'
          const now = await read(key)
          heardAt = performance.now()
          if (now?.id !== seen?.id || now?.beat !== seen?.beat) changedAt = performance.now()
          seen = now
          const isGone = seen?.isLeft === true || performance.now() - changedAt > timing.silentMs
          if (seen === undefined && isGone) return 'it says that there is a claim, and shows none'
          if (seen !== undefined && isGone) {
            const own = await succeed(key, seen)
            if (typeof own === 'string') return own
            if (own !== undefined) return hold(key, own)
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
    async close() {
      await Promise.all([...held.keys()].map(key => abandon(key)))
    },
  }
}

function stopBeating(own: Held): void {
  clearInterval(own.timer)
  own.timer = undefined
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

function takenOver(seen: Note | undefined): UpscaleError {
  const who = seen === undefined ? 'it is gone' : `${seen.host} has it now`
  return new UpscaleError('ABORTED', `the claim on this picture was lost while it waited: ${who}`, {
    hint: 'nothing was sent; start the build again',
  })
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
