import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isUpscaleError, UpscaleError } from '../../errors.ts'
import { fileSystemNow, unwritable, whileHeldOpen } from '../disk.ts'
import { beat, isSame, publishToken, readLock, removeOwn, type SeenLock } from './lock-file.ts'
import { describeSelf, judgeOwner, type LockOwner, type LockToken } from './lock-owner.ts'

// A lock between processes, as a file.
//
// The file is the owner's token: a random id, and who the owner is (process id and start time, boot id, name space of
// process ids, host). The protocol:
//
//   1. Acquire. Write the token to a private file beside the lock, link(2) it to the lock's name. The link either
//      makes the whole file appear or fails because there is one. Nobody ever sees half a token.
//   2. Wait. While the lock is there, look at its owner. On the same boot and in the same name space the owner is dead
//      if its process is gone, is a zombie, or started at another time. Otherwise only its heartbeat tells: the owner
//      rewrites its token every `heartbeatMs`, which moves the file's time. It counts as dead when that time is older
//      than `staleMs` by the file system's own clock (that of a file made for the purpose, so no machine's clock
//      matters) and did not move while we watched for two heartbeats: a laptop that wakes up finds every heartbeat
//      stale, its own container's too. It also counts as dead when its time did not move while we watched for `staleMs`:
//      where the file system's clock was set back, that of a dead owner lies in the future for as long. Whoever was
//      stopped while he watched, as in a sleep of the system, begins anew.
//   3. Reap. The flaw of most lock files is in the removal: two processes see a dead owner, one removes the file and
//      acquires, the other removes the new file. Here only the holder of a second lock, `<lock>.reap`, acquired by
//      this same procedure, may remove a dead owner's file, after reading it again and finding the same token. The
//      dead can't come back and no third party removes files, so the token it unlinks is the one it read. That a
//      reaper dies in turn is seen and mended the same way, one level down.
//   4. Release. Read the token again, remove it only if it is ours.
//
// An owner that may be alive is never robbed, however long it holds the lock: a process stopped in a debugger keeps
// it, and who waits gets an error that names it. Where link(2) doesn't exist (FAT, some network mounts), an exclusive
// create takes its place; since a token may then be seen half-written, one that can't be read counts as held until
// it has not changed for `tornMs`. The same heals a token that a power cut left empty.
//
// Not promised: exclusion between machines whose owner was paused for longer than `staleMs`, and fairness.

/** The folder of a cache root that locks live in. */
export const LOCKS = 'locks'

export interface LockOptions {
  readonly signal: AbortSignal
  /** Longest wait, counted from the call. */
  readonly timeoutMs: number
  /** How often an owner shows that it lives. @default 10_000 */
  readonly heartbeatMs?: number
  /** How old the last heartbeat of an owner must be that can't be looked at. @default 60_000 */
  readonly staleMs?: number
  /** How long an unreadable token must not have changed. @default 5_000 */
  readonly tornMs?: number
  /** Told once, when the lock turns out to be held. */
  onWait?(holder: LockHolder): void
}

/** Who has the lock. `owner` is undefined when its token can't be read. */
export interface LockHolder {
  readonly file: string
  readonly owner?: LockOwner
  /** How long it has had the lock, by the two machines' clocks. */
  readonly ageMs: number
}

export interface Lock {
  /**
   * To be called before what nobody else may do: another machine takes an owner that was paused for long for dead.
   *
   * @throws UpscaleError CACHE_LOCKED when the lock is somebody else's now, or nobody's; CACHE_UNWRITABLE when that can't
   *   be seen
   */
  check(): Promise<void>
  /**
   * Gives the lock back. Calling it again does nothing.
   *
   * @throws UpscaleError CACHE_UNWRITABLE when the file can't be removed
   */
  release(): Promise<void>
}

/** Locks nest when a reaper dies, which takes a kill within microseconds for every level. */
const MAX_DEPTH = 8
const REAP = '.reap'
const MAX_PAUSE_MS = 250

/**
 * Acquires a lock, waiting while another process (or another caller in this one) has it. The folder is made if it
 * isn't there.
 *
 * @param file the lock's absolute path
 * @throws UpscaleError CACHE_LOCKED when the wait took longer than `timeoutMs` (it names process, host, file and
 *   age) or the file can't be written; ABORTED when the signal says so
 */
export async function acquireLock(file: string, options: LockOptions): Promise<Lock> {
  const attempt: Attempt = {
    options,
    heartbeatMs: options.heartbeatMs ?? 10_000,
    staleMs: options.staleMs ?? 60_000,
    tornMs: options.tornMs ?? 5_000,
    deadline: performance.now() + options.timeoutMs,
    self: describeSelf(),
    told: false,
  }
  try {
    const token = await acquire(file, attempt, 0)
    return hold(file, token, attempt.heartbeatMs)
  } catch (error) {
    throw isUpscaleError(error) ? error : unwritable(dirname(file), error)
  }
}

/**
 * Works while a lock is held, and gives it back. An error of the work is thrown as it is, whatever becomes of the lock:
 * it may be the only one that says where something lies that was paid for.
 *
 * @throws what the work throws; UpscaleError CACHE_UNWRITABLE when only the lock can't be removed
 */
export async function whileHeld<Result>(lock: Lock, work: () => Promise<Result>): Promise<Result> {
  let result: Result
  try {
    result = await work()
  } catch (error) {
    await lock.release().catch(() => undefined) // the error to tell about is the first one
    throw error
  }
  await lock.release()
  return result
}

interface Attempt {
  readonly options: LockOptions
  readonly heartbeatMs: number
  readonly staleMs: number
  readonly tornMs: number
  /** By performance.now(). */
  readonly deadline: number
  readonly self: LockOwner
  told: boolean
}

