import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { temporaryFolder } from '../../test-support/fault-kit.ts'
import { acquireLock } from './lock.ts'

/* A disk that remembers of a name that it was not there, until the folder that it is missing in is opened. */

const remembered = vi.hoisted(() => new Set<string>())

vi.mock('node:fs/promises', async original => {
  const real = await original<typeof import('node:fs/promises')>()
  const { dirname } = await import('node:path')
  return {
    ...real,
    async open(path: string, ...rest: [string | number]) {
      if (remembered.has(path) && rest[0] !== 'wx')
        throw Object.assign(new Error(`no such file: ${path}`), { code: 'ENOENT' })
      return real.open(path, ...rest)
    },
    async opendir(folder: string) {
      for (const path of remembered) if (dirname(path) === folder) remembered.delete(path)
      return real.opendir(folder)
    },
  }
})

const never = { signal: new AbortController().signal, timeoutMs: 20_000 }

test('a lock that its own process does not see at first is still its own, and is given back', async () => {
  const file = join(temporaryFolder(), 'locks', 'paid.lock')
  const lock = await acquireLock(file, never)
  remembered.add(file)
  await lock.check()
  remembered.add(file)
  await lock.release()
  expect(readdirSync(dirname(file))).toEqual([])
})

test('who waits for a lock that he does not see at first learns who has it', async () => {
  const file = join(temporaryFolder(), 'locks', 'paid.lock')
  const lock = await acquireLock(file, never)
  remembered.add(file)
  const error = await acquireLock(file, { ...never, timeoutMs: 300 }).catch(caught => caught)
  expect(error).toMatchObject({ code: 'CACHE_LOCKED' })
  expect(error.message).toContain(`process ${process.pid}`)
  expect(existsSync(file)).toBe(true)
  await lock.release()
})
