import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { ERROR_CODES, UpscaleError } from './errors.ts'

const HOSTILE = 'x\u001b[2J\u009b2J\u202e\u2066\u200b\r\n::error::y\u2028##vso[a]##teamcity[b]'
// biome-ignore lint/suspicious/noControlCharactersInRegex: what no message may hold
const RAW = /[\0-\x09\x0b-\x1f\x7f-\x9f]|\p{Cf}|\p{Zl}|\p{Zp}|^\s*::|##\w*\[/mu

describe.each(ERROR_CODES)('%s', code => {
  test.each(['file', 'reference', 'requestId', 'hint', 'problem', 'importer'])(
    'shows any %s as text',
    part => {
      const problem = part === 'problem' ? HOSTILE : 'it failed'
      const error = new UpscaleError(code, problem, {
        hint: 'do this',
        ...(part === 'importer' ? { importer: { file: HOSTILE, line: 3 } } : { [part]: HOSTILE }),
      })
      for (const one of [
        error,
        error.at({ file: HOSTILE, reference: HOSTILE, importer: { file: HOSTILE } }),
      ]) {
        expect(one.message).not.toMatch(RAW)
        expect(one.problem).not.toMatch(RAW)
      }
      expect(error.message).toContain('\\u{1b}[2J')
    },
  )
})

test('the parts stay what they are for whoever works with them', () => {
  const error = new UpscaleError('SOURCE_CORRUPT', 'it failed', { hint: 'do this', file: 'a\nb.png' })
  expect(error.details.file).toBe('a\nb.png')
})

test('what an uncaught error shows has names as text: the cause, its stack, its fields', () => {
  const path = '/x\u001b[2J\u202e\u009b\n::error::a.png'
  const system = Object.assign(new Error(`ENOENT: no such file, open '${path}'`), { code: 'ENOENT', path })
  const outer = new Error(`broken: ${path}`, { cause: system })
  const error = new UpscaleError('SOURCE_NOT_FOUND', `no ${path}`, { hint: 'look', file: path, cause: outer })
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what no line may hold
  expect(inspect(error.at({ reference: path }))).not.toMatch(/[\0-\x09\x0b-\x1f\x7f-\x9f]|\p{Cf}|^\s*::/mu)
  expect(error.cause).toMatchObject({ cause: { code: 'ENOENT' } })
  expect(error.details.cause).toBe(outer)
})

test('a cause that can be shown is the one that was given', () => {
  const cause = new Error('no room')
  expect(new UpscaleError('CACHE_UNWRITABLE', 'it is full', { hint: 'make room', cause }).cause).toBe(cause)
})
