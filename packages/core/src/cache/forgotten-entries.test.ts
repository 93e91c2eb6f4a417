import { mkdirSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { entryFolder, keyOf, temporaryFolder, writeEntry } from '../test-support/fault-kit.ts'
import { openCache } from './cache.ts'

/* A disk on which what another machine made is not there until its folder is opened. */

const opened = vi.hoisted(() => new Set<string>())

vi.mock('node:fs', async original => {
  const real = await original<typeof import('node:fs')>()
  return {
    ...real,
    opendirSync(folder: string) {
      opened.add(folder)
      return real.opendirSync(folder)
    },
    openSync(path: string, ...rest: [string | number]) {
      if (path.includes('/answers/') && !opened.has(dirname(path)))
        throw Object.assign(new Error(`no such file: ${path}`), { code: 'ENOENT' })
      return real.openSync(path, ...rest)
    },
  }
})

test('an answer of another machine is seen after a refresh, with every folder on the way to it', async () => {
  const root = join(temporaryFolder(), 'cache')
  const key = keyOf(1)
  const { image } = writeEntry(root, key, Buffer.from('the bytes of a picture'))
  const answers = dirname(entryFolder(root, key)).replace('outputs', 'answers')
  mkdirSync(answers, { recursive: true })
  await rename(dirname(image), join(answers, key))
  const cache = openCache(root, { tag: true, onEvent: () => {} })
  expect(await cache.find('answers', key)).toBeUndefined()
  cache.refresh(key)
  expect((await cache.find('answers', key))?.bytes.toString()).toBe('the bytes of a picture')
  expect([join(root, 'v1', 'answers'), answers].filter(folder => !opened.has(folder))).toEqual([])
})
