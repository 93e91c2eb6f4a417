import { hash } from 'node:crypto'
import { expect, test } from 'vitest'
import type { EntryFacts } from './entry.ts'
import { decodePortable, encodePortable } from './portable-entry.ts'

const KEY = 'a'.repeat(64)
const IMAGE = Uint8Array.from({ length: 300 }, (_, at) => at % 251)
const FACTS: EntryFacts = {
  key: KEY,
  fileName: 'answer.png',
  size: IMAGE.length,
  sha256: hash('sha256', IMAGE, 'hex'),
  width: 20,
  height: 15,
  format: 'png',
  engine: 'service',
  model: 'model',
  costMicros: 60_000,
  requestId: 'r-1',
  createdAt: '2026-01-01T00:00:00.000Z',
}

test('gives back what was put in, and not how it came here', async () => {
  expect(await decodePortable(await encodePortable({ ...FACTS, fetched: true }, IMAGE), KEY)).toEqual({
    facts: FACTS,
    bytes: Buffer.from(IMAGE),
  })
})

test('whatever byte is changed, whatever is cut off or added, it has a flaw', async () => {
  const portable = await encodePortable(FACTS, IMAGE)
  for (let at = 0; at < portable.length; at++) {
    const changed = Uint8Array.from(portable)
    changed[at] = (changed[at] ?? 0) ^ 1
    expect(await decodePortable(changed, KEY), `byte ${at}`).toHaveProperty('flaw')
    expect(await decodePortable(portable.subarray(0, at), KEY), `cut at ${at}`).toHaveProperty('flaw')
  }
  expect(await decodePortable(Buffer.concat([portable, Buffer.from([0])]), KEY)).toHaveProperty('flaw')
})

test('is refused under another key, and when another version wrote it', async () => {
  const portable = await encodePortable(FACTS, IMAGE)
  expect(await decodePortable(portable, 'b'.repeat(64))).toHaveProperty('flaw')
  const newer = Buffer.from(
    Buffer.from(portable).toString('latin1').replace('parcel 1', 'parcel 2'),
    'latin1',
  )
  expect(await decodePortable(newer, KEY)).toEqual({
    flaw: 'it was stored by another version of this package',
  })
})
