import { describe, expect, test } from 'vitest'
import { isUpscaleError } from '../errors.ts'
import { flagParam, numberParam, optionProblems, readParams, textParam, wholeParam } from './params.ts'

const KNOWN = {
  detail: wholeParam(1, 100),
  resemblance: numberParam(0, 3),
  prompt: textParam(10),
  expand_prompt: flagParam,
}

describe('directive keys', () => {
  test.each([
    [{ detail: '1' }, { detail: 1 }],
    [
      { detail: '100', resemblance: '0.5' },
      { detail: 100, resemblance: 0.5 },
    ],
    [
      { prompt: '60', expand_prompt: 'false' },
      { prompt: '60', expand_prompt: false },
    ],
    [{ expand_prompt: 'true' }, { expand_prompt: true }],
    [{}, {}],
  ])('%j are read as %j', (written, expected) => {
    expect(readParams(written as Record<string, string>, KNOWN, 'some-model')).toEqual(expected)
  })

  test.each([
    ['detail', '0', 'a whole number from 1 to 100'],
    ['detail', '101', 'a whole number from 1 to 100'],
    ['detail', '60.5', 'a whole number from 1 to 100'],
    ['detail', '', 'a whole number from 1 to 100'],
    ['detail', ' 60', 'a whole number from 1 to 100'],
    ['detail', '0x3c', 'a whole number from 1 to 100'],
    ['detail', '6e1', 'a whole number from 1 to 100'],
    ['detail', 'NaN', 'a whole number from 1 to 100'],
    ['detail', '9'.repeat(400), 'a whole number from 1 to 100'],
    ['resemblance', '-1', 'a number from 0 to 3'],
    ['resemblance', 'Infinity', 'a number from 0 to 3'],
    ['prompt', '', 'text of 1 to 10 characters'],
    ['prompt', 'x'.repeat(11), 'text of 1 to 10 characters'],
    ['expand_prompt', '1', 'true or false'],
    ['expand_prompt', '', 'true or false'],
  ])('%s=%s is refused with what is allowed', (name, value, allowed) => {
    const error = failure(() => readParams({ [name]: value }, KNOWN, 'some-model'))
    expect(error.code).toBe('BAD_DIRECTIVE')
    expect(error.message).toContain(`expected ${allowed} for some-model`)
    expect(error.message.length).toBeLessThan(400)
  })

  test.each(['resemblence', '__proto__', 'constructor', 'toString', ''])('the name "%s" is unknown', name => {
    const written = Object.fromEntries([[name, '1']])
    const error = failure(() => readParams(written, KNOWN, 'some-model'))
    expect(error.code).toBe('BAD_DIRECTIVE')
    expect(error.message).toContain('some-model takes detail, resemblance, prompt, expand_prompt')
  })

  test('a misspelt name is answered with the nearest', () => {
    const error = failure(() => readParams({ resemblence: '1' }, KNOWN, 'some-model'))
    expect(error.message).toContain('did you mean "resemblance"?')
  })

  test('a model without parameters says so', () => {
    expect(failure(() => readParams({ detail: '1' }, {}, 'plain-model')).message).toContain(
      'plain-model takes no parameters',
    )
  })
})

describe('options', () => {
  const rules = { detail: KNOWN.detail.rule, prompt: KNOWN.prompt.rule }

  test('good ones, and ones set to undefined, raise no problem', () => {
    expect(optionProblems({ detail: 60, prompt: undefined }, rules)).toEqual([])
  })

  test('every problem is listed, with value and type', () => {
    expect(optionProblems({ detail: '60', promt: 'x' }, rules)).toEqual([
      'detail is "60" (string), expected a whole number from 1 to 100',
      'unknown option "promt", did you mean "prompt"?',
    ])
  })
})

function failure(act: () => unknown) {
  try {
    act()
  } catch (error) {
    if (isUpscaleError(error)) return error
    throw error
  }
  throw new Error('nothing was thrown')
}
