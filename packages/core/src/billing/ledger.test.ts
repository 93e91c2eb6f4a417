import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { ledgerFolder } from '../cache/layout.ts'
import { readLedger } from './ledger.ts'

const LINE = {
  at: '2026-01-01T00:00:00.000Z',
  event: 'charged',
  key: 'a'.repeat(64),
  source: 'a.png',
  engine: 'service',
  model: 'model',
  attempt: 1,
  costMicros: 60_000,
}

test('a line that can not be right is left out, and those around it are read', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'upscale-ledger-'))
  const wrong = [
    { costMicros: -60_000 },
    { costMicros: 0.5 },
    { costMicros: '60000' },
    { attempt: 0 },
    { attempt: 1.5 },
    { attempt: 1e9 },
    { at: 'now' },
    { event: 'refunded' },
  ]
  const lines = [LINE, ...wrong.map(fields => ({ ...LINE, ...fields })), { ...LINE, key: 'b'.repeat(64) }]
  const file = join(ledgerFolder(folder), 'a.jsonl')
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `null\n${lines.map(line => JSON.stringify(line)).join('\n')}\n{"at`)
  expect((await readLedger(folder)).map(({ key }) => key[0])).toEqual(['a', 'b'])
})
