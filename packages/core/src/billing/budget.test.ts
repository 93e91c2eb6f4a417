import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { dollars } from '../engines/dollars.ts'
import { createBudget } from './budget.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'upscale-budget-'))
})

test('holds the price before the call and refuses what does not fit', async () => {
  const budget = createBudget(150_000, root)
  const first = await budget.reserve(60_000)
  const second = await budget.reserve(60_000)
  await expect(budget.reserve(60_000)).rejects.toThrow(/US\$0\.06.*US\$0\.12 of the US\$0\.15/)
  await first.cancel()
  await first.cancel()
  const third = await budget.reserve(60_000)
  expect(await second.spend(undefined)).toBe(60_000)
  expect(await third.spend(80_000)).toBe(80_000)
  expect(budget.spentMicros).toBe(140_000)
  await expect(budget.reserve(60_000)).rejects.toThrow('BUDGET_EXCEEDED')
})

test('a budget of zero allows free calls only, and those leave no file', async () => {
  const budget = createBudget(0, join(root, 'never'))
  await (await budget.reserve(0)).spend(undefined)
  expect(() => readFileSync(join(root, 'never', 'locks', 'run.json'))).toThrow('ENOENT')
  await expect(budget.reserve(1)).rejects.toThrow('BUDGET_EXCEEDED')
})

test('is one for all that are open on a cache at the same time', async () => {
  const [one, other] = [createBudget(100_000, root), createBudget(100_000, root)]
  const results = await Promise.allSettled(
    [one, other, one, other].map(async budget => (await budget.reserve(60_000)).spend(undefined)),
  )
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  expect(one.spentMicros + other.spentMicros).toBe(60_000)
})

test('begins anew when the last one has left', async () => {
  const [one, other] = [createBudget(100_000, root), createBudget(100_000, root)]
  await (await one.reserve(60_000)).spend(undefined)
  await (await other.reserve(10_000)).cancel()
  await one.close()
  await expect(other.reserve(60_000)).rejects.toThrow('BUDGET_EXCEEDED')
  await other.close()
  await (await createBudget(100_000, root).reserve(60_000)).cancel()
})

/** Another process that spent all of it and has left, `agoMs` before now. */
function leaveBehind(at: number): void {
  const owner = { pid: spawnSync(process.execPath, ['-e', '']).pid, host: 'another' }
  const member = {
    id: 'gone',
    owner,
    startedAt: at - 1000,
    at,
    open: false,
    spentMicros: 100_000,
    heldMicros: 0,
  }
  mkdirSync(join(root, 'locks'), { recursive: true })
  writeFileSync(join(root, 'locks', 'run.json'), JSON.stringify({ members: [member] }))
}

test('counts what somebody spent who left before the first purchase here, but after the beginning', async () => {
  const budget = createBudget(100_000, root)
  leaveBehind(Date.now())
  await expect(budget.reserve(60_000)).rejects.toThrow('US$0.10 of the US$0.10')
})

test('does not count who left before this process began', async () => {
  leaveBehind(performance.timeOrigin - 1000)
  await (await createBudget(100_000, root).reserve(60_000)).cancel()
})

test('counts who left before the beginning, where another links both', async () => {
  leaveBehind(performance.timeOrigin - 1000)
  const file = join(root, 'locks', 'run.json')
  const gone = JSON.parse(readFileSync(file, 'utf8')).members[0]
  const long = createBudget(100_000, root)
  await (await long.reserve(0)).cancel()
  const { members } = JSON.parse(readFileSync(file, 'utf8'))
  const own = members.find((member: { id: string }) => member.id !== 'gone')
  expect(own).toBeUndefined()
  await long.join(60_000)
  const joined = JSON.parse(readFileSync(file, 'utf8')).members
  const linked = joined.map((member: { id: string }) =>
    member.id === 'gone' ? member : { ...member, startedAt: gone.at - 500, uptime: undefined },
  )
  writeFileSync(file, JSON.stringify({ members: linked }))
  await expect(createBudget(100_000, root).reserve(60_000)).rejects.toThrow('US$0.10 of the US$0.10')
})

