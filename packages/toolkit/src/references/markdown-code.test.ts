import { expect, test } from 'vitest'
import { withoutMarkdownCode } from './markdown-code.ts'

test.each([
  ['a `b` c', 'a     c'],
  ['a ``b ` c`` d', 'a           d'],
  ['a `b\n\nc` d', 'a `b\n\nc` d'],
  ['```js\na\n```\nb', '     \n \n   \nb'],
  ['```\r\na\r\n```\r\nb', '    \n  \n    \nb'],
  ['~~~\n```\n~~~~ \nb', '   \n   \n     \nb'],
  ['````\n```\n````\nb', '    \n   \n    \nb'],
  ['a `b\n```\nc` d', 'a `b\n   \n    '],
  ['no code', 'no code'],
])('of %j stays %j', (text, expected) => {
  expect(withoutMarkdownCode(text)).toBe(expected)
})

test.each([
  ['an open fence', `\`\`\`\n${'a\n'.repeat(4_000_000)}`],
  ['fences', '```\na\n```\n'.repeat(1_000_000)],
  ['a fence of backticks', '`'.repeat(8_000_000)],
  ['one paragraph', `\`a\`\n${'a\n'.repeat(4_000_000)}`],
  ['spans', '` '.repeat(4_000_000)],
])('%s of megabytes is read to its end', (_, text) => {
  const last = withoutMarkdownCode(`${text}\n\nb`)
  expect(last).toHaveLength(text.length + 3)
})
