import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { type Gateway, startGateway } from '../services/gateway/index.ts'
import { type FaultyStore, startFaultyStore } from './faulty-store.ts'
import { Machine } from './machine.ts'

// What a process that was killed had paid for is offered to the store by the next one that uses its folder, whatever that
// one is asked for.

const DIE_AT = new URL('die-at.mjs', import.meta.url).href

/** Prints what came of each picture: where it came from, or the code of its error; then the notices. */
const BUILD = `
  const [, root, baseURL, remoteCache, names, options] = process.argv
  const { createUpscaler, lumenfall } = await import('upscale-core')
  const upscaler = createUpscaler({
    root, remoteCache: JSON.parse(remoteCache), engine: lumenfall({ baseURL }), budget: 10, frozen: false, ...JSON.parse(options),
  })
  const results = await Promise.all(JSON.parse(names).map(name =>
    upscaler.upscale(name).then(({ origin }) => origin, error => error.code ?? String(error)),
  ))
  await upscaler.close()
  console.log(JSON.stringify({ results, notices: upscaler.report().notices }))`

const MOMENTS = ['response', 'received', 'answers'] as const

let gateway: Gateway
let store: FaultyStore
beforeEach(async () => {
  gateway = await startGateway()
  store = await startFaultyStore()
  onTestFinished(async () => {
    await gateway.close()
    await store.close()
  })
})

interface Built {
  readonly results: readonly string[]
  readonly notices: readonly string[]
}

async function build(
  { root }: Machine,
  names: readonly string[],
  { options = {}, remoteCache = store.url, dieAt }: Build = {},
): Promise<Built> {
  const preload = dieAt === undefined ? [] : ['--import', DIE_AT]
  const given = [
    root,
    gateway.url,
    JSON.stringify(remoteCache),
    JSON.stringify(names),
    JSON.stringify(options),
  ]
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...preload, '--input-type=module', '-e', BUILD, ...given],
    { cwd: import.meta.dirname, env: { PATH: process.env.PATH, LUMENFALL_API_KEY: 'key', DIE_AT: dieAt } },
  )
  return JSON.parse(stdout)
}

interface Build {
  readonly options?: object
  readonly remoteCache?: unknown
  readonly dieAt?: (typeof MOMENTS)[number]
}

/** A machine with two pictures, one of which it has paid for when it is killed. */
async function killed(dieAt: (typeof MOMENTS)[number]): Promise<Machine> {
  const machine = await Machine.boot(2)
  await expect(build(machine, ['0.png'], { dieAt })).rejects.toMatchObject({ signal: 'SIGKILL' })
  expect(gateway.charges).toHaveLength(1)
  expect(stored()).toEqual([])
  return machine
}

const stored = (): string[] => [...store.values.keys()].filter(path => path.includes('/answers/'))

describe.each(MOMENTS)('an answer that was paid for by a process killed with it at "%s"', moment => {
  test('is stored for others by the next process, which is asked for another picture', async () => {
    const machine = await killed(moment)
    const { results, notices } = await build(machine, ['1.png'])
    expect(results).toEqual(['engine'])
    expect(notices).toEqual([expect.stringMatching(/stored 1 answer that an earlier run had bought$/)])
    expect(stored()).toHaveLength(2)
    // Nobody is told of a doubt any more.
    expect([...store.values.keys()].filter(path => path.includes('/claims/'))).toEqual([])
    const other = await Machine.boot(1)
    expect((await build(other, ['0.png'], { options: { retry: true } })).results).toEqual(['remote'])
    expect((await build(machine, ['0.png'])).results).toEqual(['cache'])
    expect(gateway.charges).toHaveLength(2)
  })

  test('is stored once that is there again; a build meanwhile goes on', async () => {
    const machine = await killed(moment)
    store.fault = { kind: 'status', status: 503 }
    expect((await build(machine, ['1.png'])).results).toEqual(['engine'])
    store.fault = { kind: 'honest' }
    expect((await build(machine, ['1.png'])).results).toEqual(['cache'])
    expect(stored()).toHaveLength(2)
    expect(gateway.charges).toHaveLength(2)
  })

  test('is not sent to a store that may only be read, nor by a build without one', async () => {
    const machine = await killed(moment)
    await build(machine, ['1.png'], { remoteCache: { url: store.url, readOnly: true } })
    await build(machine, ['1.png'], { remoteCache: false })
    expect(store.requests.filter(line => line.startsWith('PUT') && line.includes('/answers/'))).toEqual([])
    expect((await build(machine, ['1.png'])).results).toEqual(['cache'])
    expect(stored()).toHaveLength(1)
    expect(gateway.charges).toHaveLength(2)
  })

  test('is stored once by many that start at once', async () => {
    const machine = await killed(moment)
    await build(machine, ['1.png'], { remoteCache: false })
    const built = await Promise.all(Array.from({ length: 4 }, () => build(machine, ['1.png', '0.png'])))
    expect(built.flatMap(({ results }) => results)).not.toContain('engine')
    expect(stored()).toHaveLength(1)
    expect(gateway.charges).toHaveLength(2)
  })
})

test('an answer that does not show what was sent is not stored for others, and not paid for again', async () => {
  gateway.respondWith('black')
  const machine = await killed('received')
  gateway.respondWith('ok')
  const { results, notices } = await build(machine, ['1.png'])
  expect([results, notices]).toEqual([['engine'], []])
  expect(stored()).toHaveLength(1)
  expect((await build(machine, ['0.png'])).results).toEqual(['ANSWER_DRIFTED'])
  expect(gateway.charges).toHaveLength(2)
})

test('nothing is looked for in a store by a build whose answers are all there', async () => {
  const machine = await Machine.boot(1)
  await build(machine, ['0.png'])
  const before = store.requests.length
  expect((await build(machine, ['0.png'])).results).toEqual(['cache'])
  expect(store.requests).toHaveLength(before)
})
