import { parseAst } from 'vite'
import { expect, test } from 'vitest'
import { flatDataOf } from './astro-data.ts'

const DATA = [['Map', 1, 2], 'posts', { filePath: 3, 'asset-imports': [4], isDraft: false }, 'a.md', null, -1]
const LITERAL = '[["Map",1,2],"posts",{filePath:3,"asset-imports":[4],isDraft:false},"a.md",null,-1]'

test.each([
  ['JSON in a text', `export default JSON.parse(${JSON.stringify(JSON.stringify(DATA))})`],
  ['JSON', `export default ${JSON.stringify(DATA)};`],
  ['a literal', `export default ${LITERAL}`],
  ['a literal without a space', `export default${LITERAL};`],
])('%s is data', (_, code) => {
  expect(flatDataOf(code, parseAst)).toEqual(DATA)
})

test.each([
  'export default new Map()',
  'export default [undefined]',
  'export default [[]',
  'export const a = 1',
])('%s is none', code => {
  expect(flatDataOf(code, parseAst)).toBeUndefined()
})

test('a name that means something to objects is a name', () => {
  expect(JSON.stringify(flatDataOf('export default[{"__proto__":1}]', parseAst))).toBe('[{"__proto__":1}]')
})
