import { hash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isUpscaleError } from 'upscale-core'
import { expect, test } from 'vitest'
import { placeFile } from './place.ts'

test.each([
  [
    'a file in the place of its folder',
    (folder: string) => writeFileSync(join(folder, 'out'), ''),
    'remove it',
  ],
  [
    'a folder in its place',
    (folder: string) => mkdirSync(join(folder, 'out/a.png/b'), { recursive: true }),
    'remove it',
  ],
])('a result that %s keeps out says what to do about that', async (_, hinder, words) => {
  const folder = mkdtempSync(join(tmpdir(), 'upscale-place-'))
  const file = join(folder, 'made.png')
  writeFileSync(file, 'made')
  hinder(folder)
  const made = { file, digest: hash('sha256', 'made', 'hex'), size: 4 }
  const error = await placeFile(made, join(folder, 'out/a.png')).catch((reason: unknown) => reason)
  if (!isUpscaleError(error)) throw error
  expect(error.code).toBe('CACHE_UNWRITABLE')
  expect(error.details.hint).toContain(words)
})

test('a result whose folder is removed before it is copied there is copied all the same', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'upscale-place-'))
  const [out, source] = [join(folder, 'out'), join(folder, 'made.png')]
  writeFileSync(source, 'made')
  let copies = 0
  const made = {
    digest: hash('sha256', 'made', 'hex'),
    size: 4,
    get file() {
      // What is in the folder by now, the build next door empties.
      if (copies++ === 0) rmSync(out, { recursive: true })
      return source
    },
  }
  expect(await placeFile(made, join(out, 'a.png'))).toBe(true)
  expect(copies).toBe(2)
  expect(readdirSync(out)).toEqual(['a.png'])
})
