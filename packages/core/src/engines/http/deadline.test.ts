import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startDeadline } from './deadline.ts'

test('many calls at a time under one signal are no leak to Node', async () => {
  const warnings: string[] = []
  const note = ({ name }: Error): void => void warnings.push(name)
  process.on('warning', note)
  const { signal } = new AbortController()
  const deadlines = Array.from({ length: 30 }, () => startDeadline(60_000, signal))
  await setImmediate()
  for (const deadline of deadlines) deadline.clear()
  process.off('warning', note)
  expect(warnings).toEqual([])
})