/** What was first seen unchanged, when, and when it was looked at last, by performance.now(). */
interface Watch {
  readonly seen: SeenLock
  readonly since: number
  lookedAt: number
}

async function acquire(file: string, attempt: Attempt, depth: number): Promise<LockToken> {
  for (let turn = 0; ; turn++) {
    checkAbort(attempt.options.signal)
    const token = await publishToken(file, attempt.self)
    if (token !== undefined) return token
    await waitWhileHeld(file, attempt, depth)
    // A name that is taken and yet leads nowhere (a dangling link) must not be asked for as fast as can be, or for ever.
    if (performance.now() > attempt.deadline) throw tookTooLong({ file, ageMs: 0 }, attempt.options.timeoutMs)
    await sleep(Math.min(turn, 50))
  }
}

/** Returns when the lock is gone, whoever removed it. */
async function waitWhileHeld(file: string, attempt: Attempt, depth: number): Promise<void> {
  let watch: Watch | undefined
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)) {
    const seen = await readLock(file)
    if (seen === undefined) return
    const now = performance.now()
    const goesOn =
      watch !== undefined &&
      isSame(watch.seen, seen) &&
      watch.seen.mtimeMs === seen.mtimeMs &&
      now - watch.lookedAt < attempt.heartbeatMs + MAX_PAUSE_MS
    if (watch === undefined || !goesOn) watch = { seen, since: now, lookedAt: now }
    watch.lookedAt = now
    if (depth < MAX_DEPTH && (await isAbandoned(file, watch, attempt))) {
      await reap(file, seen, attempt, depth)
      return
    }
    await pause(file, seen, attempt, pauseMs)
  }
}

async function isAbandoned(file: string, watch: Watch, attempt: Attempt): Promise<boolean> {
  const watchedMs = performance.now() - watch.since
  const { token, mtimeMs } = watch.seen
  if (token === undefined) return watchedMs > attempt.tornMs
  const verdict = judgeOwner(token, attempt.self)
  if (verdict !== 'unknown') return verdict === 'dead'
  if (watchedMs < 2 * attempt.heartbeatMs) return false
  if (watchedMs > attempt.staleMs) return true
  return (await fileSystemNow(dirname(file))) - mtimeMs > attempt.staleMs
}

/** Removes an abandoned lock, unless somebody else did so already. */
async function reap(file: string, abandoned: SeenLock, attempt: Attempt, depth: number): Promise<void> {
  const guard = file + REAP
  const token = await acquire(guard, attempt, depth + 1)
  try {
    const seen = await readLock(file)
    if (seen !== undefined && isSame(seen, abandoned)) await whileHeldOpen(() => rm(file, { force: true }))
  } finally {
    await removeOwn(guard, token)
  }
}

async function pause(file: string, seen: SeenLock, attempt: Attempt, pauseMs: number): Promise<void> {
  const { options } = attempt
  const holder: LockHolder = {
    file,
    ...(seen.token && { owner: seen.token }),
    ageMs: Math.max(0, Date.now() - (seen.token ? Date.parse(seen.token.acquiredAt) : seen.mtimeMs)),
  }
  // Somebody who is removing a dead lock is of no interest, and gone in an instant.
  if (!attempt.told && !file.endsWith(REAP)) {
    attempt.told = true
    options.onWait?.(holder)
  }
  const leftMs = attempt.deadline - performance.now()
  if (leftMs <= 0) throw tookTooLong(holder, options.timeoutMs)
  // Not handed the signal: with many waiters Node warns of a leak of listeners. The pause is short.
  await sleep(Math.min(pauseMs, leftMs))
  checkAbort(options.signal)
}

function hold(file: string, token: LockToken, heartbeatMs: number): Lock {
  // A heartbeat that fails is one that others don't see; the next one may do better, and the owner can't do anything.
  const timer = setInterval(() => void beat(file, token).catch(() => undefined), heartbeatMs)
  timer.unref()
  let released = false
  return {
    async check() {
      const seen = await readLock(file).catch(error => {
        throw unwritable(dirname(file), error)
      })
      if (seen?.token?.id !== token.id) throw takenOver(file, seen)
    },
    async release() {
      if (released) return
      released = true
      clearInterval(timer)
      try {
        await removeOwn(file, token)
      } catch (error) {
        throw unwritable(dirname(file), error)
      }
    },
  }
}

function checkAbort(signal: AbortSignal): void {
  if (!signal.aborted) return
  throw new UpscaleError('ABORTED', 'stopped while waiting for another process', {
    hint: 'start again; nothing was lost.',
    cause: signal.reason,
  })
}

function takenOver(file: string, seen: SeenLock | undefined): UpscaleError {
  const owner = seen?.token
  const why =
    owner === undefined
      ? 'the lock of this process was removed, with its folder or by another machine that took it for dead'
      : `this process was paused for so long that process ${owner.pid} on ${owner.host} has its lock now`
  return new UpscaleError('CACHE_LOCKED', why, {
    file,
    hint: 'nothing was sent; start the build again.',
  })
}

function tookTooLong({ file, owner, ageMs }: LockHolder, timeoutMs: number): UpscaleError {
  const who = owner === undefined ? 'an unknown process' : `process ${owner.pid} on ${owner.host}`
  const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`
  const problem = `${who} has held this lock for ${seconds(ageMs)}; gave up after ${seconds(timeoutMs)}`
  return new UpscaleError('CACHE_LOCKED', problem, {
    file,
    hint: 'let that process finish or end it. If it is certain that it no longer runs, remove the file.',
  })
}
