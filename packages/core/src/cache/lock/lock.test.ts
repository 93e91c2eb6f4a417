import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { list, temporaryFolder } from '../../test-support/fault-kit.ts'
import { acquireLock, type LockHolder, type LockOptions } from './lock.ts'
import { describeSelf } from './lock-owner.ts'

const { signal } = new AbortController()
const never = { signal, timeoutMs: 20_000 }

function lockFile(): string {
  return join(temporaryFolder(), 'locks', 'paid.lock')
}

function plant(file: string, owner: Readonly<Record<string, unknown>>): void {
  mkdirSync(dirname(file), { recursive: true })
  const token = {
    id: 'planted',
    pid: process.pid,
    host: hostname(),
    acquiredAt: '2026-01-01T00:00:00.000Z',
    ...owner,
  }
  writeFileSync(file, `${JSON.stringify(token)}\n`)
}

function age(file: string, seconds: number): void {
  const then = new Date(Date.now() - seconds * 1000)
  utimesSync(file, then, then)
}

/** What is free is had at once, however busy the machine; this ends a test that would wait for ever. */
const SOON = 20_000

/** True when a lock is still refused after a while. */
async function isHeld(file: string, options: Partial<LockOptions> = {}): Promise<boolean> {
  try {
    const lock = await acquireLock(file, { ...never, timeoutMs: 400, ...options })
    await lock.release()
    return false
  } catch (error) {
    expect(error).toMatchObject({ code: 'CACHE_LOCKED' })
    return true
  }
}

describe('one process', () => {
  it('acquires, shows who it is, and leaves nothing behind', async () => {
    const file = lockFile()
    const lock = await acquireLock(file, never)
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ pid: process.pid, host: hostname() })
    expect(list(dirname(file))).toEqual(['paid.lock'])
    await lock.release()
    await lock.release()
    expect(list(dirname(file))).toEqual([])
  })

  it('excludes itself, and is told who has it', async () => {
    const file = lockFile()
    const first = await acquireLock(file, never)
    const waits: LockHolder[] = []
    const second = acquireLock(file, { ...never, onWait: holder => waits.push(holder) })
    await sleep(300)
    expect(waits).toMatchObject([{ file, owner: { pid: process.pid } }])
    await first.release()
    await (await second).release()
    expect(waits).toHaveLength(1)
  })

  it('lets 20 callers in one after the other', async () => {
    const file = lockFile()
    let inside = 0
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const lock = await acquireLock(file, never)
        expect(++inside).toBe(1)
        await sleep(2)
        inside--
        await lock.release()
      }),
    )
  })

  it('gives up after its time, with an error that names process, host, file and age', async () => {
    const file = lockFile()
    const lock = await acquireLock(file, never)
    const error = await acquireLock(file, { signal, timeoutMs: 100 }).catch(caught => caught)
    expect(error.code).toBe('CACHE_LOCKED')
    for (const part of [`process ${process.pid}`, hostname(), file, ' s'])
      expect(error.message).toContain(part)
    await lock.release()
  })

  it('stops waiting when told to', async () => {
    const file = lockFile()
    const lock = await acquireLock(file, never)
    const controller = new AbortController()
    const second = acquireLock(file, { ...never, signal: controller.signal })
    setTimeout(() => controller.abort(), 100)
    await expect(second).rejects.toMatchObject({ code: 'ABORTED' })
    await expect(acquireLock(file, { ...never, signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ABORTED',
    })
    await lock.release()
    expect(list(dirname(file))).toEqual([])
  })

  it('removes only its own', async () => {
    const file = lockFile()
    const lock = await acquireLock(file, never)
    plant(file, { ...describeSelf() })
    await lock.release()
    expect(readFileSync(file, 'utf8')).toContain('planted')
  })

  it('knows that it is its owner, until somebody took it over or removed it', async () => {
    const file = lockFile()
    const lock = await acquireLock(file, never)
    await lock.check()
    plant(file, { ...describeSelf() })
    await expect(lock.check()).rejects.toMatchObject({ code: 'CACHE_LOCKED' })
    rmSync(file)
    await expect(lock.check()).rejects.toMatchObject({ code: 'CACHE_LOCKED' })
    // What keeps it from being read is the disk's, and no bug of an engine.
    mkdirSync(file)
    await expect(lock.check()).rejects.toMatchObject({ code: 'CACHE_UNWRITABLE' })
  })

  it('shows that it lives, by the time of its file', async () => {
    const file = lockFile()
    const lock = await acquireLock(file, { ...never, heartbeatMs: 50 })
    const before = readFileSync(file)
    age(file, 1000)
    await sleep(300)
    expect(Date.now() - statSync(file).mtimeMs).toBeLessThan(100_000)
    expect(readFileSync(file)).toEqual(before)
    await lock.release()
  })

  it('survives that its folder is removed', async () => {
    const file = lockFile()
    const lock = await acquireLock(file, { ...never, heartbeatMs: 20 })
    rmSync(dirname(file), { recursive: true })
    await sleep(100)
    await lock.release()
    await (await acquireLock(file, never)).release()
  })

  it('gives up on a name that leads nowhere', async () => {
    const file = lockFile()
    mkdirSync(dirname(file))
    symlinkSync(`${file}.nowhere`, file)
    expect(await isHeld(file)).toBe(true)
  })

  it('says so when the folder cannot be made', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'file'), '')
    await expect(acquireLock(join(folder, 'file', 'x.lock'), never)).rejects.toMatchObject({
      code: 'CACHE_UNWRITABLE',
    })
  })
})

