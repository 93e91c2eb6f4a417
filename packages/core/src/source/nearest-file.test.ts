import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { nearestFile } from './nearest-file.ts'

let root = ''
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'upscale-nearest-'))
  await mkdir(join(root, 'pictures.png'))
  for (const name of ['hero.png', 'my hero.jpg', 'a.png']) await writeFile(join(root, name), '')
})
afterAll(() => rm(root, { recursive: true }))

test.each([
  ['heroo.png', 'hero.png'],
  ['Hero.PNG', 'hero.png'],
  ['hero.jpg', 'hero.png'],
  ['my%20hero.jpg', 'my hero.jpg'],
  ['my%hero.jpg', 'my hero.jpg'],
  ['b.png', 'a.png'],
  ['x', undefined],
  ['picture.png', undefined],
  ['none/hero.png', undefined],
])('%j is near to %j', (missing, near) => {
  expect(nearestFile(join(root, missing))).toBe(near)
})