test('counts what a process held when it was killed, while others of its run live', async () => {
  const mine = createBudget(100_000, root)
  await (await mine.reserve(10_000)).spend(undefined)
  const file = join(root, 'locks', 'run.json')
  const run = JSON.parse(readFileSync(file, 'utf8'))
  const dead = spawnSync(process.execPath, ['-e', '']).pid
  run.members.push({
    ...run.members[0],
    id: 'dead',
    owner: { ...run.members[0].owner, pid: dead },
    spentMicros: 0,
    heldMicros: 60_000,
  })
  writeFileSync(file, JSON.stringify(run))
  await expect(mine.reserve(60_000)).rejects.toThrow('US$0.07 of the US$0.10')
})

test('a file of the run that is deleted takes nothing away from what is known here', async () => {
  const budget = createBudget(150_000, root)
  const first = await budget.reserve(60_000)
  await (await budget.reserve(60_000)).spend(undefined)
  rmSync(join(root, 'locks'), { recursive: true })
  await expect(budget.reserve(60_000)).rejects.toThrow('US$0.12 of the US$0.15')
  await first.spend(undefined)
  await expect(createBudget(150_000, root).reserve(60_000)).rejects.toThrow('US$0.12 of the US$0.15')
})

test('what was held is refused after all when earlier calls cost more than their price', async () => {
  const budget = createBudget(150_000, root)
  const [first, second] = [await budget.reserve(60_000), await budget.reserve(60_000)]
  second.check()
  first.charged(100_000)
  expect(() => second.check()).toThrow(/US\$0\.06, and US\$0\.10 of the US\$0\.15/)
  await first.spend(100_000)
  await second.cancel()
  await (await budget.reserve(50_000)).cancel()
})

test('a torn file of the run is a new run', async () => {
  const budget = createBudget(100_000, root)
  await (await budget.reserve(10_000)).cancel()
  writeFileSync(join(root, 'locks', 'run.json'), '{"at": 1')
  await (await budget.reserve(60_000)).cancel()
})

test.each(['spentMicros', 'heldMicros'])(
  'a member of the run whose %s is negative adds nothing to the budget',
  async name => {
    await (await createBudget(100_000, root).reserve(10_000)).spend(undefined)
    const file = join(root, 'locks', 'run.json')
    const run = JSON.parse(readFileSync(file, 'utf8'))
    run.members.push({ ...run.members[0], id: 'generous', [name]: -1_000_000 })
    writeFileSync(file, JSON.stringify(run))
    await expect(createBudget(100_000, root).reserve(100_000)).rejects.toThrow('BUDGET_EXCEEDED')
  },
)

test.each([
  [60_000, 'US$0.06'],
  [0, 'US$0.00'],
  [1_500_000, 'US$1.50'],
  [2000, 'US$0.002'],
  [12_345_678, 'US$12.345678'],
])('prints %i micro-dollars as %s', (micros, text) => {
  expect(dollars(micros)).toBe(text)
})

describe('a clock that is set while a run is under way', () => {
  const HOUR_MS = 3_600_000

  /** Sets the clock of this machine; what counts on from its start goes on as before. */
  function setClock(aheadMs: number): void {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + aheadMs })
    onTestFinished(() => void vi.useRealTimers())
  }

  /** Spends nearly all that a run may, and leaves. */
  async function spendAndLeave(then: () => void = () => {}): Promise<void> {
    const budget = createBudget(100_000, root)
    await (await budget.reserve(60_000)).spend(undefined)
    then()
    await budget.close()
  }

  test('back: who left after that still counts for those who began before', async () => {
    const long = createBudget(100_000, root)
    await spendAndLeave(() => setClock(-HOUR_MS))
    await expect(long.reserve(60_000)).rejects.toThrow('US$0.06 of the US$0.10')
  })

  test('ahead: who left before that still counts for those who began before', async () => {
    const long = createBudget(100_000, root)
    await spendAndLeave()
    setClock(2 * HOUR_MS)
    await (await createBudget(100_000, root).reserve(10_000)).cancel()
    await expect(long.reserve(60_000)).rejects.toThrow('US$0.06 of the US$0.10')
  })

  test('back: who left before that does not count for those who begin after', async () => {
    await spendAndLeave()
    setClock(-HOUR_MS)
    await (await createBudget(100_000, root).reserve(60_000)).cancel()
  })
})
