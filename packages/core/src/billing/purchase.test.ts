import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { openCache } from '../cache/cache.ts'
import { lumenfall } from '../engines/lumenfall/lumenfall.ts'
import type { ErrorCode } from '../errors.ts'
import {
  type Behaviour,
  codeOf,
  draw,
  enlarge,
  fails,
  gate,
  ledger,
  root,
  service,
  start,
  useProject,
} from '../test-support/purchase-kit.ts'
import { createUpscaler } from '../upscaler.ts'

useProject()

test('a run without a key makes no call and leaves no ledger', async () => {
  const upscaler = start(lumenfall({ baseURL: 'http://127.0.0.1:9/v1' }))
  expect(await codeOf(upscaler.upscale('a.png'))).toBe('KEY_MISSING')
  expect(existsSync(join(root, '.upscale', 'v1', 'ledger'))).toBe(false)
  expect(existsSync(join(root, '.upscale', 'v1', 'intents'))).toBe(false)
})

test.each<ErrorCode>(['API_RATE_LIMITED', 'API_UNREACHABLE', 'API_NO_BALANCE', 'API_UNAUTHORIZED'])(
  '%s costs nothing, and the next build asks again',
  async code => {
    const { engine, requests } = service([fails(code)])
    const upscaler = start(engine, { budget: 0.06 })
    expect(await codeOf(upscaler.upscale('a.png'))).toBe(code)
    expect(upscaler.report().spentMicros).toBe(0)
    expect(await start(engine, { budget: 0.06 }).upscale('a.png')).toMatchObject({ origin: 'engine' })
    expect(requests).toHaveLength(2)
    expect(ledger()).toEqual(['free', 'charged', 'stored'])
  },
)

test('an answer that arrived but was not looked at is taken up without a call', async () => {
  const { engine, requests } = service()
  // The clock of a kill: the file that the answer is finished into can't be made, so the build dies after the call.
  writeFileSync(join(root, 'node_modules'), 'in the way')
  await start(engine).upscale('a.png')
  expect(requests).toHaveLength(1)
  expect((await start(engine).upscale('a.png')).width).toBe(40)
  expect(requests).toHaveLength(1)
})

