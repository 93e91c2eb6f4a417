import { expect, test } from 'vitest'
import { UpscaleError } from '../errors.ts'
import { draw, ledger, service, start, useProject } from '../test-support/purchase-kit.ts'

useProject()

const BUDGET = { budget: 0.3 }

function quoting(quote: () => Promise<number | undefined>) {
  const { engine } = service()
  let asked = 0
  const told = {
    ...engine,
    quote: () => {
      asked++
      return quote()
    },
  }
  return { engine: told, asked: () => asked }
}

test('a service is asked for its price once for pictures of one size, and that is what is held', async () => {
  await draw('b.png', 10)
  const { engine, asked } = quoting(async () => 200_000)
  const upscaler = start(engine, BUDGET)
  await upscaler.upscale('a.png', { factor: 2 })
  const second = await upscaler.upscale('b.png', { factor: 2 }).catch((error: UpscaleError) => error.code)
  expect(second).toBe('BUDGET_EXCEEDED')
  expect(asked()).toBe(1)
})

test.each([
  ['names no price', async () => undefined],
  ['is away', async () => Promise.reject(new UpscaleError('API_UNREACHABLE', 'away', { hint: 'wait' }))],
  ['names less than is known', async () => 1],
])('a service that %s is called at the known price', async (_, quote) => {
  await draw('b.png', 10)
  const { engine, asked } = quoting(quote)
  const upscaler = start(engine, BUDGET)
  await upscaler.upscale('a.png', { factor: 2 })
  await upscaler.upscale('b.png', { factor: 2 })
  expect(ledger().filter(event => event === 'charged')).toHaveLength(2)
  expect(upscaler.report().spentMicros).toBe(120_000)
  expect(asked()).toBe(1)
})
