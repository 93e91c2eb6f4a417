import sharp from 'sharp'
import { type IdeogramOptions, ideogram } from 'upscale-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  HEIGHT,
  type IdeogramFate,
  type IdeogramRefusal,
  type IdeogramService,
  json,
  startIdeogram,
  TestProject,
  WIDTH,
} from './gateway/index.ts'

const KEY = 'c0ffee00-canary-dd41c0ffee5eca'

/** What the test picture costs at factor 2: its result has 6,144 pixels. */
const COST = 185

const project = new TestProject()
let service: IdeogramService

beforeAll(async () => {
  service = await startIdeogram(KEY)
})

afterAll(() => service.close())

beforeEach(async () => {
  service.reset()
  await project.open()
})

afterEach(() => project.close())

describe('an honest job', () => {
  test('is priced, ordered, asked for and fetched, and becomes a picture of twice the size', async () => {
    service.become('in steps')
    const { width, height, origin } = await upscale()
    expect({ width, height, origin }).toEqual({ width: 2 * WIDTH, height: 2 * HEIGHT, origin: 'engine' })
    const paths = service.requests.map(
      ({ method, path }) => `${method} ${path.replace(/gen_0a1b-\d{4}/, 'ID').replace(/\?exp.*/, '')}`,
    )
    expect(paths).toEqual([
      'POST /v2/image/upscale/topaz-text-refine?dry_run=true',
      'POST /v2/image/upscale/topaz-text-refine',
      'GET /v2/generations/ID',
      'GET /v2/generations/ID',
      'GET /media/ID.png',
    ])
    const [order = expect.fail('no order')] = service.orders
    expect(order.headers).toMatchObject({ 'api-key': KEY })
    expect(order.headers.authorization).toBeUndefined()
    expect(order.fields).toEqual({ upscale_factor: 'x2', async: 'true' })
    expect(order.image).toMatchObject({ part: 'image', type: 'image/png' })
    const sent = await sharp(order.image?.bytes).metadata()
    expect(sent).toMatchObject({ width: WIDTH, height: HEIGHT, format: 'png', channels: 3 })
    expect(service.requests.at(-1)?.headers['api-key']).toBeUndefined()
    expect(service.chargedMicros).toBe(COST)
  })

  test('is paid for once: a second run asks nothing', async () => {
    const first = await upscale()
    const { length } = service.requests
    expect(await upscale()).toMatchObject({ origin: 'cache', digest: first.digest })
    expect(service.requests).toHaveLength(length)
  })

  test('may be answered with its picture at once', async () => {
    service.become('at once')
    expect((await upscale()).width).toBe(2 * WIDTH)
    expect(service.charges).toHaveLength(1)
  })

  test('at factor 3 is ordered at 4 and made smaller', async () => {
    expect((await upscale({}, {}, { factor: 3 })).width).toBe(3 * WIDTH)
    expect(service.orders[0]?.fields.upscale_factor).toBe('x4')
    expect(service.chargedMicros).toBe(4 * COST - 2)
  })

  test('takes the parameters of its model', async () => {
    await upscale({ model: 'topaz-bloom-2', prompt: 'a chart' }, { prompt: 'a map' })
    expect(service.orders[0]).toMatchObject({
      path: '/v2/image/upscale/topaz-bloom-2',
      fields: { upscale_factor: 'x2', prompt: 'a map' },
    })
  })
})

