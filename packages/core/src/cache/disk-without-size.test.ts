import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { openCache } from './cache.ts'

vi.mock('node:fs/promises', async importOriginal => {
  const original = await importOriginal<typeof import('node:fs/promises')>()
  return { ...original, statfs: async () => ({ bsize: 512, blocks: 0, bfree: 0, bavail: 0 }) }
})

test('a file system that says nothing of its size is not taken for a full one', async () => {
  const root = mkdtempSync(join(tmpdir(), 'upscale-size-'))
  await expect(openCache(root, { tag: false, onEvent: () => {} }).probe(1_000_000)).resolves.toBeUndefined()
  rmSync(root, { recursive: true })
})
