import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { type Child, list, tornEntries } from '../../packages/core/src/test-support/fault-kit.ts'
import {
  build,
  entriesOn,
  makeProject,
  openGateway,
  ordersOnTheBooks,
  pictures,
  readLedger,
  recordsOn,
  startBuyer,
} from './kit.ts'

const MOST_CHANGES = 1000

/** Many make a figure: KILLS=400. */
const KILLS = Number(process.env.KILLS ?? 24)
/** Every third change to the disk is one that a run dies at; with KILLS each of them. */
const STEP = process.env.KILLS === undefined ? 3 : 1
/** Each kill waits for processes that start and load; many take longer than other tests may. */
const RANDOM_KILLS_MS = 300_000 + KILLS * 10_000
/** Enough that kills find something to buy. */
const PICTURES = 3 * KILLS + 20

/** How far along a purchase a kill came, by what it left. */
const STAGES = ['before the order', 'in doubt', 'arrived', 'received', 'filed'] as const
type Stage = (typeof STAGES)[number]

/** True when the body of a response was on the disk to its end. */
function hasWholeResponse(root: string, key = ''): boolean {
  const folder = join(root, '.upscale', 'tmp')
  const responses = list(folder).filter(name => name.startsWith(key) && name.endsWith('.response'))
  // A line with the head, then the JSON of the gateway.
  return responses.some(name => /^.*\n.*\}\s*$/.test(readIfThere(join(folder, name))))
}

/** Empty where a process that still lives removed the file after it was listed. */
function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
    throw error
  }
}

/** The answers that a process had read to their last byte, and those of them that are nowhere on the disk. */
function arrivals(
  root: string,
  child: Child,
): { readonly arrived: number; readonly lost: readonly string[] } {
  const keys = [...child.output().matchAll(/^arrived (\w+)$/gm)].map(([, key = '']) => key)
  // In the order in which an answer moves on: a process that still lives may take one up between two looks.
  const isKept = (key: string): boolean =>
    hasWholeResponse(root, key) ||
    entriesOn(root, 'received').includes(key) ||
    entriesOn(root, 'answers').includes(key)
  return { arrived: keys.length, lost: keys.filter(key => !isKept(key)) }
}

/** Kills one purchase at its n-th change to the disk, and checks what the next builds make of it. */
async function killAt(dieAt: number): Promise<Stage | 'not reached'> {
  const root = await makeProject(1)
  const gateway = await openGateway()
  const order = { root, url: gateway.url, images: ['0.png'] }
  const child = startBuyer({ ...order, dieAt })
  if ((await child.end) === 0) return 'not reached'
  expect(await child.end, child.output()).toBe('SIGKILL')

  const cost = gateway.charges.length
  expect(cost).toBeLessThanOrEqual(1)
  expect(tornEntries(join(root, '.upscale'), () => true)).toEqual([])
  expect(tornEntries(join(root, 'node_modules', '.cache', 'upscale'), () => true)).toEqual([])
  const stage: Stage =
    entriesOn(root, 'answers').length > 0
      ? 'filed'
      : entriesOn(root, 'received').length > 0
        ? 'received'
        : recordsOn(root, 'intents').length > 0
          ? hasWholeResponse(root)
            ? 'arrived'
            : 'in doubt'
          : 'before the order'
  if (cost === 1) expect(stage).not.toBe('before the order')

  const next = (await build(order)).get('0.png')
  const paid = gateway.charges.length
  // The only stage that may end without a picture; and no stage may pay twice by itself.
  expect(next).toBe(
    { 'before the order': 'engine', 'in doubt': 'CALL_UNCERTAIN' }[stage as string] ?? 'cache',
  )
  expect(paid).toBe(stage === 'before the order' ? 1 : cost)
  if (stage === 'in doubt') {
    expect((await build({ ...order, options: { retry: true } })).get('0.png')).toBe('engine')
    expect(gateway.charges.length).toBe(cost + 1)
  }

  expect((await build(order)).get('0.png')).toBe('cache')
  expect(ordersOnTheBooks(root).size).toBe(stage === 'in doubt' ? 2 : 1)
  const charged = readLedger(root).filter(({ event }) => event === 'charged')
  expect(new Set(charged.map(({ key, attempt }) => `${key} ${attempt}`)).size).toBe(1)
  expect([recordsOn(root, 'intents'), entriesOn(root, 'received')]).toEqual([[], []])
  return stage
}

