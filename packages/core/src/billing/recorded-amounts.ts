import { integer } from '../validate.ts'

// What the records about money may say. They lie in a folder that is committed, so whoever can commit can write them: less
// than nothing would be money for everybody else, and an order that can't be counted on would have no order after it.

/** Millionths of a US dollar. */
export const MICROS = integer(0, Number.MAX_SAFE_INTEGER)

/** Which order for a key it was. */
export const ATTEMPT = integer(1, 1_000_000)

/** True for a time as records have it: ISO 8601, UTC. */
export function isTime(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    /^\d{4}-\d\d-\d\dT[\d:.]{5,15}Z$/.test(value) &&
    !Number.isNaN(Date.parse(value))
  )
}
