import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createUpscaler, lumenfall } from 'upscale-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { list } from '../../packages/core/src/test-support/fault-kit.ts'
import {
  type Gateway,
  json,
  RESPONSES,
  type Responder,
  type ResponseName,
  startGateway,
} from '../services/gateway/index.ts'
import { build, CANARY, entriesOn, makeProject, ordersOnTheBooks, PRICE_MICROS, readLedger } from './kit.ts'

// Rows 21 to 31. Which code each bad answer has is in ../lumenfall.test.ts; here: what is kept, and what it costs.

let gateway: Gateway
beforeAll(async () => {
  gateway = await startGateway({ key: CANARY })
})
beforeEach(() => gateway.reset())
afterAll(() => gateway.close())

/** Forms in which services send an honest answer. */
const FORMS = [
  ...(['data-prefix', 'data-url', 'line-breaks', 'no-padding', 'base64url', 'picture-itself'] as const),
  ...(['created', 'zipped', 'brotli'] as const),
] as const satisfies ResponseName[]

/** Answers that become a picture. The rest are all the gateway can do wrong. */
const PASSABLE: ReadonlySet<string> = new Set<ResponseName>([
  ...(['ok', 'wrong-size', 'double-size', 'one-pixel-off', 'jpeg-for-png'] as const),
  ...(['two-pictures', 'no-metadata', 'other-content-type', 'drip'] as const),
  ...FORMS,
])

const NAMES = (Object.keys(RESPONSES) as ResponseName[]).filter(name => !PASSABLE.has(name))

async function order() {
  return { root: await makeProject(1), url: gateway.url, images: ['0.png'], timeoutMs: 1500 }
}

describe('an honest answer', () => {
  test.each(FORMS)('in the form %s is the picture, and is bought once', async name => {
    gateway.respondWith(name)
    const buyer = await order()
    expect([...(await build(buyer)).values()]).toEqual(['engine'])
    expect(gateway.charges).toHaveLength(1)
    expect([...(await build(buyer)).values()]).toEqual(['cache'])
    expect(gateway.orders).toHaveLength(1)
  })
})

describe('an answer in which no picture is found', () => {
  test.each<[ResponseName, string]>([
    ['html', 'Bad gateway'],
    ['cut-json', '"b64_json"'],
    ['no-data', '"metadata"'],
    ['data-of-wrong-type', '"data":{"b64_json":"AAAA"}'],
    ['garbage-base64', '!*$ '],
    ['reset-in-body', '"b64_json"'],
    ['unknown-error-in-200', 'Something odd happened'],
  ])('is kept as it came: %s', async (name, part) => {
    gateway.respondWith(name)
    const { root, images, url } = await order()
    const upscaler = createUpscaler(
      { root, engine: lumenfall({ baseURL: url, timeoutMs: 1500 }), frozen: false },
      { root, env: { LUMENFALL_API_KEY: CANARY } },
    )
    const error = await upscaler.upscale(images[0] ?? '').catch((reason: unknown) => reason)
    await upscaler.close()
    const [, file = ''] = /is kept in (\S+)$/.exec(String(error)) ?? []
    expect(readFileSync(file, 'utf8')).toContain(part)
    expect(list(join(root, '.upscale', 'tmp'))).toEqual([])
  })
})

describe('a bad answer', () => {
  test.each(NAMES)(
    '%s stores nothing, and costs nothing a second time unless a person says so',
    async name => {
      gateway.respondWith(name)
      const buyer = await order()
      const { root } = buyer
      const [first = ''] = (await build(buyer)).values()
      expect(first).toMatch(/^[A-Z][A-Z_]+$/)
      expect([entriesOn(root, 'answers'), entriesOn(root, 'received')]).toEqual([[], []])
      const orders = gateway.orders.length

      const isFree = readLedger(root).every(({ event }) => event === 'free')
      if (isFree) expect(gateway.charges).toEqual([])
      await build(buyer)
      // Either nothing was charged, and it may be asked for again; or nothing is sent.
      if (!isFree) expect(gateway.orders).toHaveLength(orders)
      expect(gateway.charges.length).toBeLessThanOrEqual(ordersOnTheBooks(root).size)

      const paid = gateway.charges.length
      gateway.respondWith('ok')
      const [last] = (await build({ ...buyer, options: { retry: true } })).values()
      expect(last).toBe('engine')
      expect(gateway.charges.length).toBe(paid + 1)
      expect(gateway.charges.length).toBeLessThanOrEqual(ordersOnTheBooks(root).size)
      expect(entriesOn(root, 'answers')).toHaveLength(1)
      // Another order: under the key of the first, a service that knows such keys would give the same answer again.
      const keys = gateway.orders.map(({ headers }) => headers['idempotency-key'])
      if (!isFree) expect(keys.at(-1)).not.toBe(keys[0])
    },
  )

  // Row 31: what our own checks refuse was paid for, so it is kept for a person to look at.
  test('that our checks refuse is kept, and a second one beside it', async () => {
    gateway.respondWith('mirrored')
    const buyer = await order()
    expect([...(await build(buyer)).values()]).toEqual(['ANSWER_DRIFTED'])
    expect(entriesOn(buyer.root, 'rejected')).toHaveLength(1)
    gateway.respondWith('black')
    expect([...(await build({ ...buyer, options: { retry: true } })).values()]).toEqual(['ANSWER_DRIFTED'])
    expect(entriesOn(buyer.root, 'rejected')).toHaveLength(2)
    expect(readLedger(buyer.root).map(({ event, costMicros }) => [event, costMicros])).toEqual([
      ['charged', PRICE_MICROS],
      ['rejected', undefined],
      ['charged', PRICE_MICROS],
      ['rejected', undefined],
    ])
  })
})

