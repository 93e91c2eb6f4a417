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
