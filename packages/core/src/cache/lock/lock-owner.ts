import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { integer, record } from '../../validate.ts'
import { errnoOf } from '../disk.ts'
import { isObject } from '../entry.ts'

/** Who holds a lock: enough to tell, on the same running system, whether that process is still alive. */
export interface LockOwner {
  readonly pid: number
  /** Clock ticks after boot; tells a process from a later one with the same id. Undefined without /proc. */
  readonly startTime?: string
  /** Changes with every boot. Undefined without /proc. */
  readonly bootId?: string
  /** The name space that the pid counts in. Undefined without /proc. */
  readonly pidNamespace?: string
  readonly host: string
}

export interface LockToken extends LockOwner {
  /** Unique for every acquisition. */
  readonly id: string
  /** ISO 8601, by the owner's clock; for people. */
  readonly acquiredAt: string
}

/** This process. */
export function describeSelf(): LockOwner {
  const self = { pid: process.pid, host: hostname() }
  const startTime = processFacts(process.pid)?.startTime
  const bootId = readText('/proc/sys/kernel/random/boot_id')
  const pidNamespace = link('/proc/self/ns/pid')
  // A /proc that was mounted in another name space counts processes differently than kill() does.
  if (link('/proc/self') !== String(process.pid)) return self
  if (startTime === undefined || bootId === undefined || pidNamespace === undefined) return self
  return { ...self, startTime, bootId, pidNamespace }
}

/**
 * Whether an owner lives. 'dead' is certain. 'unknown': it is or was on another machine, in another container, or
 * on a system that doesn't tell.
 */
export function judgeOwner(owner: LockOwner, self: LockOwner): 'alive' | 'dead' | 'unknown' {
  const comparable = self.bootId !== undefined && self.bootId === owner.bootId
  if (comparable && self.pidNamespace === owner.pidNamespace) {
    if (!isRunning(owner.pid)) return 'dead'
    const facts = processFacts(owner.pid)
    if (facts === undefined) return isRunning(owner.pid) ? 'alive' : 'dead' // hidden from us, or just gone
    // A zombie runs no more code, and stays for ever in a container without an init process.
    if (facts.state === 'Z' || facts.state === 'X') return 'dead'
    return facts.startTime === owner.startTime ? 'alive' : 'dead'
  }
  // Without a boot id a dead pid proves nothing (two machines can have one name), but a live one forbids to steal.
  const sameHost = self.bootId === undefined && owner.bootId === undefined && self.host === owner.host
  return sameHost && isRunning(owner.pid) ? 'alive' : 'unknown'
}

/** Whether an owner runs, or ran, on this system since it was started; on one that doesn't tell, whether it may have. */
export function isSameSystem(owner: LockOwner, self: LockOwner): boolean {
  return owner.bootId === self.bootId && (self.bootId !== undefined || owner.host === self.host)
}

export function printToken(token: LockToken): string {
  return `${JSON.stringify(token)}\n`
}

/** Total: undefined for anything that isn't a whole token. */
export function parseToken(text: string): LockToken | undefined {
  let token: unknown
  try {
    token = JSON.parse(text)
  } catch {
    return undefined
  }
  return isObject(token) && isToken(token) ? token : undefined
}

function isToken(token: Record<string, unknown>): token is Record<string, unknown> & LockToken {
  return isOwner(token) && isText(token.id) && isText(token.acquiredAt)
}

/** Zero and less would be groups of processes. */
const PID = integer(1, 2 ** 31 - 1)

/** True for what {@link describeSelf} may have said, whatever else is with it. */
export function isOwner(value: unknown): value is LockOwner {
  return (
    record.accepts(value) &&
    PID.accepts(value.pid) &&
    isText(value.host) &&
    [value.startTime, value.bootId, value.pidNamespace].every(fact => fact === undefined || isText(fact))
  )
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 300
}

/** True for a process of this machine, whoever owns it. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return errnoOf(error) !== 'ESRCH' // EPERM: another user's, so it is there
  }
}

/** State (one letter) and start time of a process, out of /proc/<pid>/stat. */
function processFacts(pid: number): { readonly state: string; readonly startTime: string } | undefined {
  const stat = readText(`/proc/${pid}/stat`)
  if (stat === undefined) return undefined
  // The second field is the program's name in brackets and may hold anything; the third follows the last bracket.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const state = fields[0]
  const startTime = fields[19]
  return state === undefined || startTime === undefined ? undefined : { state, startTime }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1').trim()
  } catch {
    return undefined // not Linux, or hidden: every caller has an answer for not knowing
  }
}

function link(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined // as above
  }
}
