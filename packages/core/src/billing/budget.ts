import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { discard, errnoOf, readFileOfLimitSync, renamePatiently, unwritable } from '../cache/disk.ts'
import { acquireLock, LOCKS, whileHeld } from '../cache/lock/lock.ts'
import { describeSelf, isOwner, judgeOwner, type LockOwner } from '../cache/lock/lock-owner.ts'
import { dollars } from '../engines/dollars.ts'
import { parseJson } from '../engines/http/json.ts'
import { isUpscaleError, UpscaleError } from '../errors.ts'
import { record } from '../validate.ts'
import { MICROS } from './recorded-amounts.ts'
import { type NotedTimes, noteTimes, readTimes, uptimeNow } from './run-time.ts'

// The money of one run.
//
// A run is one build, but a build may be several processes: a client and a server build side by side, shards, two
// terminals. So all upscalers whose times overlap on one durable cache, directly or through others, share a run and its
// spending. What each one spent and holds stands in one small file, changed only under a lock:
//
//   <durable>/locks/run.json   { members: [{ id, owner, startedAt, at, uptime, open, spentMicros, heldMicros }, …] }
//
// An upscaler joins when it begins to work on its first picture that must be bought, which may be long after its process
// began, and another may have spent and left meanwhile. So who has left stays in the file for a while, and counts for
// everybody whose process ran then. What a dead member held counts as spent: its call may have been charged. One that died
// without leaving counts for a while for whoever begins after it: a build or a worker that is killed and started again,
// again and again, goes on in its run. The file says nothing that has to survive a power cut, which ends every run, so it
// is not synced.

/** Money held and spent in one run, in millionths of a US dollar. */
export interface Budget {
  /**
   * Joins the run, so that everybody who begins from now on knows of this upscaler. Does nothing for calls that are
   * free, nor once it has joined.
   * @throws UpscaleError CACHE_UNWRITABLE, CACHE_LOCKED
   */
  join(priceMicros: number): Promise<void>
  /**
   * Holds the price of a call before it is made.
   * @throws UpscaleError BUDGET_EXCEEDED when it does not fit, CACHE_UNWRITABLE, CACHE_LOCKED
   */
  reserve(priceMicros: number): Promise<Reservation>
  /** Spent by this upscaler. */
  readonly spentMicros: number
  /** Leaves the run. Where that can't be written down, the end of this process says the same. */
  close(): Promise<void>
}

export interface Reservation {
  /**
   * To be called right before the call: what was held may have become too much, where earlier calls cost more than
   * they should have.
   * @throws UpscaleError BUDGET_EXCEEDED
   */
  check(): void
  /** Takes note at once of what the service says it charged, so that the next {@link check} knows. */
  charged(costMicros: number | undefined): void
  /**
   * The call was made, or may have been. The larger of the price and what the service says it charged counts.
   * @returns what counts as charged
   */
  spend(costMicros: number | undefined): Promise<number>
  /** The call was certainly not charged. */
  cancel(): Promise<void>
}

/** It started when its process did. */
interface Member extends NotedTimes {
  readonly id: string
  readonly owner: LockOwner
  readonly open: boolean
  readonly spentMicros: number
  readonly heldMicros: number
}

const LOCK_TIMEOUT_MS = 60_000

/**
 * The longest that a member on another machine, which can't be looked at, counts as open after its last change; and that
 * one which has left stays in the file when no other is open.
 */
const UNKNOWN_MS = 60 * 60 * 1000

/**
 * Processes that are started together need different times to load, so a run begins with the process. In one that was
 * running long before, it begins this long before the upscaler at most.
 */
const LOADING_MS = 60_000

/** How long one that was killed counts as open after its last change: longer than a call takes, and who starts it again. */
const KILLED_MS = 10 * 60_000

/** Some thousand members. */
const MAX_RUN_BYTES = 1024 * 1024

/** A call without a price needs no place in the run; should the service charge all the same, it is only reported. */
const FREE: Reservation = {
  check: () => {},
  charged: () => {},
  spend: async costMicros => costMicros ?? 0,
  cancel: async () => {},
}

/**
 * @param capMicros - what a run may spend
 * @param durable - the durable cache root, where the run's file is kept
 */
