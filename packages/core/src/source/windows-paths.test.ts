import { expect, test, vi } from 'vitest'
import { scratchFolder } from '../request/host-cache-folder.ts'
import { isSafeFileName, outputName, safeStem } from './file-name.ts'
import { isInside } from './inside.ts'
import { nameOf } from './source.ts'

/* Paths as Windows has them, wherever this runs: drives, shares, case, reserved names, long paths. */

vi.mock('node:path', async original => {
  const { win32 } = await original<typeof import('node:path')>()
  return { ...win32, default: win32 }
})

const LONG = `C:\\site\\${'deep\\'.repeat(80)}hero.png`

test.each([
  ['C:\\site\\img\\hero.png', 'C:\\site', true],
  ['c:/SITE/img/hero.png', 'C:\\site', true],
  ['C:\\site', 'C:\\site', true],
  [LONG, 'C:\\site', true],
  ['C:\\site\\..hidden\\hero.png', 'C:\\site', true],
  ['C:\\sites\\hero.png', 'C:\\site', false],
  ['C:\\site\\..\\hero.png', 'C:\\site', false],
  ['D:\\site\\hero.png', 'C:\\site', false],
  ['\\\\server\\share\\site\\hero.png', 'C:\\site', false],
  ['\\\\server\\share\\site\\hero.png', '\\\\server\\share\\site', true],
  ['\\\\server\\other\\site\\hero.png', '\\\\server\\share\\site', false],
])('%s in %s: %s', (path, folder, expected) => {
  expect(isInside(path, folder)).toBe(expected)
})

test.each([
  ['C:\\site\\img\\hero.png', 'C:\\site', 'img/hero.png'],
  ['\\\\server\\share\\img\\hero.png', '\\\\server\\share', 'img/hero.png'],
  ['D:\\img\\hero.png', 'C:\\site', 'D:/img/hero.png'],
])('%s in %s is called %s', (file, root, expected) => {
  expect(nameOf(file, root)).toBe(expected)
})

test.each([
  ['C:\\cache', /^C:\\cache\\upscale\\site-/],
  ['\\\\server\\cache', /^\\\\server\\cache\\upscale\\site-/],
  ['cache', /^C:\\site\\node_modules\\/],
  ['C:cache', /^C:\\site\\node_modules\\/],
])('a cache home of %s', (home, expected) => {
  expect(scratchFolder('C:\\site', { XDG_CACHE_HOME: home }).folder).toMatch(expected)
})

test.each([
  'con',
  'AUX',
  'nul.tar',
  'COM1',
  'LPT9',
  'com¹',
  'trailing.',
  'trailing ',
  'a:b',
  'a\\b',
  'C:\\hero',
])('a picture called %s has an output whose name Windows takes', stem => {
  expect(isSafeFileName(outputName(safeStem(stem), 2, 'png'))).toBe(true)
})
