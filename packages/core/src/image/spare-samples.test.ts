import { expect, test } from 'vitest'
import { giveBackSamples, takeSamples } from './spare-samples.ts'

test('memory that was given back is used again, by one at a time', () => {
  const first = takeSamples(3000)
  giveBackSamples(first)
  const second = takeSamples(2000)
  expect(second.buffer).toBe(first.buffer)
  expect(second).toHaveLength(2000)
  expect(takeSamples(2000).buffer).not.toBe(first.buffer)
})

test('what is much larger than what is asked for, or large at all, is not kept for it', () => {
  const samples = takeSamples(9000)
  giveBackSamples(samples)
  expect(takeSamples(4000).buffer).not.toBe(samples.buffer)
  const large = takeSamples(5 * 1024 * 1024)
  giveBackSamples(large)
  expect(takeSamples(5 * 1024 * 1024).buffer).not.toBe(large.buffer)
})
