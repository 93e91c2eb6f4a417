import sharp from 'sharp'
import { type FalOptions, fal } from 'upscale-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  type FalService,
  type FateName,
  HEIGHT,
  type RefusalName,
  resultAt,
  startFal,
  TestProject,
  WIDTH,
} from './gateway/index.ts'

const KEY = 'c0ffee00-canary:dd41c0ffee5eca'

const project = new TestProject()
let service: FalService

beforeAll(async () => {
  service = await startFal(KEY)
})

afterAll(() => service.close())

beforeEach(async () => {
  service.reset()
  await project.open()
})

afterEach(() => project.close())

describe('an honest job', () => {
  test('is ordered, asked for, fetched and checked, and becomes a picture of twice the size', async () => {
    service.become('in steps')
    const { width, height, origin } = await upscale()
    expect({ width, height, origin }).toEqual({ width: 2 * WIDTH, height: 2 * HEIGHT, origin: 'engine' })

    const paths = service.requests.map(
      ({ method, path }) => `${method} ${path.replace(/[\w-]+-\d{4}/, 'ID')}`,
    )
    expect(paths).toEqual([
      'POST /fal-ai/ideogram/upscale',
      'GET /fal-ai/ideogram/requests/ID/status',
      'GET /fal-ai/ideogram/requests/ID/status',
      'GET /fal-ai/ideogram/requests/ID/status',
      'GET /fal-ai/ideogram/requests/ID',
      'GET /media/ID.png',
    ])
    const [order = expect.fail('no order')] = service.orders
    expect(order.headers).toMatchObject({ authorization: `Key ${KEY}`, 'content-type': 'application/json' })
    expect(order.headers['idempotency-key']).toMatch(/^[\w-]{1,200}$/)
    expect(Object.keys(order.headers).filter(name => name.startsWith('x-fal-'))).toEqual([])
    const { image_url: image, ...rest } = order.json as Record<string, unknown>
    expect(rest).toEqual({})
    const sent = Buffer.from(String(image).replace('data:image/png;base64,', ''), 'base64')
    expect(await sharp(sent).metadata()).toMatchObject({
      width: WIDTH,
      height: HEIGHT,
      format: 'png',
      channels: 3,
    })
    expect(service.requests.at(-1)?.headers.authorization).toBeUndefined()
    expect(service.chargedMicros).toBe(60_000)
  })

  test('is paid for once: a second run orders nothing', async () => {
    const first = await upscale()
    expect(await upscale()).toMatchObject({ origin: 'cache', digest: first.digest })
    expect(service.orders).toHaveLength(1)
  })

  test('takes parameters from the options and from the directive', async () => {
    await upscale(
      { detail: 60, resemblance: 70, seed: 3 },
      { detail: '61', prompt: 'a', expand_prompt: 'true' },
    )
    expect(service.orders[0]?.json).toMatchObject({
      detail: 61,
      resemblance: 70,
      seed: 3,
      prompt: 'a',
      expand_prompt: true,
    })
  })

  test('may have its picture as a single image', async () => {
    service.become('single image')
    expect((await upscale()).width).toBe(2 * WIDTH)
  })

  test('above factor 2 is refused before anything is sent', async () => {
    expect((await refusal(() => upscale({}, {}, { factor: 3 }))).code).toBe('FACTOR_UNSUPPORTED')
    expect(service.requests).toEqual([])
  })

  test('a larger image is uploaded first; the key goes to the preparation, not to the storage', async () => {
    await upscale({ maxInlineBytes: 0, keepSeconds: 86_400, storeIo: false })
    const [prepare, put, order] = service.requests
    expect(prepare?.path).toBe('/storage/upload/initiate?storage_type=fal-cdn-v3')
    expect(prepare?.headers.authorization).toBe(`Key ${KEY}`)
    expect(prepare?.headers['x-fal-object-lifecycle']).toBe('{"expiration_duration_seconds":86400}')
    expect(put).toMatchObject({ method: 'PUT', headers: { 'content-type': 'image/png' } })
    expect(put?.headers.authorization).toBeUndefined()
    expect(order?.json).toEqual({ image_url: `${service.url}/files/hero.png` })
    expect(order?.headers['x-fal-store-io']).toBe('0')
    expect(order?.headers['x-fal-object-lifecycle-preference']).toBe('{"expiration_duration_seconds":86400}')
  })
})

