import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import type { AnswerKey } from '../cache/keys.ts'
import { type Claim, ClaimLost, type Claims, createClaims } from './claim.ts'
import type { RemoteStore } from './store.ts'

// Owners who are gone, and stores that don't hold what they were told; how machines share one that does is tested with real ones.

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

describe('an owner who lost its claim to another machine', () => {
  const others = (): string => String([...values.values()][0])

  async function lose(): Promise<{ claim: Claim; own: Claims }> {
    const own = createClaims(store, { ...QUICK, beatMs: 60_000 })
    const claim = await claimed(own)
    values.clear()
    const other = createClaims(store, { ...QUICK, beatMs: 60_000 })
    await (await claimed(other)).note({ attempt: 7 })
    onTestFinished(async () => void (await Promise.all([own.close(), other.close()])))
    return { claim, own }
  }

  test('leaves it alone when it gives its own up', async () => {
    const { own } = await lose()
    const before = others()
    await own.abandon(KEY)
    expect(others()).toBe(before)
  })

  test('leaves it alone when its own call was not made', async () => {
    const { claim } = await lose()
    const before = others()
    await expect(claim.note({ attempt: 1 })).rejects.toBeInstanceOf(ClaimLost)
    await claim.strike()
    expect(others()).toBe(before)
  })
})

describe('of eight machines that wait for an owner who is gone', () => {
  const ADDRESS = `upscale:v1:claims:${KEY}`
  const left = (call?: object): Uint8Array =>
    Buffer.from(JSON.stringify({ id: 'gone', host: 'gone', beat: 3, isLeft: true, call }))

  /** The store as a machine sees it whose line is that slow. */
  function at(delayMs: number): RemoteStore {
    const slow =
      <Args extends readonly unknown[], Result>(work: (...args: Args) => Promise<Result>) =>
      async (...args: Args): Promise<Result> => {
        await sleep(delayMs)
        return work(...args)
      }
    return {
      ...store,
      get: slow(store.get),
      put: slow(store.put),
      claim: slow(store.claim),
      remove: slow(store.remove),
    }
  }

  const machines = Array.from({ length: 8 }, (_, number) => createClaims(at(1 + number * 3), QUICK))
  const bought = async (): Promise<boolean> => values.has('answer')

  test('one buys, and the others have its answer', async () => {
    values.set(ADDRESS, left())
    let calls = 0
    const build = async (claims: Claims): Promise<void> => {
      const claim = await claims.claim(KEY, bought, signal)
      if (typeof claim === 'string') return expect(claim).toBe('answered')
      if (!(await bought())) {
        await claim.note({ attempt: 1 })
        calls += 1
        await sleep(60)
        values.set('answer', Buffer.from('picture'))
      }
      await claims.answered(KEY)
    }
    await Promise.all(machines.map(build))
    expect(calls).toBe(1)
    expect([...values.keys()]).toEqual(['answer'])
  })

  test('each is told of the call that it noted', async () => {
    values.set(ADDRESS, left({ attempt: 1 }))
    const build = async (claims: Claims): Promise<unknown> => {
      const claim = await claims.claim(KEY, bought, signal)
      await claims.abandon(KEY)
      return typeof claim === 'string' ? claim : claim.earlier
    }
    expect(await Promise.all(machines.map(build))).toEqual(machines.map(() => ({ attempt: 1 })))
  })

  test('one that dies while it takes over is not waited for without an end', async () => {
    values.set(ADDRESS, left())
    const dead = createClaims({ ...store, put: () => new Promise(() => {}) }, QUICK)
    void dead.claim(KEY, bought, signal)
    while (values.size < 2) await sleep(1)
    await claimed(machines[0])
    await machines[0]?.close()
  })
})

test.each(['get', 'put'] as const)(
  'an owner that is frozen while it notes its call (%s), and whose claim is taken over, makes none',
  async step => {
    // No sign of life comes from one that is frozen.
    const timing = { ...QUICK, beatMs: 60_000 }
    let isFrozen = false
    let thaw = (): void => {}
    const thawed = new Promise<void>(resolve => {
      thaw = resolve
    })
    const slow: RemoteStore = {
      ...store,
      async [step](...args: never[]) {
        const before = step === 'get' ? await Reflect.apply(store.get, store, args) : undefined
        if (isFrozen) await thawed
        return before ?? Reflect.apply(store[step], store, args)
      },
    }
    const own = await claimed(createClaims(slow, timing))
    isFrozen = true
    const noting = own.note({ at: 'own' }).then(
      () => 'calls',
      error => error,
    )
    const other = await claimed(createClaims(store, timing))
    expect(other.earlier).toBeUndefined()
    await other.note({ at: 'other' })
    thaw()
    expect(await noting).toBeInstanceOf(ClaimLost)
    await own.strike()
    expect(JSON.parse(String([...values.values()][0])).call).toBeDefined()
  },
)

test('an owner whose claim is gone since another machine has bought the answer meanwhile makes no call', async () => {
  let isAnswered = false
  const own = await createClaims(store, QUICK).claim(KEY, async () => isAnswered, signal)
  if (typeof own === 'string') throw new Error(own)
  values.clear()
  isAnswered = true
  // Signs of life don't bring it back.
  await new Promise(resolve => setTimeout(resolve, 5 * QUICK.beatMs))
  expect(values.size).toBe(0)
  await expect(own.note({ at: 'own' })).rejects.toBeInstanceOf(ClaimLost)
  expect([...values.values()].map(value => JSON.parse(String(value)).call)).not.toContainEqual(
    expect.anything(),
  )
})