describe('the price', () => {
  test('is asked with a black picture of the same size, once for each size', async () => {
    await upscale()
    const [question = expect.fail('no question')] = service.quotes
    const { data, info } = await sharp(question.image?.bytes).raw().toBuffer({ resolveWithObject: true })
    expect(info).toMatchObject({ width: WIDTH, height: HEIGHT })
    expect(data.every(sample => sample === 0)).toBe(true)
  })

  test('is that of the result: a plan says it without a question, and the report what was charged', async () => {
    const { upscaler } = start({ pricePerMegapixel: 0.1 })
    const planned = await upscaler.plan('assets/hero.png', { factor: 4 })
    expect(planned.priceMicros).toBe(Math.ceil(WIDTH * HEIGHT * 16 * 0.1))
    await upscaler.close()
  })

  test('over the budget: nothing is ordered', async () => {
    service.quoteWith(json({ object: 'price_quote', usd_micros: 5_000_000 }))
    expect((await refusal(() => upscale())).code).toBe('BUDGET_EXCEEDED')
    expect(service.orders).toEqual([])
  })

  test('of an estimate is its upper bound', async () => {
    const bound = { usd_micros: 1000, qualifier: 'estimate', upper_bound_usd_micros: 5_000_000 }
    service.quoteWith(json({ object: 'price_quote', ...bound }))
    expect((await refusal(() => upscale())).code).toBe('BUDGET_EXCEEDED')
  })

  test.each([
    ['a refusal', json({ error: 'no dry run here' }, 400)],
    ['no JSON', { status: 200, body: '<html>' }],
    ['a price in another form', json({ usd_micros: 5_000_000 })],
    ['a price that is none', json({ object: 'price_quote', usd_micros: -1 })],
  ])('that is answered with %s is the one that is known', async (_, answer) => {
    service.quoteWith(answer)
    const { upscaler, done } = start()
    await done
    expect(upscaler.report().spentMicros).toBe(COST)
    await upscaler.close()
  })

  test.each([
    ['a job', json({ generation_id: 'gen_0a1b-9999' })],
    ['a picture', json({ data: [{ url: 'https://ideogram.ai/a.png' }] })],
    ['a job under a refusal', json({ generation_id: 'gen_0a1b-9999' }, 429)],
    ['a picture under a failure', json({ data: [{ url: 'https://ideogram.ai/a.png' }] }, 503)],
  ])('that is answered with %s stops everything, and is told', async (_, answer) => {
    service.quoteWith(answer)
    const error = await refusal(() => upscale())
    expect(error.code).toBe('CALL_UNCERTAIN')
    expect(error.message).toContain('may have charged')
    expect(service.orders).toEqual([])
    // Each time it is asked it may be charged.
    expect(service.quotes).toHaveLength(1)
  })
})

describe('a job that ends badly is refused under its code, and the image is named', () => {
  test.each<[IdeogramFate, string]>([
    ['same size', 'ANSWER_WRONG_SIZE'],
    ['cropped', 'ANSWER_WRONG_ASPECT'],
    ['black', 'ANSWER_DRIFTED'],
    ['no picture at all', 'ANSWER_CORRUPT'],
    ['withheld', 'API_MODERATED'],
  ])('%s is %s, for good: the next build sends nothing', async (fate, code) => {
    service.become(fate)
    const first = await refusal(() => upscale())
    expect(first.code).toBe(code)
    expect(first.message).toContain('assets/hero.png')
    expect(first.details.requestId).toMatch(/^gen_0a1b-/)
    const { length } = service.requests
    expect((await refusal(() => upscale())).code).toBe(code)
    expect(service.requests).toHaveLength(length)
    expect(service.charges).toHaveLength(1)
  })

  test.each<[IdeogramFate, string]>([
    ['failed', 'API_UNAVAILABLE'],
    ['nothing made', 'API_BAD_ANSWER'],
    ['elsewhere', 'API_BAD_ANSWER'],
    ['media gone', 'API_INTERRUPTED'],
  ])('%s is %s; its price counts as spent, and the next build asks for the same job', async (fate, code) => {
    service.become(fate)
    const { upscaler, done } = start()
    expect((await refusal(() => done)).code).toBe(code)
    expect(upscaler.report().spentMicros).toBe(COST)
    await upscaler.close()
    await refusal(() => upscale())
    expect(service.orders).toHaveLength(1)
  })

  test('a failure that cost nothing is ordered afresh by the next build', async () => {
    service.become('failed without a charge')
    const { upscaler, done } = start()
    expect((await refusal(() => done)).code).toBe('API_UNAVAILABLE')
    expect(upscaler.report().spentMicros).toBe(0)
    await upscaler.close()
    service.become('ok')
    expect((await upscale()).origin).toBe('engine')
    expect(service.orders).toHaveLength(2)
  })
})