describe('a job that ends badly is refused under its code, and the image is named', () => {
  test.each<[FateName, string, number]>([
    ['same size', 'ANSWER_WRONG_SIZE', 1],
    ['cropped', 'ANSWER_WRONG_ASPECT', 1],
    ['black', 'ANSWER_DRIFTED', 1],
    ['no picture at all', 'ANSWER_CORRUPT', 1],
    ['moderated', 'API_MODERATED', 1],
    ['too small', 'API_REJECTED', 0],
    ['not loaded', 'API_REJECTED', 0],
  ])('%s is %s, for good: the next build sends nothing', async (fate, code, charges) => {
    service.become(fate)
    const first = await refusal(() => upscale())
    expect(first.code).toBe(code)
    expect(first.message).toContain('assets/hero.png')
    expect(first.details.requestId).toMatch(/^0a1b2c3d-/)
    const { length } = service.requests
    expect((await refusal(() => upscale())).code).toBe(code)
    expect(service.requests).toHaveLength(length)
    expect(service.charges).toHaveLength(charges)
  })

  test.each<[FateName, string]>([
    ['not downloaded', 'API_REJECTED'],
    ['failed at work', 'API_UNAVAILABLE'],
    ['runner lost', 'API_UNAVAILABLE'],
    ['nothing made', 'API_BAD_ANSWER'],
    ['result that is no JSON', 'API_BAD_ANSWER'],
    ['result forgotten', 'API_INTERRUPTED'],
    ['key revoked', 'API_INTERRUPTED'],
    ['gateway page', 'API_INTERRUPTED'],
    ['media gone', 'API_INTERRUPTED'],
  ])('%s is %s, and one order', async (fate, code) => {
    service.become(fate)
    const error = await refusal(() => upscale())
    expect(error.code).toBe(code)
    expect(error.message).toContain('assets/hero.png')
    expect(error.details.requestId).toMatch(/^0a1b2c3d-/)
    expect(service.orders).toHaveLength(1)
  })

  test.each(['https://evil.example/a.png', 'http://v3.fal.media/a.png', 'file:///etc/passwd'])(
    'a picture at %s is not fetched',
    async address => {
      service.become(resultAt(address))
      expect((await refusal(() => upscale())).code).toBe('API_BAD_ANSWER')
      expect(service.requests.filter(({ path }) => path.startsWith('/media'))).toEqual([])
    },
  )

  test('a data: address is the picture itself, and one that holds none is refused without a question', async () => {
    service.become(resultAt('data:image/png;base64,AAAA'))
    expect((await refusal(() => upscale())).code).toBe('ANSWER_CORRUPT')
    expect(service.requests.filter(({ path }) => path.startsWith('/media'))).toEqual([])
  })
})

describe('an order that is not taken', () => {
  test.each<[RefusalName, string, number]>([
    ['unauthorized', 'API_UNAUTHORIZED', 1],
    ['locked', 'API_NO_BALANCE', 1],
    ['forbidden', 'API_FORBIDDEN', 1],
    ['invalid input', 'API_REJECTED', 1],
    ['plain 404', 'API_NOT_FOUND', 1],
    ['server error', 'API_UNAVAILABLE', 1],
    ['no job', 'API_BAD_ANSWER', 1],
    ['odd id', 'API_BAD_ANSWER', 1],
    ['reset before answer', 'API_INTERRUPTED', 1],
    ['hang', 'API_TIMEOUT', 1],
  ])('%s is %s', async (name, code, orders) => {
    service.refuse(name)
    const error = await refusal(() => upscale({ timeoutMs: 500 }))
    expect(error.code).toBe(code)
    expect(error.message).toContain('assets/hero.png')
    expect(service.orders).toHaveLength(orders)
    expect(service.charges).toEqual([])
  })

  test('for now is sent again', async () => {
    service.refuse('rate limited')
    await upscale()
    expect(service.orders).toHaveLength(2)
    expect(service.charges).toHaveLength(1)
  })

  test('without a key: nothing is sent', async () => {
    const error = await refusal(() => upscale({}, {}, { env: {} }))
    expect(error.code).toBe('KEY_MISSING')
    expect(error.message).toContain('FAL_KEY')
    expect(service.requests).toEqual([])
  })
})

describe('a job that outlives its build is asked for, not ordered again', () => {
  test('after the wait for it ran out', async () => {
    service.become('stays at work')
    expect((await refusal(() => upscale({ timeoutMs: 1000 }))).code).toBe('API_TIMEOUT')
    service.finishAll()
    expect((await upscale()).origin).toBe('engine')
    expect(service.orders).toHaveLength(1)
    expect(service.charges).toHaveLength(1)
    expect(service.cancelled).toEqual([])
  })

  test('after the build was stopped while it was worked on', async () => {
    service.become('stays at work')
    const stopped = start()
    await service.seen('GET', '/status')
    await stopped.upscaler.close()
    expect((await refusal(() => stopped.done)).code).toBe('ABORTED')
    service.finishAll()
    await upscale()
    expect(service.orders).toHaveLength(1)
    expect(service.charges).toHaveLength(1)
    expect(service.cancelled).toEqual([])
  })

  test('after its status could not be read', async () => {
    service.breakStatus(502, 502, 502, 502)
    const error = await refusal(() => upscale())
    expect(error.code).toBe('API_INTERRUPTED')
    expect(error.message).toContain('asked for, not ordered again')
    await upscale()
    expect(service.orders).toHaveLength(1)
    expect(service.charges).toHaveLength(1)
  })
})

