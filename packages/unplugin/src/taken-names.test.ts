import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createTakenNames } from './taken-names.ts'

const MANY = 100

function folderWith(...names: string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'upscale-names-'))
  for (const name of names) writeFileSync(join(folder, name), '')
  return folder
}

/** The answers about a name, each after another question about its folder. */
function answers(folder: string, name: string): Set<boolean> {
  const isTaken = createTakenNames()
  return new Set(
    Array.from({ length: MANY }, (_, index) => {
      isTaken(join(folder, `other-${index}.png`))
      return isTaken(join(folder, name))
    }),
  )
}

test.each([
  ['hero-2x.png', true],
  ['Ärger-2x.png', true],
  ['missing-2x.png', false],
  ['folder-2x.png', false],
])('the name %s is taken: %s, however often a folder is asked about', (name, expected) => {
  const folder = folderWith('hero-2x.png', 'Ärger-2x.png')
  mkdirSync(join(folder, 'folder-2x.png'))
  expect(answers(folder, name)).toEqual(new Set([expected]))
})

test('a folder that is not there has no names', () => {
  expect(answers(join(folderWith(), 'missing'), 'hero-2x.png')).toEqual(new Set([false]))
})

test.skipIf(process.getuid?.() === 0 || process.platform === 'win32')(
  'the files of a folder that nobody may list are found (root may list any)',
  () => {
    const folder = folderWith('hero-2x.png')
    chmodSync(folder, 0o111)
    expect(answers(folder, 'hero-2x.png')).toEqual(new Set([true]))
  },
)
