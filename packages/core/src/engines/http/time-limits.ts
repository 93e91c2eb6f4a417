/*
 * How long is waited for services, in milliseconds, beside what a user sets: `timeoutMs` of an engine (service-options.ts).
 */

/** For one answer of an engine, retries included, where the user says nothing. */
export const DEFAULT_TIMEOUT_MS = 300_000

/** For a connection, TLS included. */
export const CONNECT_TIMEOUT_MS = 10_000

/** For a price: one that comes later is not worth waiting for. */
export const PRICE_QUESTION_MS = 10_000

/** For the catalogue of a service, repeats included. */
export const CATALOGUE_QUESTION_MS = 30_000

/** For an order that was sent, when the build stops: its answer is the only way to its job. */
export const ORDER_GRACE_MS = 450

/** For a service to drop a job; with the grace of an order it makes a second. */
export const CANCEL_MS = 450

/** For calls to let go when an engine is closed. */
export const CLOSE_MS = 1000
