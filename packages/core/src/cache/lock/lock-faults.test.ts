import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Child,
  canTrace,
  compile,
  isRootOnLinux,
  list,
  NEEDS_ROOT,
  startChild,
  temporaryFolder,
} from '../../test-support/fault-kit.ts'
import { acquireLock } from './lock.ts'

let compiled: string
beforeAll(() => {
  compiled = compile()
})
afterAll(() => rmSync(compiled, { recursive: true, force: true }))

const { signal } = new AbortController()

/** A process that may call `locked(work)`, which fails when anybody else is inside, and `acquire()`. */
function script(body: string): string {
  return `
    import { openSync, closeSync, unlinkSync, readFileSync } from 'node:fs'
    import { setTimeout as sleep } from 'node:timers/promises'
    import { acquireLock } from '${compiled}/cache/lock/lock.js'
    const [, file, ...args] = process.argv
    const { signal } = new AbortController()
    const say = (...words) => process.stdout.write(words.join(' ') + '\\n')
    const acquire = (options = {}) => acquireLock(file, { signal, timeoutMs: 60_000, ...options })
    const locked = async work => {
      const lock = await acquire()
      try {
        closeSync(openSync(file + '.inside', 'wx'))
      } catch { say('OVERLAP') }
      await work()
      try { unlinkSync(file + '.inside') } catch { say('OVERLAP') }
      await lock.release()
    }
    ${body}`
}

function lockFile(): string {
  const file = join(temporaryFolder(), 'locks', 'paid.lock')
  mkdirSync(dirname(file))
  return file
}

/** Starts a process that takes the lock and never gives it back. */
async function startOwner(file: string, wrapper: readonly string[] = []): Promise<Child> {
  const owner = startChild(
    script("await acquire({ heartbeatMs: 100 }); say('mine'); setInterval(() => {}, 1e6)"),
    [file],
    wrapper,
  )
  await owner.printed('mine')
  return owner
}

async function expectNoOverlap(children: readonly Child[]): Promise<void> {
  expect(await Promise.all(children.map(child => child.end))).toEqual(children.map(() => 0))
  for (const child of children) expect(child.output()).not.toContain('OVERLAP')
}

describe('many processes', () => {
  it('are let in one at a time', async () => {
    const file = lockFile()
    const body = 'for (let round = 0; round < 25; round++) await locked(() => sleep(1))'
    await expectNoOverlap(Array.from({ length: 12 }, () => startChild(script(body), [file])))
    expect(list(dirname(file))).toEqual([])
  })

  it('storm a lock whose owner died, round after round, and one at a time gets it', async () => {
    const file = lockFile()
    const start = Date.now() + 2500
    // At the end of its turn in each round the last process dies, as far as the lock can tell: its token stays, with
    // the id of a process that is gone.
    const body = `
      import { linkSync, writeFileSync } from 'node:fs'
      for (let round = 0; round < 25; round++) {
        const stale = file + '.' + round
        const at = ${start} + round * 150
        if (args[0] === '0') {
          await sleep(Math.max(0, at - 50 - Date.now()))
          const token = JSON.parse(readFileSync(file + '.dead', 'utf8'))
          writeFileSync(stale, JSON.stringify({ ...token, id: 'dead ' + round }))
          try { linkSync(stale, file) } catch {}
        }
        await sleep(Math.max(0, at - Date.now()))
        await locked(() => sleep(1))
      }`
    const owner = await startOwner(file)
    owner.process.kill('SIGKILL')
    await owner.end
    execFileSync('mv', [file, `${file}.dead`])
    await expectNoOverlap(Array.from({ length: 16 }, (_, id) => startChild(script(body), [file, String(id)])))
    expect(existsSync(file)).toBe(false)
  })

  it('killed at random never leave a lock that nobody can take', async () => {
    const file = lockFile()
    const body = "say('begin'); for (;;) { const lock = await acquire(); await lock.release() }"
    for (let round = 0; round < 6; round++) {
      const children = Array.from({ length: 4 }, () => startChild(script(body), [file]))
      await Promise.all(children.map(child => child.printed('begin')))
      for (const child of children) {
        await sleep(Math.random() * 30)
        child.process.kill('SIGKILL')
        await child.end
      }
      await (await acquireLock(file, { signal, timeoutMs: 5000 })).release()
    }
    expect(list(dirname(file)).filter(name => !name.endsWith('.token') && !name.endsWith('.reap'))).toEqual(
      [],
    )
  })
})

