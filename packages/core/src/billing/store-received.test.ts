import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Cache, openCache } from '../cache/cache.ts'
import { isUpscaleError } from '../errors.ts'
import { keepReceived, requiredDiskBytes } from './store-received.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'upscale-room-'))
  mkdirSync(join(folder, 'tmp'))
  stubTemporary(join(folder, 'tmp'))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

const KEY = 'ab'.repeat(32)
const BYTES = Buffer.from('an answer')
const FACTS = {
  key: KEY,
  fileName: 'answer.bin',
  width: 2,
  height: 2,
  format: 'png',
  engine: 'e',
  model: 'm',
} as const

function open(): Cache {
  return openCache(join(folder, 'cache'), { tag: false, onEvent: () => {} })
}

test.each([
  ['a small picture', { width: 100, height: 50 }, 2, 2 * 200 * 100 * 4],
  ['a factor with a fraction', { width: 3, height: 3 }, 1.5, 2 * 5 * 5 * 4],
  ['a huge picture, for which a limit stands', { width: 8192, height: 8192 }, 4, 256 * 1024 * 1024],
])('%s', (_, size, scale, bytes) => {
  expect(requiredDiskBytes(size, scale)).toBe(bytes)
})

test('an answer is stored at a later attempt', async () => {
  writeFileSync(join(folder, 'cache'), 'in the way')
  const kept = keepReceived(open(), FACTS, BYTES, { pausesMs: { first: [5, 300], last: [] } })
  setTimeout(() => rmSync(join(folder, 'cache')), 100)
  await kept
  expect((await open().find('received', KEY))?.bytes).toEqual(BYTES)
  expect(readdirSync(join(folder, 'tmp'))).toEqual([])
})

test('an answer that no attempt stores is where the message says, ready to be copied back', async () => {
  writeFileSync(join(folder, 'cache'), 'in the way')
  const error = await keepReceived(open(), FACTS, BYTES, { pausesMs: { first: [1, 1], last: [] } }).catch(
    reason => reason,
  )
  if (!isUpscaleError(error)) throw error
  const [refuge = ''] = readdirSync(join(folder, 'tmp'))
  expect(error.code).toBe('CACHE_UNWRITABLE')
  expect(error.message).toContain(join(folder, 'tmp', refuge))
  // What kept it out is no want of room.
  expect(error.details.hint).toMatch(
    /^something else is in the place of a cache folder: remove it; then copy/,
  )
  rmSync(join(folder, 'cache'))
  cpSync(join(folder, 'tmp', refuge, 'v1'), join(folder, 'cache', 'v1'), { recursive: true })
  expect((await open().find('received', KEY))?.bytes).toEqual(BYTES)
})

test('an answer that neither the cache nor the temporary folder takes is held until one of them does', async () => {
  writeFileSync(join(folder, 'cache'), 'in the way')
  stubTemporary(join(folder, 'nowhere'))
  const kept = keepReceived(open(), FACTS, BYTES, { pausesMs: { first: [], last: Array(100).fill(20) } })
  setTimeout(() => rmSync(join(folder, 'cache')), 100)
  await kept
  expect((await open().find('received', KEY))?.bytes).toEqual(BYTES)
})

test.each([
  ['a moment', 0, [30]],
  ['long', 1, [1, 1, 30]],
])('who waits for room for %s is told %d times', async (_, times, first) => {
  writeFileSync(join(folder, 'cache'), 'in the way')
  const told: string[] = []
  const onWait = ({ code }: { code: string }): void => void told.push(code)
  const pausesMs = { first, last: [] }
  const kept = keepReceived(open(), FACTS, BYTES, { pausesMs, onWait }).catch(() => undefined)
  if (times === 0) rmSync(join(folder, 'cache'))
  await kept
  expect(told).toEqual(Array(times).fill('CACHE_UNWRITABLE'))
})

test('an answer that nothing takes is said to be lost', async () => {
  writeFileSync(join(folder, 'cache'), 'in the way')
  stubTemporary(join(folder, 'nowhere'))
  await expect(keepReceived(open(), FACTS, BYTES, { pausesMs: { first: [], last: [] } })).rejects.toThrow(
    /is lost.*nor could it be written/,
  )
})

test('an answer that nothing takes lies in its response, where that was written', async () => {
  writeFileSync(join(folder, 'cache'), 'in the way')
  stubTemporary(join(folder, 'nowhere'))
  const held = { response: 'tmp/a.response', pausesMs: { first: [], last: [] } }
  await expect(keepReceived(open(), FACTS, BYTES, held)).rejects.toThrow(
    /its response lies in tmp\/a\.response/,
  )
})

test('nobody who has lost patience waits for room', async () => {
  writeFileSync(join(folder, 'cache'), 'in the way')
  stubTemporary(join(folder, 'nowhere'))
  const stop = new AbortController()
  const held = { signal: stop.signal, pausesMs: { first: [], last: [3_600_000] } }
  const kept = keepReceived(open(), FACTS, BYTES, held)
  setTimeout(() => stop.abort(), 50)
  await expect(kept).rejects.toThrow(/is lost/)
})

/** Each system has a variable of its own. */
function stubTemporary(path: string): void {
  for (const name of ['TMPDIR', 'TEMP', 'TMP']) vi.stubEnv(name, path)
}
