import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { readOperands, shownPath } from './operands.ts'
import { createTargets } from './target.ts'

/* Names on the command line as Windows has them, wherever this runs. */

vi.mock('node:path', async original => {
  const { win32 } = await original<typeof import('node:path')>()
  return { ...win32, default: win32 }
})

vi.mock('./name-folding.ts', async original => ({
  ...(await original<typeof import('./name-folding.ts')>()),
  foldsNames: () => true,
}))

const PLATFORM = process.platform
beforeEach(() => Object.defineProperty(process, 'platform', { value: 'win32' }))
afterEach(() => Object.defineProperty(process, 'platform', { value: PLATFORM }))

test.each([
  ['C:\\pics\\*.png', 'C:\\pics', '*.png'],
  ['D:\\*.png', 'D:\\', '*.png'],
  ['D:/a/**/*.png', 'D:\\a', '**/*.png'],
  ['\\\\server\\share\\*.png', '\\\\server\\share\\', '*.png'],
  ['pics\\**\\*.png', 'C:\\work\\pics', '**/*.png'],
  ['*.png', 'C:\\work', '*.png'],
])('the pattern %s is looked for in %s', (arg, path, pattern) => {
  expect(readOperands([arg], 'C:\\work')).toEqual([{ kind: 'glob', path, pattern }])
})

test.each([
  ['C:\\work\\img\\hero.png', 'img/hero.png'],
  ['D:\\img\\hero.png', 'D:/img/hero.png'],
  ['\\\\server\\share\\hero.png', '//server/share/hero.png'],
])('%s is shown as %s', (path, expected) => {
  expect(shownPath(path, 'C:\\work')).toBe(expected)
})

test.each([
  ['D:\\large', 'D:\\large\\sub\\hero.png'],
  ['\\\\server\\share\\large', '\\\\server\\share\\large\\sub\\hero.png'],
  ['large', 'C:\\work\\large\\sub\\hero.png'],
])('with --out %s the result is %s', (out, expected) => {
  const targets = createTargets([{ kind: 'folder', path: 'C:\\pics' }], { out }, 'C:\\work')
  expect(targets.fileFor('C:\\pics\\sub\\hero.png', 'sub/hero.png', 'png')).toBe(expected)
})

test('two results whose names differ in case only would be one file', () => {
  const folders = ['C:\\one', 'C:\\two'].map(path => ({ kind: 'folder', path }) as const)
  const targets = createTargets(folders, { out: 'large' }, 'C:\\work')
  targets.fileFor('C:\\one\\Hero.png', 'Hero.png', 'png')
  expect(() => targets.fileFor('C:\\two\\hero.png', 'hero.png', 'png')).toThrow(/would both be/)
})