describe('an order that is not taken', () => {
  test.each<[IdeogramRefusal, string]>([
    ['unauthorized', 'API_UNAUTHORIZED'],
    ['no funds', 'API_NO_BALANCE'],
    ['forbidden', 'API_FORBIDDEN'],
    ['bad request', 'API_REJECTED'],
    ['unsafe', 'API_MODERATED'],
    ['server error', 'API_UNAVAILABLE'],
    ['no job', 'API_BAD_ANSWER'],
    ['odd id', 'API_BAD_ANSWER'],
    ['reset before answer', 'API_INTERRUPTED'],
    ['hang', 'API_TIMEOUT'],
  ])('%s is %s', async (name, code) => {
    service.refuse(name)
    const error = await refusal(() => upscale({ timeoutMs: 500 }))
    expect(error.code).toBe(code)
    expect(error.message).toContain('assets/hero.png')
    expect(service.orders).toHaveLength(1)
    expect(service.charges).toEqual([])
  })

  test('for its content costs nothing', async () => {
    service.refuse('unsafe')
    const { upscaler, done } = start()
    await refusal(() => done)
    expect(upscaler.report().spentMicros).toBe(0)
    await upscaler.close()
  })

  test('for now is sent again', async () => {
    service.refuse('many in flight')
    await upscale()
    expect(service.orders).toHaveLength(2)
    expect(service.charges).toHaveLength(1)
  })

  test('without a key: nothing is sent', async () => {
    const error = await refusal(() => upscale({}, {}, { env: {} }))
    expect(error.code).toBe('KEY_MISSING')
    expect(error.message).toContain('IDEOGRAM_API_KEY')
    expect(service.requests).toEqual([])
  })

  test('frozen: nothing is sent, and the price is named', async () => {
    const error = await refusal(() => upscale({}, {}, { env: { IDEOGRAM_API_KEY: KEY, CI: 'true' } }))
    expect(error.code).toBe('FROZEN_MISS')
    expect(error.message).toContain('US$0.000185')
    expect(service.requests).toEqual([])
  })
})

describe('a job that outlives its build is asked for, not ordered again', () => {
  test('after the wait for it ran out', async () => {
    service.become('stays pending')
    expect((await refusal(() => upscale({ timeoutMs: 1000 }))).code).toBe('API_TIMEOUT')
    service.finishAll()
    expect((await upscale()).origin).toBe('engine')
    expect(service.orders).toHaveLength(1)
    expect(service.charges).toHaveLength(1)
  })

  test('after the build was stopped', async () => {
    service.become('stays pending')
    const stopped = start()
    await service.seen('GET', '/v2/generations')
    await stopped.upscaler.close()
    expect((await refusal(() => stopped.done)).code).toBe('ABORTED')
    service.finishAll()
    await upscale()
    expect(service.orders).toHaveLength(1)
    expect(service.charges).toHaveLength(1)
  })

  test.each([
    ['a page of something between', { status: 403, body: '<html>' }],
    ['no state', json({ generation_id: 'x' })],
  ])('after its state was answered with %s', async (_, answer) => {
    service.breakState(answer)
    expect((await refusal(() => upscale())).code).toBe('API_INTERRUPTED')
    expect((await upscale()).origin).toBe('engine')
    expect(service.orders).toHaveLength(1)
  })

  test('one that Ideogram forgot is left to a person', async () => {
    service.become('stays pending')
    await refusal(() => upscale({ timeoutMs: 500 }))
    const gone = json({ error: 'no such generation' }, 404)
    service.breakState(gone, gone)
    expect((await refusal(() => upscale())).message).toContain('UPSCALE_RETRY=1')
    await refusal(() => upscale())
    expect(service.orders).toHaveLength(1)
  })
})

describe.each([400, 402, 403, 404, 409, 429, 451, 500, 503])('under the status %i', status => {
  test.each<IdeogramFate>(['ok', 'at once', 'picture itself'])(
    'an order that is answered "%s" was taken: one order, one charge, and the picture is delivered',
    async fate => {
      service.become(fate)
      service.speakUnder(status)
      expect((await upscale()).width).toBe(2 * WIDTH)
      expect(await project.charged()).toEqual([COST])
      expect((await upscale()).origin).toBe('cache')
      expect(service.orders).toHaveLength(1)
      expect(service.charges).toHaveLength(1)
    },
  )
})

test('the key and signed addresses were in no message and no file of all these runs', () => {
  for (const secret of [KEY, 'signature=secret']) {
    const { texts, files, found } = project.searchFor(secret)
    expect(texts).toBeGreaterThan(50)
    expect(files).toBeGreaterThan(50)
    expect(found).toEqual([])
  }
})

/** What a run of its own is made with. */
function run(
  options: IdeogramOptions = {},
  params: Record<string, string> = {},
  { factor = 2, env = { IDEOGRAM_API_KEY: KEY } }: { factor?: number; env?: Record<string, string> } = {},
) {
  return { engine: ideogram({ baseURL: service.url, ...options }), env, request: { factor, params } }
}
const start = (...how: Parameters<typeof run>) => project.start(run(...how))
const upscale = (...how: Parameters<typeof run>) => project.upscale(run(...how))
const refusal = (act: () => Promise<unknown>) => project.refusal(act)
