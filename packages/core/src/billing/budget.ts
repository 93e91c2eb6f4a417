import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { unwritable } from '../cache/disk.ts'
import { acquireLock, LOCKS } from '../cache/lock/lock.ts'
import { describeSelf, judgeOwner, type LockOwner } from '../cache/lock/lock-owner.ts'
import { dollars } from '../engines/dollars.ts'
import { isUpscaleError, UpscaleError } from '../errors.ts'
import { record } from '../validate.ts'

// The money of one run.
//
// A run is one build, but a build may be several processes: a client and a server build side by side, shards, two
// terminals. So all upscalers that are open on one durable cache at the same time share a run and its spending. What
// each one spent and holds stands in one small file, changed only under a lock:
//
//   <durable>/locks/run.json   [ { id, owner, open, spentMicros, heldMicros }, … ]
//
// When no open member is left, the next one begins a new run. What a dead member held counts as spent: its call may
// have been charged. The file says nothing that has to survive a power cut, which ends every run, so it is not synced.

/** Money held and spent in one run, in millionths of a US dollar. */
export interface Budget {
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

interface Member {
  readonly id: string
  readonly owner: LockOwner
  readonly open: boolean
  readonly spentMicros: number
  readonly heldMicros: number
}

const LOCK_TIMEOUT_MS = 60_000

/** The longest that a member on another machine, which can't be looked at, counts as open after its last change. */
const UNKNOWN_MS = 60 * 60 * 1000

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
  let spentMicros = 0
  let heldMicros = 0
  // As of the last change. Other processes look at ours before each of their calls, as we do at theirs.
  let othersMicros = 0
  let joined = false
  // What was spent must be written down also when the build is being stopped, so nothing aborts this wait.
  const { signal } = new AbortController()

  const used = (): number => othersMicros + spentMicros + heldMicros

  /** Looks at the others under the lock, and writes down what is so of this upscaler after `decide`. */
  async function update(decide: () => void, open = true): Promise<void> {
    const lock = await acquireLock(join(durable, LOCKS, 'run.lock'), { signal, timeoutMs: LOCK_TIMEOUT_MS })
    try {
      const others = currentRun(file).filter(member => member.id !== id)
      othersMicros = others.reduce((sum, member) => sum + member.spentMicros + member.heldMicros, 0)
      decide()
      // Whole, not as a difference: the file may have been deleted, and with it what it knew of us.
      await replaceFile(file, [...others, { id, owner: describeSelf(), open, spentMicros, heldMicros }])
      joined = true
    } finally {
      await lock.release()
    }
  }

  async function hold(priceMicros: number): Promise<void> {
    let held = false
    try {
      await update(() => {
        if (used() + priceMicros > capMicros) throw exceeded(priceMicros, used(), capMicros)
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
        if (used() > capMicros) throw exceeded(priceMicros, used() - priceMicros, capMicros)
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

function exceeded(priceMicros: number, usedMicros: number, capMicros: number): UpscaleError {
  const problem = `the next call costs ${dollars(priceMicros)}, and ${dollars(usedMicros)} of the ${dollars(capMicros)} of this run are spent or held`
  return new UpscaleError('BUDGET_EXCEEDED', problem, {
    hint: 'raise "budget" (US dollars a run), or use the engine "local"; what was bought is kept',
  })
}

/** The members of the run under way; none when its last open member is gone. */
function currentRun(file: string): Member[] {
  const self = describeSelf()
  const members = readMembers(file)
  const isOpen = ({ open, owner, id }: Member): boolean =>
    open && id !== '' && judgeOwner(owner, self) !== 'dead'
  return members.some(isOpen) ? members : []
}

function readMembers(file: string): Member[] {
  let value: unknown
  try {
    const text = readFileSync(file, 'utf8')
    value = JSON.parse(text)
  } catch (error) {
    // Not there yet, or torn by a power cut, which ended the run.
    if (
      error instanceof SyntaxError ||
      (error instanceof Error && 'code' in error && error.code === 'ENOENT')
    )
      return []
    throw error
  }
  if (!record.accepts(value) || typeof value.at !== 'number' || !Array.isArray(value.members)) return []
  const isOld = Date.now() - value.at > UNKNOWN_MS
  return value.members
    .filter(isMember)
    .filter(({ owner }) => !isOld || judgeOwner(owner, describeSelf()) !== 'unknown')
}

function isMember(value: unknown): value is Member {
  return (
    record.accepts(value) &&
    typeof value.id === 'string' &&
    record.accepts(value.owner) &&
    typeof value.owner.pid === 'number' &&
    typeof value.owner.host === 'string' &&
    typeof value.open === 'boolean' &&
    Number.isSafeInteger(value.spentMicros) &&
    Number.isSafeInteger(value.heldMicros)
  )
}

async function replaceFile(file: string, members: readonly Member[]): Promise<void> {
  const temporary = `${file}.${randomUUID()}`
  try {
    await writeFile(temporary, JSON.stringify({ at: Date.now(), members }), { flag: 'wx' })
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined) // the error to tell about is the first one
    throw unwritable(file, error)
  }
}