const isLinux = process.platform === 'linux'

describe.skipIf(!isLinux)('an owner on this system', () => {
  it('is robbed when its process is gone', async () => {
    const file = lockFile()
    plant(file, { ...describeSelf(), pid: 2 ** 22 + 1 })
    expect(await isHeld(file, { timeoutMs: SOON })).toBe(false)
    expect(list(dirname(file))).toEqual([])
  })

  it('is robbed when its process id was given to another process', async () => {
    const file = lockFile()
    plant(file, { ...describeSelf(), pid: 1, startTime: '99999999999' })
    expect(await isHeld(file, { timeoutMs: SOON })).toBe(false)
  })

  it('is never robbed while it lives, however old its heartbeat', async () => {
    const file = lockFile()
    plant(file, { ...describeSelf() })
    age(file, 1e6)
    expect(await isHeld(file, { heartbeatMs: 10, staleMs: 20, tornMs: 10 })).toBe(true)
  })
})

describe('an owner elsewhere', () => {
  const elsewhere = {
    bootId: 'another',
    pidNamespace: 'pid:[1]',
    startTime: '1',
    host: 'far.example',
    pid: 1,
  }
  const quick = { heartbeatMs: 50, staleMs: 1000 }

  it('is robbed when its heartbeat is old and does not move', async () => {
    const file = lockFile()
    plant(file, elsewhere)
    age(file, 5)
    expect(await isHeld(file, { ...quick, timeoutMs: SOON })).toBe(false)
  })

  it('is not robbed before it was watched for two heartbeats', async () => {
    const file = lockFile()
    plant(file, elsewhere)
    age(file, 5)
    expect(await isHeld(file, { ...quick, heartbeatMs: 10_000 })).toBe(true)
  })

  it('is not robbed while its heartbeat is young', async () => {
    const file = lockFile()
    plant(file, elsewhere)
    expect(await isHeld(file, { ...quick, staleMs: 60_000 })).toBe(true)
  })

  it('is not robbed while its heartbeat moves, though it always looks old', async () => {
    const file = lockFile()
    plant(file, elsewhere)
    let seconds = 1000
    const timer = setInterval(() => age(file, --seconds), 20)
    expect(await isHeld(file, quick)).toBe(true)
    clearInterval(timer)
  })

  it('is robbed when its heartbeat is in the future and does not move for as long as makes one old', async () => {
    const file = lockFile()
    plant(file, elsewhere)
    age(file, -3600)
    expect(await isHeld(file, { heartbeatMs: 300, staleMs: 700, timeoutMs: SOON })).toBe(false)
  })

  it('is not robbed when its heartbeat is in the future', async () => {
    const file = lockFile()
    plant(file, { ...elsewhere, acquiredAt: '2999-01-01T00:00:00.000Z' })
    age(file, -1e6)
    const error = await acquireLock(file, { ...never, ...quick, timeoutMs: 300 }).catch(caught => caught)
    expect(error.message).toContain('process 1 on far.example')
    expect(error.message).toContain('for 0 s')
  })
})

describe('a token that cannot be read', () => {
  it.each([
    '',
    '{',
    '{"id":"x"}',
    'null',
    '[]',
    '\0'.repeat(100),
    '{"id":"x","pid":-1,"host":"h","acquiredAt":"x"}',
  ])('%j counts as held at first and is removed when it stays so', async text => {
    const file = lockFile()
    mkdirSync(dirname(file))
    writeFileSync(file, text)
    expect(await isHeld(file, { timeoutMs: 200 })).toBe(true)
    expect(await isHeld(file, { timeoutMs: SOON, tornMs: 100 })).toBe(false)
    expect(existsSync(file)).toBe(false)
  })
})
