import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { appendWhole, openPatiently, syncFolder, writeWhole } from './disk.ts'

// The file handles of Yarn's Plug'n'Play have no `sync` and no `datasync` in some versions; in others both throw.
const METHODS = ['sync', 'datasync']
let isThere = false

vi.mock('node:fs/promises', async importOriginal => {
  const original = await importOriginal<typeof import('node:fs/promises')>()
  const open: typeof original.open = async (...args) => {
    const handle = await original.open(...args)
    const missing = isThere
      ? () => {
          throw new Error('Method not implemented.')
        }
      : undefined
    return new Proxy(handle, {
      has: (target, name) => (isThere || !METHODS.includes(String(name))) && name in target,
      get: (target, name) => {
        const value: unknown = METHODS.includes(String(name)) ? missing : Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }
  return { ...original, open }
})

test.each([
  ['have no sync', false],
  ['have a sync that throws', true],
])('files are written and appended whole, and folders synced, where handles %s', async (_, there) => {
  isThere = there
  const folder = await mkdtemp(join(tmpdir(), 'upscale-disk-'))
  try {
    const file = join(folder, 'a')
    await writeWhole(file, 'content', true)
    await syncFolder(folder)
    const handle = await openPatiently(file, 'a')
    await appendWhole(handle, ' and more')
    await handle.close()
    expect(await readFile(file, 'utf8')).toBe('content and more')
  } finally {
    await rm(folder, { recursive: true })
  }
})
