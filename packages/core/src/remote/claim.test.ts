import { beforeEach, expect, test } from 'vitest'
import type { AnswerKey } from '../cache/keys.ts'
import { type Claim, createClaims } from './claim.ts'
import type { RemoteStore } from './store.ts'

// Stores that don't hold what they were told; how machines share one that does is tested with real ones.

const KEY = 'a'.repeat(64) as AnswerKey
const QUICK = { beatMs: 20, silentMs: 200, lookMs: 5 }
const { signal } = new AbortController()

let values: Map<string, Uint8Array>
/** What the store says to a claim in place of the truth. */
let answer: boolean | undefined

beforeEach(() => {
  values = new Map()
  answer = undefined
})

const store: RemoteStore = {
  has: async key => values.has(key),
  get: async key => values.get(key),
  put: async (key, value) => void values.set(key, value),
  async claim(key, value) {
    if (answer !== undefined) return answer
    if (values.has(key)) return false
    values.set(key, value)
    return true
  },
  remove: async key => void values.delete(key),
  caution: async () => undefined,
  close: async () => {},
}

const notThere = async (): Promise<boolean> => false

async function claimed(claims = createClaims(store, QUICK)): Promise<Claim> {
  const claim = await claims.claim(KEY, notThere, signal)
  if (typeof claim === 'string') throw new Error(claim)
  return claim
}

test('a store that says of every claim that there is one, and shows none, holds none', async () => {
  answer = false
  expect(await createClaims(store, QUICK).claim(KEY, notThere, signal)).toContain('shows none')
})

test('a claim that the store lost is stored anew by its owner, so that others wait', async () => {
  const own = createClaims(store, QUICK)
  await claimed(own)
  const [before] = values.values()
  values.clear()
  while (values.size === 0) await new Promise(resolve => setTimeout(resolve, 5))
  const [after] = values.values()
  expect(JSON.parse(String(after)).id).toBe(JSON.parse(String(before)).id)
  await own.close()
})

test('a claim that the store lost right before the call is stored with the call', async () => {
  const own = createClaims(store, { ...QUICK, beatMs: 60_000 })
  const claim = await claimed(own)
  values.clear()
  await claim.note({ attempt: 1 })
  expect(String([...values.values()][0])).toContain('"attempt":1')
  await own.close()
})

test('no call is made under a claim that the store lost and another machine has now', async () => {
  const own = createClaims(store, { ...QUICK, beatMs: 60_000 })
  const claim = await claimed(own)
  values.clear()
  const other = createClaims(store, { ...QUICK, beatMs: 60_000 })
  await claimed(other)
  await expect(claim.note({ attempt: 1 })).rejects.toMatchObject({ code: 'ABORTED' })
  await Promise.all([own.close(), other.close()])
})