test('an answer that the disk does not take is told of while it is held, and kept once a person has made room', async () => {
  const blocker = join(root, '.upscale', 'v1', 'received')
  const { engine } = service([
    request => {
      writeFileSync(blocker, 'in the way')
      return enlarge(request)
    },
  ])
  const told: string[] = []
  const onNotice = (text: string): void => {
    told.push(text)
    rmSync(blocker, { force: true })
  }
  const upscaler = createUpscaler({ engine }, { root, env: { KEY: 'hunter2' }, onNotice })
  expect(await upscaler.upscale('a.png')).toMatchObject({ origin: 'engine' })
  expect(told).toEqual([
    expect.stringMatching(/^a\.png: its answer was paid for and can't be kept in .*: .*remove it\.$/),
  ])
  expect(told[0]).toContain(join(root, '.upscale'))
  expect(ledger()).toEqual(['charged', 'stored'])
  await upscaler.close()
})

test('a process that was paused, and whose lock another machine took over meanwhile, makes no call', async () => {
  const { engine, requests } = service()
  const locks = join(root, '.upscale', 'locks')
  const beforePaying = async (): Promise<void> => {
    const [name = ''] = readdirSync(locks).filter(each => /^[\da-f]{64}\.lock$/.test(each))
    const token = JSON.parse(readFileSync(join(locks, name), 'utf8'))
    writeFileSync(join(locks, name), JSON.stringify({ ...token, id: 'theirs', host: 'far.example', pid: 7 }))
  }
  const upscaler = createUpscaler({ engine }, { root, env: {}, beforePaying })
  const error = await upscaler.upscale('a.png').catch((reason: unknown) => reason)
  expect(String(error)).toContain('process 7 on far.example has its lock')
  expect(error).toMatchObject({ code: 'CACHE_LOCKED' })
  expect(requests).toEqual([])
  expect(existsSync(join(root, '.upscale', 'v1', 'intents'))).toBe(false)
})

test('three outages in a row stop the run, one success in between does not', async () => {
  const down = fails('API_UNAVAILABLE')
  const { engine, requests } = service([down, down, enlarge, down, down, down])
  const upscaler = start(engine, { concurrency: 1 })
  for (let shade = 0; shade < 8; shade++) {
    await draw(`${shade}.png`, shade * 5)
    await codeOf(upscaler.upscale(`${shade}.png`))
  }
  expect(requests).toHaveLength(6)
  expect(upscaler.report().refused.at(-1)?.error.message).toContain('not sent')
})

test('a drain lets the call under way finish and begins no other', async () => {
  const began = gate()
  const mayAnswer = gate()
  const slow: Behaviour = async request => {
    began.resolve()
    await mayAnswer.promise
    return enlarge(request)
  }
  const { engine, requests } = service([slow])
  await draw('b.png', 50)
  const upscaler = start(engine, { concurrency: 1 })
  const results = Promise.all([codeOf(upscaler.upscale('a.png')), codeOf(upscaler.upscale('b.png'))])
  await began.promise
  const drained = upscaler.drain()
  mayAnswer.resolve()
  await drained
  expect((await results).sort()).toEqual(['ABORTED', 'undefined'])
  expect(requests).toHaveLength(1)
})

test('two upscalers on one cache buy a picture once', async () => {
  const one = service()
  const other = service()
  await Promise.all([start(one.engine).upscale('a.png'), start(other.engine).upscale('a.png')])
  expect(one.requests.length + other.requests.length).toBe(1)
})

describe('a manifest', () => {
  // Fault matrix, row 38: nothing that is wrong with it leads to a payment.
  test('that lists a picture whose answer is gone keeps it from being bought again, until a person says so', async () => {
    const { engine, requests } = service()
    await start(engine).upscale('a.png')
    rmSync(join(root, '.upscale', 'v1'), { recursive: true })
    rmSync(join(root, 'node_modules'), { recursive: true })
    const error = await start(engine).upscale('a.png').catch(String)
    expect(error).toMatch(/was bought.*not in the cache.*CACHE_UNREADABLE.*version control.*UPSCALE_RETRY=1/s)
    expect(await codeOf(start(engine, { frozen: true }).upscale('a.png'))).toBe('FROZEN_MISS')
    expect(requests).toHaveLength(1)
    expect(await start(engine, { retry: true }).upscale('a.png')).toMatchObject({ origin: 'engine' })
    expect(await start(engine).upscale('a.png')).toMatchObject({ origin: 'cache' })
  })

  test('with conflict markers stops hits and purchases alike', async () => {
    const { engine, requests } = service()
    await start(engine).upscale('a.png')
    await draw('b.png', 50)
    const file = join(root, '.upscale', 'manifest.json')
    const sound = readFileSync(file, 'utf8')
    writeFileSync(file, `<<<<<<< HEAD\n${sound}`)
    expect(await codeOf(start(engine).upscale('a.png'))).toBe('CACHE_UNREADABLE')
    expect(await codeOf(start(engine).upscale('b.png'))).toBe('CACHE_UNREADABLE')
    expect(requests).toHaveLength(1)
    writeFileSync(file, sound)
    expect(await start(engine).upscale('a.png')).toMatchObject({ origin: 'cache' })
  })

  test('is no reason to believe an answer that shows something else', async () => {
    const { engine, requests } = service()
    const { digest } = await start(engine).upscale('a.png')
    const durable = join(root, '.upscale')
    const [key = ''] = Object.keys(JSON.parse(readFileSync(join(durable, 'manifest.json'), 'utf8'))).slice(1)
    const red = await sharp({ create: { width: 40, height: 40, channels: 3, background: '#f00' } })
      .png()
      .toBuffer()
    // Entry, picture and list agree; only the source tells.
    for (const name of ['v1/answers', 'manifest.json'])
      rmSync(join(durable, name), { recursive: true, force: true })
    const facts = { key, fileName: 'answer.png', width: 40, height: 40, format: 'png' } as const
    const store = openCache(durable, { onEvent: () => {}, tag: false })
    await store.commit('answers', { ...facts, engine: 'service', model: 'model' }, red)
    rmSync(join(root, 'node_modules'), { recursive: true, force: true })
    expect(await codeOf(start(engine).upscale('a.png'))).toBe('CACHE_UNREADABLE')
    expect(requests).toHaveLength(1)
    rmSync(join(durable, 'v1', 'answers'), { recursive: true })
    rmSync(join(durable, 'manifest.json'))
    expect(await start(engine).upscale('a.png')).toMatchObject({ digest, origin: 'engine' })
  })

  test.runIf(process.platform === 'linux')('that is a pipe is an error, and is not waited for', async () => {
    const { engine } = service()
    mkdirSync(join(root, '.upscale'))
    execFileSync('mkfifo', [join(root, '.upscale', 'manifest.json')])
    expect(await codeOf(start(engine).upscale('a.png'))).toBe('CACHE_UNREADABLE')
  })

  test('names the source', async () => {
    await start(service().engine).upscale('a.png')
    expect(readFileSync(join(root, '.upscale', 'manifest.json'), 'utf8')).toContain('"source":"a.png"')
  })
})
