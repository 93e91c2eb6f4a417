import { expect, test, vi } from 'vitest'
import { createSite, isInSite } from './site.ts'

/* Addresses against folders as Windows has them, wherever this runs. */

vi.mock('node:path', async original => {
  const { win32 } = await original<typeof import('node:path')>()
  return { ...win32, default: win32 }
})

const SITE = createSite('C:\\site')

test.each([
  ['img/hero.png', 'C:\\site\\a\\img\\hero.png'],
  ['/img/hero.png', 'C:\\site\\img\\hero.png'],
  ['..\\..\\..\\hero.png', 'C:\\site\\hero.png'],
  ['%2e%2e%5c%2e%2e%5chero.png', 'C:\\site\\hero.png'],
  ['..%5c..%5c..%5cWindows%5chero.png', 'C:\\site\\Windows\\hero.png'],
  ['C:/Windows/hero.png', undefined],
  ['C:\\Windows\\hero.png', undefined],
  ['\\\\server\\share\\hero.png', undefined],
])('the address %s leads to %s, never out of the site', (address, expected) => {
  expect(SITE.fileOf(address, 'C:\\site\\a\\index.html', undefined)).toBe(expected)
})

test.each(['%5c%5cserver%5cshare%5chero.png', '/D:/hero.png', '/D:%5chero.png', '%44:%5chero.png'])(
  'the address %s stays in the site',
  address => {
    const file = SITE.fileOf(address, 'C:\\site\\index.html', undefined)
    expect(file).toMatch(/^C:\\site\\/)
  },
)

test.each([
  ['C:\\site\\hero.png', true],
  ['c:\\SITE\\hero.png', true],
  ['C:\\site', false],
  ['C:\\sites\\hero.png', false],
  ['D:\\site\\hero.png', false],
  ['\\\\server\\share\\hero.png', false],
])('%s is in the site: %s', (file, expected) => {
  expect(isInSite(file, SITE)).toBe(expected)
})

test('an address is written with forward slashes', () => {
  const page = 'C:\\site\\a\\index.html'
  expect(SITE.addressLike('hero.png', 'C:\\site\\img\\hero-2x.png', page, undefined)).toBe(
    '../img/hero-2x.png',
  )
  expect(SITE.addressLike('/hero.png', 'C:\\site\\img\\hero-2x.png', page, undefined)).toBe(
    '/img/hero-2x.png',
  )
})
