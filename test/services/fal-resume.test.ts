import { type FalOptions, type FileRequest, fal, isUpscaleError, type UpscaleError } from 'upscale-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { drawSample, type FalService, startFal } from './gateway/index.ts'

// The engine by itself: what it tells about a job, and what it makes of one that it is told about.

const KEY = 'c0ffee00-canary:dd41c0ffee5eca'

let service: FalService
let png: Buffer

beforeAll(async () => {
  service = await startFal(KEY)
  png = await drawSample(24, 16)
})

afterAll(() => service.close())

beforeEach(() => service.reset())

describe('the job', () => {
  test('is told before it is asked for, and the note has all that is needed and no key', async () => {
    let asked = -1
    const { notes } = await call({
      async onJob() {
        await new Promise(resolve => setTimeout(resolve, 50))
        asked = service.requests.length
      },
    })
    expect(asked).toBe(1)
    expect(notes).toHaveLength(1)
    expect(JSON.parse(notes[0] ?? '')).toEqual({
      request_id: expect.stringMatching(/^0a1b2c3d-\d+$/),
      status_url: expect.stringContaining(`${service.url}/fal-ai/ideogram/requests/`),
      response_url: expect.stringContaining('/requests/'),
      cancel_url: expect.stringMatching(/\/cancel$/),
    })
    expect(notes.join()).not.toContain(KEY)
  })

  test('that could not be written down is taken back, and the reason is what is thrown', async () => {
    service.become('stays queued')
    const onJob = () => Promise.reject(new Error('no room'))
    await expect(call({ onJob })).rejects.toThrow('no room')
    expect(service.cancelled).toHaveLength(1)
    expect(service.requests.filter(({ method }) => method === 'GET')).toEqual([])
  })

  test('that was begun is asked for, and nothing is ordered', async () => {
    const job = await abandon()
    service.finishAll()
    const { answer, notes } = await call({ job })
    expect(answer).toEqual({ bytes: expect.any(Buffer), requestId: JSON.parse(job).request_id })
    expect(notes).toEqual([])
    expect(service.orders).toHaveLength(1)
    expect(service.charges).toHaveLength(1)
  })
})

describe('a note that was tampered with', () => {
  test.each([
    'https://evil.example/status',
    'http://169.254.169.254/latest',
    'http://user@127.0.0.1/',
    'file:///etc/passwd',
    5,
  ])('sends the key nowhere: %s', async address => {
    const { request_id } = JSON.parse(await abandon())
    service.finishAll()
    const urls = { status_url: address, response_url: address, cancel_url: address }
    const { answer } = await call({ job: JSON.stringify({ request_id, ...urls }) })
    expect(answer.bytes.length).toBeGreaterThan(0)
  })

  test.each(['', '{}', 'null', '[', '{"request_id":"../../x"}', '{"request_id":5}'])(
    'and names no job is in doubt: %s',
    async job => {
      expect((await failure(call({ job }))).code).toBe('CALL_UNCERTAIN')
      expect(service.requests).toEqual([])
    },
  )
})

describe('a build that stops', () => {
  test('while the order is under way waits for its job, notes it and takes it back', async () => {
    service.become('stays queued')
    service.delayOrder(20)
    const stop = new AbortController()
    const notes: string[] = []
    const onJob = async (job: string) => void notes.push(job)
    const calling = failure(call({ onJob }, {}, stop.signal))
    await service.seen('POST', '/upscale')
    stop.abort()
    expect((await calling).code).toBe('ABORTED')
    expect(notes.map(note => JSON.parse(note).cancelled)).toEqual([undefined, true])
    expect(service.cancelled).toHaveLength(1)
  })

  test('before the order sends nothing', async () => {
    expect((await failure(call({}, {}, AbortSignal.abort()))).code).toBe('ABORTED')
    expect(service.requests).toEqual([])
  })

  test('leaves a job alone that an earlier build began and nothing is known of', async () => {
    const job = await abandon()
    const stop = new AbortController()
    const calling = failure(call({ job }, {}, stop.signal))
    await service.seen('GET', '/status')
    stop.abort()
    expect((await calling).code).toBe('ABORTED')
    expect(service.cancelled).toEqual([])
  })

  test('and its job, once gone, cost nothing and may be ordered afresh', async () => {
    service.become('stays queued')
    const stop = new AbortController()
    const notes: string[] = []
    const onJob = async (job: string) => void notes.push(job)
    const calling = failure(call({ onJob }, {}, stop.signal))
    await service.seen('GET', '/status')
    stop.abort()
    expect((await calling).message).toContain('taken back')
    const error = await failure(call({ job: notes.at(-1) ?? '' }))
    expect(error).toMatchObject({ code: 'API_UNAVAILABLE', details: { uncharged: true } })
  })
})

