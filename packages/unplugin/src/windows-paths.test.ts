import { expect, test, vi } from 'vitest'
import { pathBeside } from './path-beside.ts'
import { slotsFolder } from './slots.ts'

/* Paths that bundlers are given, from sources as Windows has them, wherever this runs. */

vi.mock('node:path', async original => {
  const { win32 } = await original<typeof import('node:path')>()
  return { ...win32, default: win32 }
})

test.each([
  ['C:\\site\\img\\hero.png', 'C:/site/img/hero-2x.png'],
  ['\\\\server\\share\\img\\hero.png', '//server/share/img/hero-2x.png'],
  ['C:/site/img/hero.png', 'C:/site/img/hero-2x.png'],
])('the picture of %s is %s', (source, expected) => {
  expect(pathBeside(source, 'hero-2x.png', 'upscale=2')).toBe(expected)
})

test('a source with a reserved name has a picture whose name Windows takes', () => {
  expect(pathBeside('C:\\site\\aux.png', '_aux-2x.png', 'upscale=2')).toMatch(
    /^C:\/site\/_aux-2x-[0-9a-f]{6}\.png$/,
  )
})

test('slots lie in the project', () => {
  expect(slotsFolder('C:\\site')).toBe('C:\\site\\node_modules\\.cache\\upscale\\slots')
})
