import { type OpenaiCompatibleOptions, openaiCompatible } from 'upscale-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Gateway, HEIGHT, inTurn, startGateway, TestProject, WIDTH } from './gateway/index.ts'

const KEY = 'team-canary.dd41c0ffee5eca'

const project = new TestProject()
let gateway: Gateway

beforeAll(async () => {
  gateway = await startGateway({ key: KEY, models: ['our-upscaler'], idempotent: true })
})

afterAll(() => gateway.close())

beforeEach(async () => {
  gateway.reset()
  await project.open()
})

afterEach(() => project.close())

function run(options: Partial<OpenaiCompatibleOptions> = {}) {
  const engine = openaiCompatible({
    baseURL: gateway.url,
    model: 'our-upscaler',
    price: 0.06,
    scales: [2, 4],
    keyVariable: 'TEAM_KEY',
    name: 'team',
    ...options,
  })
  return { engine, env: { TEAM_KEY: KEY } }
}

test('a picture is ordered from any gateway, checked, and paid for once', async () => {
  const { width, height, digest } = await project.upscale(run())
  expect([width, height]).toEqual([2 * WIDTH, 2 * HEIGHT])
  expect(await project.upscale(run())).toMatchObject({ origin: 'cache', digest })
  expect(gateway.orders[0]?.headers.authorization).toBe(`Bearer ${KEY}`)
  expect(gateway.charges).toHaveLength(1)
})

test('a factor between two that the model has is ordered at the larger and reduced', async () => {
  const { width } = await project.upscale({ ...run(), request: { factor: 3 } })
  expect(width).toBe(3 * WIDTH)
  expect(gateway.orders[0]?.fields.scale_factor).toBe('4')
})

describe('an answer that was lost', () => {
  test('is asked for again under the same key where the gateway charges once for it', async () => {
    gateway.respondWith(inTurn('reset-before-answer', 'ok'))
    const lost = await project.refusal(() => project.upscale(run({ idempotent: true })))
    expect(lost.code).toBe('API_INTERRUPTED')
    await project.upscale(run({ idempotent: true }))
    const keys = gateway.orders.map(({ headers }) => headers['idempotency-key'])
    expect(keys).toHaveLength(2)
    expect(new Set(keys).size).toBe(1)
    expect(gateway.charges).toHaveLength(1)
  })

  test('and that the gateway still works on is asked for until it is there', async () => {
    gateway.respondWith(inTurn('reset-before-answer', 'still-working', 'ok'))
    await project.refusal(() => project.upscale(run({ idempotent: true })))
    const early = await project.refusal(() => project.upscale(run({ idempotent: true })))
    expect(early.code).toBe('API_UNAVAILABLE')
    await project.upscale(run({ idempotent: true }))
    expect(new Set(gateway.orders.map(({ headers }) => headers['idempotency-key'])).size).toBe(1)
    expect(gateway.charges).toHaveLength(1)
  })

  test('is asked for again by the same bytes: a gateway may compare them', async () => {
    gateway.respondWith(inTurn('reset-before-answer', 'ok'))
    await project.refusal(() => project.upscale(run({ idempotent: true })))
    await project.upscale(run({ idempotent: true }))
    const [first, second] = gateway.orders
    expect(second?.headers['content-type']).toBe(first?.headers['content-type'])
    expect(second?.headers['content-length']).toBe(first?.headers['content-length'])
    expect(second?.image?.bytes).toEqual(first?.image?.bytes)
  })

  test('is left to a person where it does not promise that', async () => {
    gateway.respondWith(inTurn('reset-before-answer', 'ok'))
    await project.refusal(() => project.upscale(run()))
    expect((await project.refusal(() => project.upscale(run()))).code).toBe('CALL_UNCERTAIN')
    expect(gateway.orders).toHaveLength(1)
  })
})

test('the key was in no message and no file of all these runs', () => {
  const { texts, files, found } = project.searchFor(KEY)
  expect(texts).toBeGreaterThan(5)
  expect(files).toBeGreaterThan(5)
  expect(found).toEqual([])
})