describe('a purchase killed with SIGKILL', () => {
  // Rows 1 and 3, for everything between the first lock and the finished file.
  test('in place of its changes to the disk is paid for once, or is a named doubt', async () => {
    const stages: string[] = []
    let next = 1
    const work = async (): Promise<void> => {
      while (next < MOST_CHANGES) {
        const change = next
        next += STEP
        const stage = await killAt(change)
        if (stage === 'not reached') return
        stages.push(stage)
      }
    }
    await Promise.all([work(), work(), work(), work()])
    const tally = STAGES.map(stage => `${stages.filter(each => each === stage).length} ${stage}`)
    process.stderr.write(`${stages.length} kills: ${tally.join(', ')}\n`)
    expect(STAGES.filter(stage => !stages.includes(stage))).toEqual([])
  }, 900_000)
})

describe('processes killed with SIGKILL at random', { timeout: RANDOM_KILLS_MS }, () => {
  // Row 2.
  test('buy each picture once, and once more for each doubt that a person chose to retry', async () => {
    const root = await makeProject(PICTURES)
    const gateway = await openGateway({ workMs: 80 })
    const order = { root, url: gateway.url, images: pictures(PICTURES), options: { concurrency: 2 } }
    let kills = 0
    let arrived = 0
    const lost: string[] = []
    let isBuying = true
    while (kills < KILLS && isBuying) {
      const before = kills
      const children = Array.from({ length: 4 }, () => startBuyer(order))
      await Promise.all(children.map(child => child.printed('ready')))
      for (const child of children) {
        // Once its first answer is in, so that kills fall where answers are; or soon, where there is nothing to buy.
        const arrival = child.printed('arrived').catch(() => undefined)
        await Promise.race([arrival, child.end, sleep(3000)])
        await sleep(Math.random() * 100)
        child.process.kill('SIGKILL')
        if ((await child.end) === 'SIGKILL') kills++
        const seen = arrivals(root, child)
        arrived += seen.arrived
        lost.push(...seen.lost)
      }
      expect(tornEntries(join(root, '.upscale'), () => true)).toEqual([])
      // On a fast machine all may be bought before as many kills.
      isBuying = kills > before
      // A person looks at the doubts now and then, and chooses to retry all of them.
      if (Math.random() < 0.3)
        for (const child of [startBuyer({ ...order, options: { retry: true } })]) await die(child)
    }
    const doubts = recordsOn(root, 'intents').length
    const results = [...(await build({ ...order, options: { retry: true } })).values()]
    expect(results.filter(result => result !== 'cache' && result !== 'engine')).toEqual([])
    const books = ordersOnTheBooks(root)
    process.stderr.write(
      `${kills} kills, ${PICTURES} pictures, ${gateway.charges.length} charges, ${books.size} orders on the books, ${doubts} doubts at the end; ${arrived} answers had arrived whole, ${lost.length} of them lost\n`,
    )
    expect(kills).toBeGreaterThan(3)
    expect(lost).toEqual([])
    // Each order has its line, or had: none was charged that the books don't know.
    expect(gateway.charges.length).toBeLessThanOrEqual(books.size)
    expect(entriesOn(root, 'answers')).toHaveLength(PICTURES)
    expect(gateway.charges.length).toBeGreaterThanOrEqual(PICTURES)
    expect(new Set((await build(order)).values())).toEqual(new Set(['cache']))
  })
})

async function die(child: Child): Promise<void> {
  await child.printed('ready')
  await sleep(Math.random() * 200)
  child.process.kill('SIGKILL')
  await child.end
}
