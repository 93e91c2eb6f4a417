import { describe, expect, it } from 'vitest'
import { isSafeFileName, outputName, safeStem } from './file-name.ts'

describe('valid names', () => {
  it.each(['hero', 'Hero_2', 'a', '_draft', 'logo.min', '2024-01-02', 'a'.repeat(79)])(
    '%s stays as it is',
    name => {
      expect(safeStem(name)).toBe(name)
    },
  )

  it.each([
    ['hero@2x', 'hero-2x'],
    ['Café (final)', 'Cafe-final'],
    ['a  b', 'a-b'],
    ['über', 'uber'],
    ['№5', 'No5'],
  ])('%s becomes %s', (name, stem) => {
    expect(safeStem(name)).toBe(stem)
  })
})

describe('hostile names', () => {
  const hostile = [
    '',
    '.',
    '..',
    '../../etc/passwd',
    '..\\..\\windows',
    '/etc',
    'a/b',
    'a\0b',
    'a\nb',
    '-rf',
    '--',
    '.htaccess',
    '...',
    'CON',
    'con',
    'nul.tar',
    'Com1',
    'LPT9.x',
    'COM¹',
    'aux',
    'prn.',
    '😀',
    '日本語',
    'a\u202egnp',
    '\ud800',
    'a'.repeat(300),
    `${'a'.repeat(78)}..${'b'.repeat(9)}`,
    'trailing.',
    'trailing ',
    'a:b',
    'a*?"<>|b',
    'é'.repeat(100_000),
    '%2e%2e',
    'con'.repeat(40),
    `con.${'-'.repeat(200)}`,
    '__proto__',
    'constructor',
    '\u0301',
    'İ',
    'ﬁle',
    'CONIN$',
  ]

  it.each(hostile.map(name => [name.slice(0, 40), name]))('%j becomes a plain file name', (_, name) => {
    const stem = safeStem(name)
    expect(stem).toMatch(/^\w[\w.-]{0,79}$/)
    expect(stem).not.toMatch(/[.-]$/)
    expect(stem).not.toMatch(/^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i)
    expect(safeStem(stem)).toBe(stem)
    for (const factor of [2, 1.5, 1 / 3, 16])
      expect(isSafeFileName(outputName(stem, factor, 'jpeg'))).toBe(true)
  })

  it.each([
    '..',
    '.',
    '',
    'a/b',
    'a\\b',
    '.x',
    '-x',
    'nul.png',
    'CON',
    'a.',
    'a ',
    'a\n',
    'a'.repeat(121),
    'a\0',
  ])('%j is not a safe file name', name => {
    expect(isSafeFileName(name)).toBe(false)
  })
})

describe('output names', () => {
  it.each([
    ['hero', 2, 'png', 'hero-2x.png'],
    ['hero', 1.5, 'jpeg', 'hero-1.5x.jpg'],
    ['hero', 4 / 3, 'webp', 'hero-1.3333x.webp'],
    ['hero-2x', 2, 'avif', 'hero-2x-2x.avif'],
  ] as const)('%s enlarged by %d as %s is %s', (stem, factor, format, name) => {
    expect(outputName(stem, factor, format)).toBe(name)
  })
})
