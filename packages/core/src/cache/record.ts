import { isNewer, isObject } from './entry.ts'
import { seal, unseal } from './envelope.ts'

/** A small JSON object kept under a key. */
export type CacheRecord = Readonly<Record<string, unknown>>

const RECORD_VERSION = 1

/** The text of a record's file. */
export function printRecord(key: string, record: CacheRecord): string {
  return seal({ version: RECORD_VERSION, key, record })
}

/** Reads a record's file. Total, as {@link parseEntry} is. */
export function parseRecord(
  text: Uint8Array | string,
  expectedKey: string,
): CacheRecord | 'newer' | undefined {
  const body = unseal(text)
  if (!isObject(body)) return undefined
  if (isNewer(body.version, RECORD_VERSION)) return 'newer'
  const sound = body.version === RECORD_VERSION && body.key === expectedKey && isObject(body.record)
  return sound && isObject(body.record) ? body.record : undefined
}
