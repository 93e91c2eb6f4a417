import { describe, expect, test } from 'vitest'
import {
  amount,
  flag,
  integer,
  numberAbove,
  oneOf,
  record,
  show,
  text,
  textList,
  unknownName,
} from './validate.ts'

describe('show', () => {
  test.each([
    [undefined, 'nothing'],
    [null, 'null (null)'],
    ['a "b"', '"a \\"b\\"" (string)'],
    [1.5, '1.5 (number)'],
    [Number.NaN, 'NaN (number)'],
    [10n, '10 (bigint)'],
    [true, 'true (boolean)'],
    [Symbol('s'), 'Symbol(s) (symbol)'],
    [() => 1, 'a function'],
    [[1, 2], '1,2 (object)'],
    [{}, '[object Object] (object)'],
  ])('%o is %s', (value, expected) => {
    expect(show(value)).toBe(expected)
  })

  test('long values are cut', () => {
    const shown = show('x'.repeat(1000))
    expect(shown).toMatch(/^"x+… \(string\)$/)
    expect(shown.length).toBeLessThan(100)
  })

  const thrower = (): never => {
    throw new Error('looked at')
  }
  const traps: ProxyHandler<object> = {
    get: thrower,
    getPrototypeOf: thrower,
    has: thrower,
    ownKeys: thrower,
  }
  const revoked = Proxy.revocable({}, {})
  revoked.revoke()

  test.each<[string, unknown]>([
    ['an object without a prototype', Object.create(null)],
    ['a list of one', [Object.create(null)]],
    ['a list of symbols', [Symbol('s')]],
    ['a toString that throws', { toString: thrower }],
    ['a toString that returns an object', { toString: () => ({}), valueOf: () => ({}) }],
    ['a proxy that throws', new Proxy({}, traps)],
    ['a proxy of a list that throws', new Proxy([], traps)],
    ['a revoked proxy', revoked.proxy],
  ])('%s does not make it throw', (_, value) => {
    expect(show(value)).toBe('[object] (object)')
  })
})

describe('rules', () => {
  test.each([
    [integer(1, 3), [1, 3], [0, 4, 1.5, '1', Number.NaN]],
    [numberAbove(1, 4), [1.1, 4], [1, 5, Number.NaN, Number.POSITIVE_INFINITY]],
    [amount(), [0, 1.5], [-1, Number.NaN, Number.POSITIVE_INFINITY, '1']],
    [oneOf(['a', 'b']), ['a'], ['c', 1, '']],
    [text(3), ['a', 'abc'], ['', 'abcd', 1]],
    [flag, [true, false], [1, 'true', null]],
    [textList, [[], ['a']], [[''], [1], 'a']],
    [record, [{}, Object.create(null)], [null, [], 'a', undefined]],
  ] as const)('%o', (rule, good, bad) => {
    expect(rule.expected).not.toBe('')
    for (const value of good) expect(rule.accepts(value)).toBe(true)
    for (const value of bad) expect(rule.accepts(value)).toBe(false)
  })
})

describe('unknown names', () => {
  test('are answered with the nearest known one', () => {
    expect(unknownName('option', 'concurency', ['budget', 'concurrency'])).toBe(
      'unknown option "concurency", did you mean "concurrency"?',
    )
  })

  test('are cut, and need no known ones', () => {
    expect(unknownName('command', 'bogus', ['run', 'plan'])).toBe('unknown command "bogus"')
    expect(unknownName('option', 'x'.repeat(500), []).length).toBeLessThan(100)
  })
})
