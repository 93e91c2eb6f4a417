import { expect, test } from 'vitest'
import { findStyleTexts } from './style-text.ts'

const valuesOf = (css: string): string[] => [...findStyleTexts(css)].map(({ value }) => value)

test.each([
  ['a { background: url(a.png) }', ['a.png']],
  ['a { background: url( "a b.png" ), url(\'c.png\') }', ['a b.png', 'c.png']],
  ['a { background: image-set("a.png" 1x, url(b.png) 2x) }', ['a.png', 'b.png']],
  ["@import 'a.css';", ['a.css']],
  ['/* url(a.png) "b.png" */ a { color: red }', []],
  ['a { content: "url(a.png)" }', ['url(a.png)']],
  ['a { content: "it\\"s"; background: url(a.png) }', ['it\\"s', 'a.png']],
  ['a { background: url(data:image/png;base64,AA==) }', ['data:image/png;base64,AA==']],
])('%s', (css, values) => {
  expect(valuesOf(css)).toEqual(values)
})

test('the place of a value is that of its text', () => {
  const css = 'a { background: url( "./a.png" ) }'
  const [reference] = findStyleTexts(css)
  expect(css.slice(reference?.start, reference?.end)).toBe('./a.png')
})

test('text that is no style sheet does not hang', () => {
  const hostile = `url(${'\\'.repeat(50_000)}${'"'.repeat(50_001)}url(${'a'.repeat(50_000)}`
  expect([...findStyleTexts(hostile)]).toBeInstanceOf(Array)
})
