import { expect, test } from 'vitest'
import { createBudget, dollars } from './budget.ts'

test('holds the price before the call and refuses what does not fit', () => {
  const budget = createBudget(150_000)
  const first = budget.reserve(60_000)
  const second = budget.reserve(60_000)
  expect(() => budget.reserve(60_000)).toThrow(/US\$0\.06.*US\$0\.12 of the US\$0\.15/)
  first.cancel()
  first.cancel()
  const third = budget.reserve(60_000)
  expect(second.spend(undefined)).toBe(60_000)
  expect(third.spend(80_000)).toBe(80_000)
  expect(budget.spentMicros).toBe(140_000)
  expect(() => budget.reserve(60_000)).toThrow('BUDGET_EXCEEDED')
})

test('a budget of zero allows free calls only', () => {
  const budget = createBudget(0)
  budget.reserve(0).spend(undefined)
  expect(() => budget.reserve(1)).toThrow('BUDGET_EXCEEDED')
})

test.each([
  [60_000, 'US$0.06'],
  [0, 'US$0.00'],
  [1_500_000, 'US$1.50'],
  [2000, 'US$0.002'],
  [12_345_678, 'US$12.345678'],
])('prints %i micro-dollars as %s', (micros, text) => {
  expect(dollars(micros)).toBe(text)
})
