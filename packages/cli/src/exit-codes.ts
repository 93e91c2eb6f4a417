import { type ErrorCode, isUpscaleError } from 'upscale-core'

/** What the process ends with. Documented in the README; a number never changes its meaning. */
export const EXIT = {
  /** Everything asked for is done. */
  ok: 0,
  /** Some pictures failed; the others are done. */
  failed: 1,
  /** The command line or the configuration is wrong; nothing was begun. */
  usage: 2,
  /** A picture would have to be paid for, and the run is frozen or over its budget. */
  unpaid: 3,
  /** Ended by Ctrl-C. */
  interrupted: 130,
} as const

const UNPAID: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['FROZEN_MISS', 'BUDGET_EXCEEDED'])

/** The exit code of a run whose pictures failed like this. */
export function exitCodeOf(failures: Iterable<unknown>): number {
  const errors = [...failures]
  if (errors.some(error => isUpscaleError(error) && UNPAID.has(error.code))) return EXIT.unpaid
  return errors.length > 0 ? EXIT.failed : EXIT.ok
}