describe('an answer that is cut off', () => {
  // Row 27. Without a length, nothing but the JSON's own end tells that it is not whole.
  test.each(['length', 'chunked', 'close'] as const)(
    'at every 2 %, framed by %s, is never stored',
    async framing => {
      for (let percent = 1; percent < 100; percent += 2) {
        gateway.respondWith(async sale => {
          const answer = await RESPONSES.ok(sale)
          const cutAfterBytes = Math.max(1, Math.floor((String(answer.body).length * percent) / 100))
          return { ...answer, framing, cutAfterBytes }
        })
        const buyer = await order()
        const [code] = (await build(buyer)).values()
        expect(code, `${percent} %`).toMatch(/^API_(?:INTERRUPTED|BAD_ANSWER|TIMEOUT)$/)
        expect([entriesOn(buyer.root, 'answers'), entriesOn(buyer.root, 'received')]).toEqual([[], []])
        expect([...(await build(buyer)).values()]).toEqual(['CALL_UNCERTAIN'])
      }
      expect(gateway.orders).toHaveLength(50)
    },
  )
})

describe('an answer with changed bytes', () => {
  const ROUNDS = Number(process.env.UPSCALE_FAULTS_ROUNDS ?? 300)

  // Row 26 and promise P28; UPSCALE_FAULTS_ROUNDS=10000 for the long run.
  test('is a picture of the right size, or a coded refusal', async () => {
    const random = generator(7)
    const tally = new Map<string, number>()
    for (let round = 0; round < ROUNDS; round++) {
      gateway.respondWith(mutated(random))
      const buyer = await order()
      const [result = ''] = (await build(buyer)).values()
      expect(result).toMatch(/^(?:engine|(?:API|ANSWER)_[A-Z_]+)$/)
      expect(entriesOn(buyer.root, 'answers')).toHaveLength(result === 'engine' ? 1 : 0)
      tally.set(result, (tally.get(result) ?? 0) + 1)
    }
    process.stderr.write(`${ROUNDS} changed answers: ${[...tally].map(pair => pair.join(' ')).join(', ')}\n`)
    expect(gateway.charges).toHaveLength(ROUNDS)
    expect(tally.size).toBeGreaterThan(2)
  })
})

/** Changes, drops or doubles some bytes of the picture, or of the JSON around it. */
function mutated(random: () => number): Responder {
  return async sale => {
    const answer = await RESPONSES.ok(sale)
    const body = JSON.parse(String(answer.body))
    if (random() < 0.3) return { ...answer, body: spoil(Buffer.from(String(answer.body)), random) }
    const picture = Buffer.from(body.data[0].b64_json, 'base64')
    return json({ ...body, data: [{ b64_json: spoil(picture, random).toString('base64') }] })
  }
}

function spoil(bytes: Buffer, random: () => number): Buffer {
  const at = Math.floor(random() * bytes.length)
  const length = 1 + Math.floor(random() * 8)
  const kind = random()
  if (kind < 0.25) return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)])
  if (kind < 0.4) return Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)])
  const changed = Buffer.from(bytes)
  for (let each = at; each < Math.min(at + length, bytes.length); each++)
    changed[each] = Math.floor(random() * 256)
  return changed
}

/** The same numbers in every run: a failure can be repeated. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

// Rows 24 and 25: once calls are hopeless, no further one is made in the run.
describe('a run with many pictures', () => {
  test.each<[ResponseName, string, number]>([
    ['unauthorized', 'API_UNAUTHORIZED', 1],
    ['no-balance', 'API_NO_BALANCE', 1],
    ['forbidden', 'API_FORBIDDEN', 1],
    ['server-error', 'API_UNAVAILABLE', 3],
    ['reset-before-answer', 'API_INTERRUPTED', 3],
  ])('stops ordering after %s', async (name, code, most) => {
    gateway.respondWith(name)
    const root = await makeProject(12)
    const images = Array.from({ length: 12 }, (_, number) => `${number}.png`)
    const results = await build({ root, url: gateway.url, images, options: { concurrency: 1 } })
    expect(new Set(results.values())).toEqual(new Set([code]))
    expect(gateway.orders).toHaveLength(most)
  })
})
