import { tokenize } from '@csstools/css-tokenizer'
import { expect, test } from 'vitest'
import { cssTokensOf } from './css-tokens.ts'
import { findStyleReferences } from './style-references.ts'

test('places are those of the whole text, also behind long data', () => {
  const data = 'A'.repeat(10_000)
  const css = `a{b:url(data:image/png;base64,${data});c:"${data}x";d:url(e)}`
  const tokens = [...cssTokensOf(css)].filter(token => token !== undefined).slice(0, -1)
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
  expect([...findStyleReferences(css, 'sheet')].map(({ value }) => value)).toEqual(['a.png?upscale=2'])
})

test.each([
  ['\\"', 'a'],
  ['a', '\\"'],
  ['\\\\', '\\\\'],
  ["\\'", '\\)'],
  ['\\(', '.png'],
  ['%20\\"', '\\\\'],
  ['\\)\\\\', 'A'],
  ['\0', 'a'],
  ['é', '\0'],
  ['😀', 'a'],
  ['a', '😀'],
])('a long word of %j that ends with %j is as much as all of it', (part, end) => {
  const word = part.repeat(5000) + end
  for (const before of ['', 'A', '\\A ', '\\\\', '\\{', '\\\n']) {
    const texts = [`"${before}${word}"`, `'${word}`, `url(${word})`, `url(${word}`, `/*${word}*/`]
    for (const css of texts.map(text => `a{b:${text};d:url(e)}`)) {
      const tokens = [...cssTokensOf(css)].filter(token => token !== undefined).slice(0, -1)
      expect(tokens.map(([type, , start]) => [type, start])).toEqual(
        tokenize({ css })
          .slice(0, -1)
          .map(([type, , start]) => [type, start]),
      )
      expect(tokens.map(([, written]) => written).join('').length).toBeLessThan(200)
    }
  }
})
