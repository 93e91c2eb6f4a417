import { isSameSystem, type LockOwner } from '../cache/lock/lock-owner.ts'

// When somebody was in a run, in milliseconds.
//
// The wall's clock is set while a run is under way: by a person, by a time service, after a laptop slept. By it one who
// left a moment ago may have left an hour ago, and what was spent would be forgotten; or one who left an hour ago may
// count for those who begin now. So times are those since this system was started, which all its processes share and
// nobody sets. The wall counts only between systems, whose clocks must then tell the same time.

export interface Times {
  readonly startedAt: number
  /** The last change, which is the end of one that has left. */
  readonly at: number
}

/** Times as they are written down: since 1970, and since the writer's system was started. */
export interface NotedTimes extends Times {
  readonly uptime?: Times
}

/** Since this system was started, its sleep not counted. */
export function uptimeNow(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** @param times since this system was started */
export function noteTimes(times: Times): NotedTimes {
  const offset = Date.now() - uptimeNow()
  return { startedAt: times.startedAt + offset, at: times.at + offset, uptime: times }
}

/** @returns times since this system was started, before which others are negative */
export function readTimes(
  { owner, uptime, startedAt, at }: NotedTimes & { readonly owner: LockOwner },
  self: LockOwner,
): Times {
  // Of a system that does not tell when it was started, a time that is still to come is from before that.
  if (uptime !== undefined && uptime.at <= uptimeNow() && isSameSystem(owner, self)) return uptime
  const offset = uptimeNow() - Date.now()
  return { startedAt: startedAt + offset, at: at + offset }
}
