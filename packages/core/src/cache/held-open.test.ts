import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createBudget } from '../billing/budget.ts'
import { isUpscaleError, UpscaleError } from '../errors.ts'
import { keyOf, temporaryFolder } from '../test-support/fault-kit.ts'
import { openCache } from './cache.ts'
import { acquireLock } from './lock/lock.ts'
import { createManifestAdditions } from './manifest-additions.ts'
import { sweepRoot } from './sweep.ts'

/*
 * What Windows and odd file systems say of names that somebody holds open, given to all that renames, links or removes: it
 * waits a moment, it ends with an error that says what to do, and nothing unfinished is left behind.
 */

type Call = 'rename' | 'link' | 'unlink' | 'rm'

/** What the next calls of a kind end with. */
const planned = vi.hoisted(() => ({ call: 'rename' as Call, code: '', times: 0 }))

vi.mock('node:fs/promises', async original => {
  const real = await original<typeof import('node:fs/promises')>()
  const failing =
    (call: Call) =>
    async (...args: unknown[]) => {
      const isProbe =
        call === 'rm' && !String(args[0]).endsWith('.added') && !String(args[0]).includes('01d01d01')
      if (planned.call === call && planned.times > 0 && !isProbe) {
        planned.times--
        throw Object.assign(new Error(`${planned.code}: ${call}`), { code: planned.code })
      }
      return (real[call] as (...args: unknown[]) => Promise<void>)(...args)
    }
  return {
    ...real,
    rename: failing('rename'),
    link: failing('link'),
    unlink: failing('unlink'),
    rm: failing('rm'),
  }
})

const PLATFORM = process.platform
beforeEach(() => onPlatform('win32'))
afterEach(() => {
  planned.times = 0
  onPlatform(PLATFORM)
})

function onPlatform(value: NodeJS.Platform): void {
  Object.defineProperty(process, 'platform', { value })
}

const KEY = keyOf('hero')
const FACTS = {
  key: KEY,
  fileName: 'hero-2x.png',
  width: 64,
  height: 32,
  format: 'png',
  engine: 'resize',
  model: 'lanczos3',
} as const
const cacheIn = (folder: string) => openCache(folder, { tag: false, onEvent: () => {} })
const additionsIn = (folder: string) =>
  createManifestAdditions(folder, reason => new UpscaleError('CACHE_UNREADABLE', reason, { hint: 'none' }))
const lockIn = (folder: string) =>
  acquireLock(join(folder, 'paid.lock'), { signal: new AbortController().signal, timeoutMs: 5000 })

/** One use of a module: what it needs, what is done while somebody is in the way, and whether it was done. */
interface Use {
  readonly call: Call
  prepare?(folder: string): Promise<unknown>
  run(folder: string): Promise<unknown>
  isDone(folder: string): boolean | Promise<boolean>
}

const USES: Readonly<Record<string, Use>> = {
  'an entry is published': {
    call: 'rename',
    run: folder => cacheIn(folder).commit('outputs', FACTS, Buffer.from('a picture')),
    isDone: async folder => (await cacheIn(folder).find('outputs', KEY)) !== undefined,
  },
  'an entry is removed': {
    call: 'rename',
    prepare: folder => cacheIn(folder).commit('outputs', FACTS, Buffer.from('a picture')),
    run: folder => cacheIn(folder).remove('outputs', KEY),
    isDone: async folder => (await cacheIn(folder).find('outputs', KEY)) === undefined,
  },
  'a budget is noted': {
    call: 'rename',
    run: async folder => createBudget(1_000_000, folder).reserve(1000),
    isDone: folder => namesIn(folder).some(name => name.endsWith('run.json')),
  },
  "the manifest's additions are removed": {
    call: 'rm',
    prepare: async folder => writeFileSync(additionsIn(folder).file, ''),
    run: folder => additionsIn(folder).remove(),
    isDone: folder => !existsSync(additionsIn(folder).file),
  },
  'a lock is given back': {
    call: 'unlink',
    run: async folder => (await lockIn(folder)).release(),
    isDone: folder => !existsSync(join(folder, 'paid.lock')),
  },
}
const CASES = Object.entries(USES).flatMap(([name, use]) =>
  ['EBUSY', 'EPERM', 'EACCES'].map(code => [name, code, use] as const),
)

test.each(CASES)('%s though %s comes for a moment', async (_, code, use) => {
  const folder = temporaryFolder()
  await use.prepare?.(folder)
  Object.assign(planned, { call: use.call, code, times: 3 })
  await use.run(folder)
  expect(planned.times).toBe(0)
  expect(await use.isDone(folder)).toBe(true)
  expect(unfinishedIn(folder)).toEqual([])
})

test.each(CASES.filter(([, code]) => code === 'EPERM'))(
  'when %s, %s that stays is an error, and nothing is left half done',
  async (_, code, use) => {
    const folder = temporaryFolder()
    await use.prepare?.(folder)
    Object.assign(planned, { call: use.call, code, times: Number.POSITIVE_INFINITY })
    const error = await use.run(folder).then(
      () => undefined,
      reason => reason,
    )
    expect(isUpscaleError(error) ? error.cause : error).toMatchObject({ code })
    planned.times = 0
    expect(unfinishedIn(folder)).toEqual([])
  },
)

test.each(['EPERM', 'EACCES', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EXDEV', 'EMLINK'])(
  'a lock is a lock where links end with %s',
  async code => {
    const folder = temporaryFolder()
    Object.assign(planned, { call: 'link', code, times: Number.POSITIVE_INFINITY })
    const lock = await lockIn(folder)
    expect(readdirSync(folder)).toEqual(['paid.lock'])
    const second = acquireLock(join(folder, 'paid.lock'), {
      signal: new AbortController().signal,
      timeoutMs: 50,
    })
    await expect(second).rejects.toMatchObject({ code: 'CACHE_LOCKED' })
    await lock.release()
    expect(readdirSync(folder)).toEqual([])
  },
)

test('a rename to another file system is an error that says so', async () => {
  Object.assign(planned, { call: 'rename', code: 'EXDEV', times: Number.POSITIVE_INFINITY })
  const stored = cacheIn(temporaryFolder()).commit('outputs', FACTS, Buffer.from('a picture'))
  await expect(stored).rejects.toThrow(/one file system/)
})

test.each(['EBUSY', 'EPERM'])(
  'a leftover that ends its removal with %s is counted, and goes next time',
  async code => {
    const folder = temporaryFolder()
    const old = join(folder, 'tmp', '01d01d01-0000-4000-8000-000000000000')
    mkdirSync(old, { recursive: true })
    utimesSync(old, 0, 0)
    Object.assign(planned, { call: 'rm', code, times: 1 })
    expect(await sweepRoot(folder)).toEqual({ removed: 0, kept: 0, failed: 1 })
    expect(await sweepRoot(folder)).toEqual({ removed: 1, kept: 0, failed: 0 })
  },
)

function unfinishedIn(folder: string): string[] {
  return namesIn(folder).filter(name => /[0-9a-f]{8}-[0-9a-f]{4}-/.test(name))
}

function namesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
}
