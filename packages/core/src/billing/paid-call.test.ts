import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openCache } from '../cache/cache.ts'
import type { AnswerKey } from '../cache/keys.ts'
import type { Purchase, Received } from './order.ts'
import { buy } from './paid-call.ts'
import { createWord } from './word.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'upscale-paid-call-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const ANSWER: Received = { bytes: Buffer.from('answer'), origin: 'cache', costMicros: 0 }

test.each([
  { frozen: false, retry: false },
  { frozen: false, retry: true },
  { frozen: true, retry: false },
])('what another process filed between both looks is taken, with %o', async options => {
  const answerKey = 'a'.repeat(64) as AnswerKey
  const store = openCache(root, { tag: false, onEvent: () => {} })
  const facts = {
    key: answerKey,
    width: 1,
    height: 1,
    format: 'png',
    fileName: 'received.png',
    engine: 'e',
    model: 'm',
  } as const
  await store.commit('received', facts, Buffer.from('received'))
  let looks = 0
  const look = async (): Promise<Received | undefined> => {
    if (looks++ > 0) return ANSWER
    // Whoever bought it moves it from what was received to where this look was just now.
    await store.remove('received', answerKey)
    return undefined
  }
  // What a call would need beyond this is left out: none must be made.
  const purchase = {
    request: { engine: { billing: 'paid', priceMicros: 60_000 } },
    order: { answerKey },
    store,
    context: {
      options,
      word: createWord(options.retry),
      budget: { join: async () => {} },
      engineContext: { signal: new AbortController().signal },
    },
  } as unknown as Purchase
  expect(await buy(purchase, look)).toBe(ANSWER)
})

test('what another machine filed before the lock was ours is seen on a disk that remembers what was not there', async () => {
  const answerKey = 'b'.repeat(64) as AnswerKey
  const store = openCache(root, { tag: false, onEvent: () => {} })
  const locks = join(root, 'locks', `${answerKey}.lock`)
  let isFresh = false
  store.refresh = key => {
    // Before that, somebody else may still file one.
    isFresh = key === answerKey && existsSync(locks)
  }
  const purchase = {
    request: { engine: { billing: 'paid', priceMicros: 60_000 } },
    order: { answerKey },
    store,
    context: {
      options: { frozen: false },
      word: createWord(false),
      budget: { join: async () => {} },
      engineContext: { signal: new AbortController().signal },
    },
  } as unknown as Purchase
  expect(await buy(purchase, async () => (isFresh ? ANSWER : undefined))).toBe(ANSWER)
})
