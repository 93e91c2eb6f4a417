import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  cacheScript,
  canTrace,
  compile,
  isPicture,
  keyOf,
  list,
  type RootKind,
  startChild,
  storeHere,
  temporaryFolder,
  tornEntries,
  writeEntry,
} from '../test-support/fault-kit.ts'
import { openCache } from './cache.ts'

let compiled: string
beforeAll(() => {
  compiled = compile()
})
afterAll(() => rmSync(compiled, { recursive: true, force: true }))

describe('many processes', () => {
  it('16 storing the same keys at once all end with the same sound entries', async () => {
    const root = temporaryFolder()
    const start = Date.now() + 1500
    const body = `
      await new Promise(go => setTimeout(go, ${start} - Date.now()))
      for (let name = 0; name < 10; name++) await store(name, 50_000 + Number(id))`
    const children = Array.from({ length: 16 }, (_, id) =>
      startChild(cacheScript(compiled, body), [root, String(id)]),
    )
    expect(new Set(await Promise.all(children.map(child => child.end)))).toEqual(new Set([0]))
    const lines = children.flatMap(child =>
      child
        .output()
        .split('\n')
        .filter(line => line.startsWith('stored')),
    )
    expect(lines).toHaveLength(160)
    // Different sizes, one winner: all processes name its digest.
    expect(new Set(lines).size).toBe(10)
    expect(tornEntries(root, isPicture)).toEqual([])
    expect(list(join(root, 'tmp'))).toEqual([])
    expect(list(join(root, 'quarantine'))).toEqual([])
  })

  it('16 finding the same damage set it aside once and heal it', async () => {
    const root = temporaryFolder()
    for (let name = 0; name < 10; name++) writeEntry(root, keyOf(name), Buffer.from('x'), { size: 2 })
    const start = Date.now() + 1500
    const body = `
      await new Promise(go => setTimeout(go, ${start} - Date.now()))
      for (let name = 0; name < 10; name++) {
        if ((await cache.find('outputs', keyOf(name))) === undefined) await store(name, 50_000)
        // One that was healed is never missing again, not even while others take it for the damaged one.
        if ((await cache.find('outputs', keyOf(name))) === undefined) say('lost', name)
      }`
    const children = Array.from({ length: 16 }, () => startChild(cacheScript(compiled, body), [root]))
    expect(new Set(await Promise.all(children.map(child => child.end)))).toEqual(new Set([0]))
    for (const child of children) expect(child.output()).not.toMatch(/lost|failed/)
    expect(tornEntries(root, isPicture)).toEqual([])
    expect(list(join(root, 'quarantine'))).toHaveLength(10)
  })
})

describe('killed', () => {
  it('at any moment leaves whole entries and leftovers that are swept', async () => {
    const root = temporaryFolder()
    const body = `
      say('begin')
      for (let name = Number(id) * 1000; ; name++) {
        await cache.commitRecord('sources', keyOf(name % 7), { name })
        await store(name, 200_000)
      }`
    let killed = 0
    for (let round = 0; round < 8; round++) {
      const children = [0, 1, 2].map(id => startChild(cacheScript(compiled, body), [root, String(id)]))
      await Promise.all(children.map(child => child.printed('begin')))
      for (const child of children) {
        await sleep(Math.random() * 40)
        child.process.kill('SIGKILL')
        if ((await child.end) === 'SIGKILL') killed++
      }
      expect(tornEntries(root, isPicture)).toEqual([])
      const events: string[] = []
      const cache = openCache(root, { tag: true, onEvent: event => events.push(event.kind) })
      for (let name = 0; name < 7; name++) await cache.findRecord('sources', keyOf(name))
      expect(events).toEqual([])
    }
    expect(killed).toBe(24)
    const leftovers = list(join(root, 'tmp')).length
    for (const name of list(join(root, 'tmp')))
      execFileSync('touch', ['-d', '2 hours ago', join(root, 'tmp', name)])
    const counts = await openCache(root, { tag: true, onEvent: () => {} }).sweep()
    expect(counts).toEqual({ removed: leftovers, kept: 0, failed: 0 })
  })

  it('at each system call of a store leaves a hit or a miss, and can be stored again', async ({ skip }) => {
    if (!canTrace()) skip('needs strace')
    // Node makes such calls before the store as well; those only make the run shorter.
    const calls: [RootKind, string][] = [
      ['scratch', 'mkdir'],
      ['scratch', 'rename'],
      ['durable', 'mkdir'],
      ['durable', 'fsync'],
      ['durable', 'rename'],
      ['durable', 'rmdir'],
    ]
    for (const [kind, call] of calls) {
      let reached = true
      for (let count = 1; reached && count < 30; count++) {
        const root = temporaryFolder()
        const inject = `inject=${call}:signal=KILL:when=${count}`
        const child = startChild(
          cacheScript(compiled, 'await store(1, 100_000)', kind),
          [root],
          ['strace', '-f', '-o', '/dev/null', '-e', inject],
        )
        reached = (await child.end) === 'SIGKILL'
        expect(tornEntries(root, isPicture), inject).toEqual([])
        await storeHere(root)
      }
    }
  })
})