export function createBudget(capMicros: number, durable: string): Budget {
  const id = randomUUID()
  const file = join(durable, LOCKS, 'run.json')
  const createdAt = uptimeNow()
  const startedAt = createdAt - Math.min(performance.now(), LOADING_MS)
  let spentMicros = 0
  let heldMicros = 0
  // As of the last change. Other processes look at ours before each of their calls, as we do at theirs.
  let othersMicros = 0
  let isOneKilled = false
  let joined = false
  /** Who was in the run once stays in it: times of other machines are those of their clocks, and a clock may jump. */
  const met = new Set<string>()
  // What was spent must be written down also when the build is being stopped, so nothing aborts this wait.
  const { signal } = new AbortController()

  const used = (): number => othersMicros + spentMicros + heldMicros

  /** Looks at the others under the lock, and writes down what is so of this upscaler after `decide`. */
  async function update(decide: () => void, open = true): Promise<void> {
    const lock = await acquireLock(join(durable, LOCKS, 'run.lock'), { signal, timeoutMs: LOCK_TIMEOUT_MS })
    await whileHeld(lock, async () => {
      const self = describeSelf()
      const others = readMembers(file, self).filter(member => member.id !== id)
      // An upscaler of this process that was closed before this one was made belongs to an earlier build.
      const run = membersOfRun(
        others.filter(
          member =>
            member.open ||
            readTimes(member, self).at > createdAt ||
            member.owner.pid !== self.pid ||
            member.owner.host !== self.host,
        ),
        startedAt,
        self,
        met,
      )
      for (const member of run) met.add(member.id)
      othersMicros = run.reduce((sum, member) => sum + member.spentMicros + member.heldMicros, 0)
      isOneKilled = run.some(member => member.open && !isOpen(member, self))
      decide()
      // Whole, not as a difference: the file may have been deleted, and with it what it knew of us.
      const times = noteTimes({ startedAt, at: uptimeNow() })
      const own = { id, owner: self, ...times, open, spentMicros, heldMicros }
      await replaceFile(file, [...others, own])
      joined = true
    })
  }

  async function hold(priceMicros: number): Promise<void> {
    let held = false
    try {
      await update(() => {
        if (used() + priceMicros > capMicros) throw exceeded(priceMicros, used(), capMicros, isOneKilled)
        heldMicros += priceMicros
        held = true
      })
    } catch (error) {
      if (held) heldMicros -= priceMicros
      throw error
    }
  }

  function reservation(priceMicros: number): Reservation {
    let open = true
    let ownMicros = priceMicros
    const settle = async (chargedMicros: number): Promise<void> => {
      if (!open) return
      open = false
      heldMicros -= ownMicros
      spentMicros += chargedMicros
      await update(() => {})
    }
    return {
      check() {
        if (used() > capMicros) throw exceeded(priceMicros, used() - priceMicros, capMicros, isOneKilled)
      },
      charged(costMicros = 0) {
        const surplusMicros = Math.max(0, costMicros - ownMicros)
        ownMicros += surplusMicros
        heldMicros += surplusMicros
      },
      async spend(costMicros) {
        const chargedMicros = Math.max(priceMicros, costMicros ?? 0)
        await settle(chargedMicros)
        return chargedMicros
      },
      cancel: () => settle(0),
    }
  }

  return {
    get spentMicros() {
      return spentMicros
    },
    async join(priceMicros) {
      if (priceMicros > 0 && !joined) await update(() => {})
    },
    async reserve(priceMicros) {
      if (priceMicros === 0) return FREE
      await hold(priceMicros)
      return reservation(priceMicros)
    },
    async close() {
      if (!joined) return
      await update(() => {}, false).catch(error => {
        if (!isUpscaleError(error)) throw error
      })
    },
  }
}

function exceeded(
  priceMicros: number,
  usedMicros: number,
  capMicros: number,
  isOneKilled: boolean,
): UpscaleError {
  const others = isOneKilled ? ', also by one that was killed less than ten minutes ago' : ''
  const problem = `the next call costs ${dollars(priceMicros)}, and ${dollars(usedMicros)} of the ${dollars(capMicros)} of this run are spent or held${others}`
  return new UpscaleError('BUDGET_EXCEEDED', problem, {
    hint: 'raise "budget" (US dollars a run), or use the engine "local"; what was bought is kept',
  })
}

/** Those who were met, or whose times overlap with a time that began at `start` and goes on, directly or through others. */
function membersOfRun(
  members: readonly Member[],
  start: number,
  self: LockOwner,
  met: ReadonlySet<string>,
): readonly Member[] {
  const endOf = (member: Member): number =>
    isOpen(member, self)
      ? Number.POSITIVE_INFINITY
      : readTimes(member, self).at + (member.open ? KILLED_MS : 0)
  const run = members.filter(member => met.has(member.id) || endOf(member) > start)
  const earliest = Math.min(start, ...run.map(member => readTimes(member, self).startedAt))
  return earliest === start ? run : membersOfRun(members, earliest, self, met)
}

function isOpen(member: Member, self: LockOwner): boolean {
  if (!member.open) return false
  const life = judgeOwner(member.owner, self)
  return life === 'alive' || (life === 'unknown' && isRecent(member, self))
}

function isRecent(member: Member, self: LockOwner): boolean {
  return uptimeNow() - readTimes(member, self).at <= UNKNOWN_MS
}

/** Everybody that may still count for somebody. */
function readMembers(file: string, self: LockOwner): Member[] {
  let text: Buffer | string
  try {
    text = readFileOfLimitSync(file, MAX_RUN_BYTES)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw unwritable(file, error)
  }
  if (typeof text === 'string') throw unwritable(file, new Error(text))
  const value = parseJson(text.toString())
  // Torn by a power cut, which ended the run, or of another version.
  if (!record.accepts(value) || !Array.isArray(value.members)) return []
  const members = value.members.filter(isMember)
  const isRun = members.some(member => isOpen(member, self))
  return isRun ? members : members.filter(member => isRecent(member, self))
}

function isMember(value: unknown): value is Member {
  return (
    record.accepts(value) &&
    typeof value.id === 'string' &&
    value.id !== '' &&
    isOwner(value.owner) &&
    isTimes(value) &&
    (value.uptime === undefined || (record.accepts(value.uptime) && isTimes(value.uptime))) &&
    typeof value.open === 'boolean' &&
    MICROS.accepts(value.spentMicros) &&
    MICROS.accepts(value.heldMicros)
  )
}

function isTimes({ startedAt, at }: Readonly<Record<string, unknown>>): boolean {
  return Number.isFinite(startedAt) && Number.isFinite(at)
}

async function replaceFile(file: string, members: readonly Member[]): Promise<void> {
  const temporary = `${file}.${randomUUID()}`
  try {
    await writeFile(temporary, JSON.stringify({ members }), { flag: 'wx' })
    await renamePatiently(temporary, file)
  } catch (error) {
    await discard(temporary)
    throw unwritable(file, error)
  }
}