describe('an owner', () => {
  it('that was killed is succeeded at once', async () => {
    const file = lockFile()
    const owner = await startOwner(file)
    owner.process.kill('SIGKILL')
    await owner.end
    await (await acquireLock(file, { signal, timeoutMs: 5000 })).release()
  })

  it('that was killed while it removed a dead lock is succeeded as well', async () => {
    const file = lockFile()
    for (const path of [file, `${file}.reap`, `${file}.reap.reap`]) {
      const owner = await startOwner(path)
      owner.process.kill('SIGKILL')
      await owner.end
    }
    await (await acquireLock(file, { signal, timeoutMs: 5000 })).release()
    expect(list(dirname(file))).toEqual([])
  })

  it('that is stopped keeps the lock, and is named', async () => {
    const file = lockFile()
    const owner = await startOwner(file)
    owner.process.kill('SIGSTOP')
    const wait = { signal, timeoutMs: 1500, heartbeatMs: 50, staleMs: 100, tornMs: 50 }
    const error = await acquireLock(file, wait).catch(caught => caught)
    expect(error).toMatchObject({ code: 'CACHE_LOCKED' })
    expect(error.message).toContain(`process ${owner.process.pid}`)
    expect(JSON.parse(readFileSync(file, 'utf8')).pid).toBe(owner.process.pid)
  })

  it.skipIf(process.platform !== 'linux')('that is a zombie is dead', async () => {
    const file = lockFile()
    // The shell becomes a sleep that never asks how its child ended.
    const shell = [...'sh -c'.split(' '), '"$@" & echo parent; exec sleep 1000', 'sh']
    const parent = await startOwner(file, shell)
    const { pid } = JSON.parse(readFileSync(file, 'utf8'))
    process.kill(pid, 'SIGKILL')
    await sleep(100)
    expect(readFileSync(`/proc/${pid}/stat`, 'utf8')).toContain(') Z ')
    await (await acquireLock(file, { signal, timeoutMs: 5000 })).release()
    parent.process.kill('SIGKILL')
  })

  it('in another name space of processes is judged by its heartbeat', async ({ skip }) => {
    if (!isRootOnLinux) skip(NEEDS_ROOT)
    const file = lockFile()
    const owner = await startOwner(file, ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'])
    const wait = { signal, timeoutMs: 1500, heartbeatMs: 100, staleMs: 1000 }
    // Its process id, 1 or so, means another process here.
    await expect(acquireLock(file, wait)).rejects.toMatchObject({ code: 'CACHE_LOCKED' })
    owner.process.kill('SIGKILL')
    await owner.end
    await (await acquireLock(file, { ...wait, timeoutMs: 10_000 })).release()
  })

  it('whose /proc shows another name space does not claim to be comparable', async ({ skip }) => {
    if (!isRootOnLinux) skip(NEEDS_ROOT)
    const file = lockFile()
    await startOwner(file, ['unshare', '--pid', '--fork', '--kill-child'])
    expect(JSON.parse(readFileSync(file, 'utf8')).bootId).toBeUndefined()
  })
})

describe('a file system without links', () => {
  it('has locks too', async ({ skip }) => {
    if (!canTrace()) skip('needs strace')
    const file = lockFile()
    const wrapper = [
      'strace',
      '-f',
      '-o',
      '/dev/null',
      '-e',
      'trace=link,linkat',
      '-e',
      'inject=link,linkat:error=EPERM',
    ]
    const body = 'for (let round = 0; round < 5; round++) await locked(() => sleep(1))'
    await expectNoOverlap(Array.from({ length: 4 }, () => startChild(script(body), [file], wrapper)))
    expect(list(dirname(file))).toEqual([])
  })
})
