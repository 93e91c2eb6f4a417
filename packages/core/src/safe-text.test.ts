import { describe, expect, test } from 'vitest'
import { escapeLines, escapePatch, escapeText, safeText } from './safe-text.ts'

describe('control characters', () => {
  test.each([
    ['colour', '\u001b[31mred\u001b[0m', 'red'],
    ['window title', '\u001b]0;title\u0007text', 'text'],
    ['link', '\u001b]8;;https://evil.example\u001b\\text\u001b]8;;\u001b\\', 'text'],
    ['C1 introducer', '\u009b31mred', 'red'],
    ['cursor and clear', 'a\u001b[2J\u001b[1;1Hb', 'ab'],
    ['line ends', 'one\r\ntwo\n\n\nthree\tfour', 'one two three four'],
    ['line separators', 'one\u2028two\u2029three', 'one two three'],
    ['NUL, bell, delete', 'a\u0000b\u0007c\u007fd', 'abcd'],
    ['direction marks', 'file\u202egnp.exe', 'filegnp.exe'],
    ['zero-width', 'a\u200bb\u200dc\ufeffd', 'abcd'],
    ['half a character', 'a\ud83db', 'ab'],
    ['ordinary text', 'Größe 2× „zu groß“ 画像', 'Größe 2× „zu groß“ 画像'],
  ])('%s', (_, text, expected) => {
    expect(safeText(text)).toBe(expected)
  })
})

describe('secrets', () => {
  const secrets = ['lmnfl_canary.s3cret/+']

  test.each([
    ['as it is', 'key lmnfl_canary.s3cret/+ refused', 'key [secret] refused'],
    ['percent-encoded', 'key lmnfl_canary.s3cret%2F%2B refused', 'key [secret] refused'],
    [
      'in base64',
      `key ${Buffer.from('lmnfl_canary.s3cret/+').toString('base64')} refused`,
      'key [secret] refused',
    ],
    ['with an invisible character inside', 'lmnfl_can\u200bary.s3cret/+', '[secret]'],
    ['with an escape inside', 'lmnfl_can\u001b[1mary.s3cret/+', '[secret]'],
    ['more than once', 'lmnfl_canary.s3cret/+lmnfl_canary.s3cret/+', '[secret][secret]'],
  ])('%s', (_, text, expected) => {
    expect(safeText(text, { secrets })).toBe(expected)
  })

  test('one that lies across the cut leaves no half behind', () => {
    const text = safeText(`${'x'.repeat(495)}lmnfl_canary.s3cret/+`, { secrets })
    expect(text).not.toContain('lmnfl')
  })

  test('a text too short to be a secret is left alone', () => {
    expect(safeText('a banana', { secrets: ['a', ''] })).toBe('a banana')
  })
})

describe('length', () => {
  test('500 characters by default, with a mark where it was cut', () => {
    const text = safeText('x'.repeat(10_000_000))
    expect(text).toHaveLength(500)
    expect(text.endsWith('x…')).toBe(true)
  })

  test('a character is not cut in half', () => {
    expect(safeText('🙂🙂🙂', { maxCharacters: 4 })).toBe('🙂…')
  })
})

describe('a text that stays readable', () => {
  test.each([
    ['a\n::error::b', 'a\\n::error::b'],
    ['::error file=x::y', '\\::error file=x::y'],
    [' ::warning::y', ' \\::warning::y'],
    ['x ##[error]y ##vso[task.setvariable]z', 'x #\\#[error]y #\\#vso[task.setvariable]z'],
    ['###[a] ##teamcity[buildStatus]', '##\\#[a] #\\#teamcity[buildStatus]'],
    ['\u001b[2J\u009b31m\u0007', '\\u{1b}[2J\\u{9b}31m\\u{7}'],
    ['\u202egnp.exe\u2066\u200b\ufeff', '\\u{202e}gnp.exe\\u{2066}\\u{200b}\\u{feff}'],
    ['\u2028\u2029\u0085\u007f\ud800', '\\u{2028}\\u{2029}\\u{85}\\u{7f}\\u{d800}'],
    ['\r\t', '\\r\\t'],
    ['Größe 2 × 3 — 日本.png 🙂 C:\\new a::b', 'Größe 2 × 3 — 日本.png 🙂 C:\\new a::b'],
  ])('%j', (text, shown) => {
    expect(escapeText(text)).toBe(shown)
    expect(escapeText(shown)).toBe(shown)
  })

  test('keeps its own lines and colours, and nobody else’s', () => {
    expect(escapeLines('a\n::b\n\u001b[31mc\u001b[39m\u001b[2J', true)).toBe(
      'a\n\\::b\n\u001b[31mc\u001b[39m\\u{1b}[2J',
    )
    expect(escapeLines('\u001b[31mc')).toBe('\\u{1b}[31mc')
  })
})

test('a patch keeps its tabs and line ends, and nothing else that a terminal acts on', () => {
  const patch = "--- a/x.js\n+++ b/x.js\n@@ -1,1 +1,1 @@\n-\timport a from 'a'\r\n+\timport a from 'b'\r\n"
  expect(escapePatch(patch)).toBe(patch)
  expect(escapePatch('+a\rb\u001b[2J\u009b1m\u200d\t::error::c\r\r\n ::error::d')).toBe(
    '+a\\rb\\u{1b}[2J\\u{9b}1m\\u{200d}\t\\::error::c\\r\r\n \\::error::d',
  )
})