describe('a job that ended without a charge is ordered afresh by the next build', () => {
  test.each<FateName>(['failed at work', 'runner lost'])('%s', async fate => {
    service.become(fate)
    await refusal(() => upscale())
    service.become('ok')
    expect((await upscale()).origin).toBe('engine')
    expect(service.orders).toHaveLength(2)
    expect(service.charges).toHaveLength(1)
  })

  test('one that fal forgot is left to a person', async () => {
    service.become('result forgotten')
    await refusal(() => upscale())
    expect((await refusal(() => upscale())).message).toContain('UPSCALE_RETRY=1')
    expect(service.orders).toHaveLength(1)
    service.become('ok')
    await upscale({}, {}, { env: { FAL_KEY: KEY, UPSCALE_RETRY: '1' } })
    expect(service.orders).toHaveLength(2)
  })
})

describe('a job that ends in a refusal may have been charged', () => {
  test.each<FateName>(['too small', 'not loaded', 'not downloaded'])(
    '%s: its price counts as spent',
    async fate => {
      service.become(fate)
      const { upscaler, done } = start()
      expect((await refusal(() => done)).code).toBe('API_REJECTED')
      expect(upscaler.report().spentMicros).toBe(60_000)
      await upscaler.close()
    },
  )

  test('so one that may do better the next time is ordered again only when a person says so', async () => {
    service.become('not downloaded')
    await refusal(() => upscale())
    service.become('ok')
    expect((await refusal(() => upscale())).code).toBe('CALL_UNCERTAIN')
    expect(service.orders).toHaveLength(1)
    await upscale({}, {}, { env: { FAL_KEY: KEY, UPSCALE_RETRY: '1' } })
    expect(service.orders).toHaveLength(2)
  })
})

describe('a build that stops', () => {
  test('takes back a job that still waits in the queue', async () => {
    service.become('stays queued')
    const stopped = start()
    await service.seen('GET', '/status')
    await stopped.upscaler.close()
    const error = await refusal(() => stopped.done)
    expect(error.code).toBe('ABORTED')
    expect(error.message).toContain('taken back')
    expect(service.cancelled).toHaveLength(1)
    expect(service.charges).toEqual([])

    // The next build learns that the job is gone and cost nothing, and the one after it orders afresh.
    service.become('ok')
    expect((await refusal(() => upscale())).code).toBe('API_UNAVAILABLE')
    await upscale()
    expect(service.charges).toHaveLength(1)
  })
})

test('addresses of a job that lead elsewhere are not called with the key', async () => {
  service.nameAddresses({
    status_url: 'https://evil.example/status',
    response_url: 'http://169.254.169.254/',
    cancel_url: 'file:///etc/passwd',
  })
  expect((await upscale()).width).toBe(2 * WIDTH)
  expect(service.charges).toHaveLength(1)
})

describe.each([400, 402, 403, 404, 409, 429, 451, 500, 503])('under the status %i', status => {
  test.each<FateName>(['ok', 'picture itself'])(
    'an order that is answered "%s" was taken: one order, one charge, and the picture is delivered',
    async fate => {
      service.become(fate)
      service.speakUnder(status)
      expect((await upscale()).width).toBe(2 * WIDTH)
      expect(await project.charged()).toEqual([60_000])
      expect((await upscale()).origin).toBe('cache')
      expect(service.orders).toHaveLength(1)
      expect(service.charges).toHaveLength(1)
    },
  )
})

test('the key was in no message and no file of all these runs', () => {
  const { texts, files, found } = project.searchFor(KEY)
  expect(texts).toBeGreaterThan(50)
  expect(files).toBeGreaterThan(50)
  expect(found).toEqual([])
})

/** What a run of its own is made with. */
function run(
  options: FalOptions = {},
  params: Record<string, string> = {},
  { factor = 2, env = { FAL_KEY: KEY } }: { factor?: number; env?: Record<string, string> } = {},
) {
  const engine = fal({ baseURL: service.url, uploadURL: service.url, ...options })
  return { engine, env, request: { factor, params } }
}
const start = (...how: Parameters<typeof run>) => project.start(run(...how))
const upscale = (...how: Parameters<typeof run>) => project.upscale(run(...how))
const refusal = (act: () => Promise<unknown>) => project.refusal(act)