describe('a job that is over', () => {
  test.each([
    ['failed at work', 'API_UNAVAILABLE', true],
    ['runner lost', 'API_UNAVAILABLE', true],
    ['not downloaded', 'API_REJECTED', false],
    ['moderated', 'API_MODERATED', false],
    ['result forgotten', 'API_INTERRUPTED', undefined],
    ['key revoked', 'API_INTERRUPTED', undefined],
  ] as const)('%s is %s, uncharged: %s', async (fate, code, uncharged) => {
    service.become(fate)
    const error = await failure(call())
    expect(error.code).toBe(code)
    expect(error.details.uncharged).toBe(uncharged)
    expect(error.details.permanent).toBe(fate === 'moderated' ? true : undefined)
  })
})

describe('an upload', () => {
  test('that fails says that nothing was ordered', async () => {
    const error = await failure(call({}, { maxInlineBytes: 0, uploadURL: `${service.url}/nowhere` }))
    expect(error).toMatchObject({ code: 'API_NOT_FOUND', details: { uncharged: true } })
    expect(error.message).toContain('nothing was ordered')
    expect(service.orders).toEqual([])
  })
})

test('an engine works again after it was closed', async () => {
  const engine = makeEngine({})
  await engine.upscale(request({}), { env: { FAL_KEY: KEY }, signal: new AbortController().signal })
  await engine.close?.()
  await engine.upscale(request({}), { env: { FAL_KEY: KEY }, signal: new AbortController().signal })
  await engine.close?.()
  expect(service.orders).toHaveLength(2)
})

function makeEngine(options: FalOptions) {
  return fal({ baseURL: service.url, uploadURL: service.url, ...options })
}

type Told = Partial<Pick<FileRequest, 'job' | 'onJob'>>

function request({ job, onJob = async () => {} }: Told): FileRequest {
  const facts = {
    png,
    name: 'hero.png',
    width: 24,
    height: 16,
    scale: 2,
    params: {},
    idempotencyKey: 'pay-1',
  }
  return { ...facts, onJob, ...(job === undefined ? {} : { job }) }
}

/** One call of an engine of its own. */
async function call(told: Told = {}, options: FalOptions = {}, signal = new AbortController().signal) {
  const notes: string[] = []
  const engine = makeEngine(options)
  const onJob = async (job: string): Promise<void> => {
    notes.push(job)
    await told.onJob?.(job)
  }
  try {
    const answer = await engine.upscale(request({ ...told, onJob }), { env: { FAL_KEY: KEY }, signal })
    return { answer, notes }
  } finally {
    await engine.close?.()
  }
}

/** Begins a job and stops while it is worked on. Returns its note. */
async function abandon(): Promise<string> {
  service.become('stays at work')
  const notes: string[] = []
  const stop = new AbortController()
  const calling = failure(call({ onJob: async job => void notes.push(job) }, {}, stop.signal))
  await service.seen('GET', '/status')
  stop.abort()
  await calling
  return notes[0] ?? expect.fail('no job was told')
}

async function failure(calling: Promise<unknown>): Promise<UpscaleError> {
  const error: unknown = await calling.then(
    () => expect.fail('nothing was refused'),
    reason => reason,
  )
  if (isUpscaleError(error)) return error
  throw error
}
