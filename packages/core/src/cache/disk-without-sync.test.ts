import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { syncFolder, writeWhole } from './disk.ts'

// The file handles of Yarn's Plug'n'Play have no `sync`.
vi.mock('node:fs/promises', async importOriginal => {
  const original = await importOriginal<typeof import('node:fs/promises')>()
  const open: typeof original.open = async (...args) => {
    const handle = await original.open(...args)
    return new Proxy(handle, {
      has: (target, name) => name !== 'sync' && name in target,
      get: (target, name) => {
        const value: unknown = name === 'sync' ? undefined : Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }
  return { ...original, open }
})

test('a file is written whole, and a folder is let be, where handles have no sync', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'upscale-disk-'))
  try {
    await writeWhole(join(folder, 'a'), 'content', true)
    await syncFolder(folder)
    expect(await readFile(join(folder, 'a'), 'utf8')).toBe('content')
  } finally {
    await rm(folder, { recursive: true })
  }
})
