import { expect, test } from 'vitest'
import { cssTokensOf } from './css-tokens.ts'
import { findStyleReferences } from './style-references.ts'

test('places are those of the whole text, also behind long data', () => {
  const data = 'A'.repeat(10_000)
  const css = `a{b:url(data:image/png;base64,${data});c:"${data}x";d:url(e)}`
  const tokens = [...cssTokensOf(css)].slice(0, -1)
  expect(tokens.map(([, , start, end]) => css.slice(start, end + 1)).join('')).toBe(css)
  expect(Math.max(...tokens.map(([, written]) => written.length))).toBeLessThan(100)
})

test('a string that does not end leaves the stacks of errors as they are', () => {
  const before = Error.stackTraceLimit
  expect([...cssTokensOf('a{b:"c\n"d')].length).toBeGreaterThan(3)
  expect(Error.stackTraceLimit).toBe(before)
})

test('a long line of declarations is no data', () => {
  const css = `:root{${Array.from({ length: 2000 }, (_, at) => `--v${at}:1px`).join(';')};--last:"a.png?upscale=2"}`
  expect(findStyleReferences(css, 'sheet').map(({ value }) => value)).toEqual(['a.png?upscale=2'])
})
