import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { beforeEach, describe, expect, test } from 'vitest'
import { seal } from '../cache/envelope.ts'
import type { FileEngine, FileRequest } from '../engines/engine.ts'
import { type ErrorCode, isUpscaleError, UpscaleError } from '../errors.ts'
import type { UpscalerOptions } from '../options.ts'
import { createUpscaler, type Upscaler } from '../upscaler.ts'

let root: string

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'upscale-money-'))
  await draw('a.png', 0)
})

async function draw(name: string, shade: number): Promise<void> {
  const data = new Uint8Array(20 * 20 * 3).map((_, at) =>
    Math.min(255, (Math.floor(at / 3) % 20) * 10 + shade),
  )
  await sharp(data, { raw: { width: 20, height: 20, channels: 3 } })
    .png()
    .toFile(join(root, name))
}

/** A promise with its key: Node 20 has no Promise.withResolvers. */
function gate(): { readonly promise: Promise<void>; resolve(): void } {
  let open = (): void => {}
  const promise = new Promise<void>(resolve => {
    open = resolve
  })
  return { promise, resolve: () => open() }
}

type Behaviour = (request: FileRequest) => Promise<Uint8Array>

const enlarge: Behaviour = ({ png, width, height }) =>
  sharp(png)
    .resize(width * 2, height * 2)
    .png()
    .toBuffer()

const fails =
  (code: ErrorCode): Behaviour =>
  () =>
    Promise.reject(new UpscaleError(code, `the service said ${code}`, { hint: 'wait' }))

/** A paid service that behaves as told, call by call, then honestly. */
function service(behaviours: Behaviour[] = [], recovery: FileEngine['recovery'] = 'none') {
  const requests: FileRequest[] = []
  const engine: FileEngine = {
    exchange: 'file',
    id: 'service',
    model: 'model',
    revision: '1',
    billing: 'paid',
    recovery,
    priceMicros: 60_000,
    scaleFor: () => 2,
    checkParams: params => params,
    async upscale(request) {
      requests.push(request)
      const behave = behaviours.shift() ?? enlarge
      return { bytes: await behave(request), costMicros: 60_000 }
    },
  }
  return { engine, requests }
}

function start(engine: FileEngine, options: UpscalerOptions = {}): Upscaler {
  return createUpscaler({ engine, ...options }, { root, env: {} })
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return isUpscaleError(error) ? error.code : String(error)
}

/** The ledger's events in order, over all runs. */
function ledger(): string[] {
  const folder = join(root, '.upscale', 'v1', 'ledger')
  const lines = readdirSync(folder).flatMap(name =>
    readFileSync(join(folder, name), 'utf8').trim().split('\n'),
  )
  return lines
    .map(line => JSON.parse(line))
    .sort((one, other) => one.at.localeCompare(other.at))
    .map(({ event }) => event)
}

/** The one record on a shelf. */
function recordOf(shelf: string): string {
  const folder = join(root, '.upscale', 'v1', shelf)
  const [name = expect.fail(`nothing in ${folder}`)] = readdirSync(folder, { recursive: true })
    .map(String)
    .filter(path => path.endsWith('.json'))
  return join(folder, name)
}

function editIntent(edit: (record: Record<string, unknown>) => Record<string, unknown>): void {
  const file = recordOf('intents')
  const { body } = JSON.parse(readFileSync(file, 'utf8'))
  writeFileSync(file, seal({ ...body, record: edit(body.record) }))
}

const later = seal({ version: 99, whatever: true })

describe('a call in doubt', () => {
  const doubts: ErrorCode[] = ['API_INTERRUPTED', 'API_TIMEOUT', 'API_UNAVAILABLE', 'API_BAD_ANSWER']

  test.each(doubts)('%s is not repeated by the next build, until a person says so', async code => {
    const { engine, requests } = service([fails(code)])
    expect(await codeOf(start(engine).upscale('a.png'))).toBe(code)
    expect(await codeOf(start(engine).upscale('a.png'))).toBe('CALL_UNCERTAIN')
    expect(requests).toHaveLength(1)
    expect(await start(engine, { retry: true }).upscale('a.png')).toMatchObject({ origin: 'engine' })
    expect(await start(engine).upscale('a.png')).toMatchObject({ origin: 'cache' })
    expect(requests).toHaveLength(2)
    expect(requests[1]?.idempotencyKey).not.toBe(requests[0]?.idempotencyKey)
    expect(ledger()).toEqual(['uncertain', 'charged', 'stored'])
  })

  test('counts against the budget', async () => {
    const { engine } = service([fails('API_INTERRUPTED')])
    await draw('b.png', 50)
    const upscaler = start(engine, { budget: 0.1 })
    await codeOf(upscaler.upscale('a.png'))
    expect(await codeOf(upscaler.upscale('b.png'))).toBe('BUDGET_EXCEEDED')
  })

  test('is repeated under its own key by an engine that knows such keys', async () => {
    const { engine, requests } = service([fails('API_INTERRUPTED')], 'idempotency-key')
    await codeOf(start(engine).upscale('a.png'))
    await start(engine).upscale('a.png')
    expect(requests).toHaveLength(2)
    expect(requests[1]?.idempotencyKey).toBe(requests[0]?.idempotencyKey)
  })

  test('is taken up by its job where the service named one', async () => {
    const beginAndDie: Behaviour = async request => {
      await request.onJob('job-7')
      throw new UpscaleError('API_INTERRUPTED', 'cut off', { hint: 'wait' })
    }
    const { engine, requests } = service([beginAndDie], 'job')
    await codeOf(start(engine).upscale('a.png'))
    await start(engine).upscale('a.png')
    expect(requests.map(({ job }) => job)).toEqual([undefined, 'job-7'])
  })

  test('without a job stays in doubt also for an engine with jobs', async () => {
    const { engine } = service([fails('API_INTERRUPTED')], 'job')
    await codeOf(start(engine).upscale('a.png'))
    expect(await codeOf(start(engine).upscale('a.png'))).toBe('CALL_UNCERTAIN')
  })

  // Damage heals everywhere else by counting as a miss; here a miss would be a second order.
  test.each([
    ['a flipped byte', (text: string) => text.replace('service', 'servicE')],
    ['half a file', (text: string) => text.slice(0, 100)],
    ['nothing in it', () => ''],
    ['a later format', () => later],
  ])('stays in doubt with %s in its record, build after build, until a person says so', async (_, spoil) => {
    const { engine, requests } = service([fails('API_INTERRUPTED')])
    await codeOf(start(engine).upscale('a.png'))
    const file = recordOf('intents')
    writeFileSync(file, spoil(readFileSync(file, 'utf8')))
    expect(await codeOf(start(engine).upscale('a.png'))).toBe('CALL_UNCERTAIN')
    const error = await start(engine).upscale('a.png').catch(String)
    expect(error).toMatch(/can't be read any more; it may have been charged.*UPSCALE_RETRY=1/s)
    expect(error).toContain(file)
    expect(requests).toHaveLength(1)
  })

  test('with a damaged record is called again when a person says so, and stays in the ledger', async () => {
    const { engine, requests } = service([fails('API_INTERRUPTED')])
    await codeOf(start(engine).upscale('a.png'))
    writeFileSync(recordOf('intents'), 'spoilt')
    await start(engine, { retry: true }).upscale('a.png')
    expect(requests).toHaveLength(2)
    expect(ledger()).toEqual(['uncertain', 'uncertain', 'charged', 'stored'])
  })

  test('that nobody saw the end of is in the ledger once it is given up', async () => {
    const { engine } = service([fails('API_INTERRUPTED')])
    await codeOf(start(engine).upscale('a.png'))
    // As a kill leaves it: no ledger, and no word about the end.
    rmSync(join(root, '.upscale', 'v1', 'ledger'), { recursive: true })
    editIntent(({ code: _, ...rest }) => rest)
    await start(engine, { retry: true }).upscale('a.png')
    expect(ledger()).toEqual(['uncertain', 'charged', 'stored'])
  })

  test('of a job that was asked for in vain is ordered anew only when a person says so', async () => {
    const beginAndDie: Behaviour = async request => {
      await request.onJob('job-7')
      throw new UpscaleError('API_INTERRUPTED', 'cut off', { hint: 'wait' })
    }
    const { engine, requests } = service([beginAndDie, fails('API_NOT_FOUND')], 'job')
    await codeOf(start(engine).upscale('a.png'))
    expect(await codeOf(start(engine).upscale('a.png'))).toBe('API_NOT_FOUND')
    await start(engine, { retry: true }).upscale('a.png')
    expect(requests.map(({ job }) => job)).toEqual([undefined, 'job-7', undefined])
  })

  test('survives a later call that was refused for free', async () => {
    const { engine, requests } = service([fails('API_INTERRUPTED'), fails('API_RATE_LIMITED')])
    await codeOf(start(engine).upscale('a.png'))
    expect(await codeOf(start(engine, { retry: true }).upscale('a.png'))).toBe('API_RATE_LIMITED')
    expect(await codeOf(start(engine).upscale('a.png'))).toBe('CALL_UNCERTAIN')
    expect(requests).toHaveLength(2)
  })
})

test('a job that could not be written down is a call in doubt, not a free one', async () => {
  const unwritten: Behaviour = () =>
    Promise.reject(new UpscaleError('CACHE_UNWRITABLE', 'no space', { hint: 'free some' }))
  const { engine } = service([unwritten], 'job')
  expect(await codeOf(start(engine).upscale('a.png'))).toBe('CACHE_UNWRITABLE')
  expect(await codeOf(start(engine).upscale('a.png'))).toBe('CALL_UNCERTAIN')
})

test('what the service says it did not charge for may be ordered afresh', async () => {
  const ended: Behaviour = () =>
    Promise.reject(new UpscaleError('API_UNAVAILABLE', 'failed', { hint: 'wait', uncharged: true }))
  const { engine } = service([ended])
  expect(await codeOf(start(engine).upscale('a.png'))).toBe('API_UNAVAILABLE')
  expect(await start(engine).upscale('a.png')).toMatchObject({ origin: 'engine' })
})

test.each<ErrorCode>(['API_RATE_LIMITED', 'API_UNREACHABLE', 'API_NO_BALANCE', 'API_UNAUTHORIZED'])(
  '%s costs nothing, and the next build asks again',
  async code => {
    const { engine, requests } = service([fails(code)])
    const upscaler = start(engine, { budget: 0.06 })
    expect(await codeOf(upscaler.upscale('a.png'))).toBe(code)
    expect(upscaler.report().spentMicros).toBe(0)
    expect(await start(engine, { budget: 0.06 }).upscale('a.png')).toMatchObject({ origin: 'engine' })
    expect(requests).toHaveLength(2)
    expect(ledger()).toEqual(['free', 'charged', 'stored'])
  },
)

test('an answer that arrived but was not looked at is taken up without a call', async () => {
  const { engine, requests } = service()
  // The clock of a kill: the file that the answer is finished into can't be made, so the build dies after the call.
  writeFileSync(join(root, 'node_modules'), 'in the way')
  await start(engine).upscale('a.png')
  expect(requests).toHaveLength(1)
  expect((await start(engine).upscale('a.png')).width).toBe(40)
  expect(requests).toHaveLength(1)
})

test('three outages in a row stop the run, one success in between does not', async () => {
  const down = fails('API_UNAVAILABLE')
  const { engine, requests } = service([down, down, enlarge, down, down, down])
  const upscaler = start(engine, { concurrency: 1 })
  for (let shade = 0; shade < 8; shade++) {
    await draw(`${shade}.png`, shade * 5)
    await codeOf(upscaler.upscale(`${shade}.png`))
  }
  expect(requests).toHaveLength(6)
  expect(upscaler.report().refused.at(-1)?.error.message).toContain('not sent')
})

test('a drain lets the call under way finish and begins no other', async () => {
  const began = gate()
  const mayAnswer = gate()
  const slow: Behaviour = async request => {
    began.resolve()
    await mayAnswer.promise
    return enlarge(request)
  }
  const { engine, requests } = service([slow])
  await draw('b.png', 50)
  const upscaler = start(engine, { concurrency: 1 })
  const results = Promise.all([codeOf(upscaler.upscale('a.png')), codeOf(upscaler.upscale('b.png'))])
  await began.promise
  const drained = upscaler.drain()
  mayAnswer.resolve()
  await drained
  expect((await results).sort()).toEqual(['ABORTED', 'undefined'])
  expect(requests).toHaveLength(1)
})

test('two upscalers on one cache buy a picture once', async () => {
  const one = service()
  const other = service()
  await Promise.all([start(one.engine).upscale('a.png'), start(other.engine).upscale('a.png')])
  expect(one.requests.length + other.requests.length).toBe(1)
})

describe('a manifest', () => {
  // Fault matrix, row 38: nothing that is wrong with it leads to a payment.
  test('that lists a picture whose answer is gone keeps it from being bought again, until a person says so', async () => {
    const { engine, requests } = service()
    await start(engine).upscale('a.png')
    rmSync(join(root, '.upscale', 'v1'), { recursive: true })
    rmSync(join(root, 'node_modules'), { recursive: true })
    const error = await start(engine).upscale('a.png').catch(String)
    expect(error).toMatch(/was bought.*not in the cache.*CACHE_UNREADABLE.*version control.*UPSCALE_RETRY=1/s)
    expect(await codeOf(start(engine, { frozen: true }).upscale('a.png'))).toBe('FROZEN_MISS')
    expect(requests).toHaveLength(1)
    expect(await start(engine, { retry: true }).upscale('a.png')).toMatchObject({ origin: 'engine' })
    expect(await start(engine).upscale('a.png')).toMatchObject({ origin: 'cache' })
  })

  test('with conflict markers stops hits and purchases alike', async () => {
    const { engine, requests } = service()
    await start(engine).upscale('a.png')
    await draw('b.png', 50)
    const file = join(root, '.upscale', 'manifest.json')
    const sound = readFileSync(file, 'utf8')
    writeFileSync(file, `<<<<<<< HEAD\n${sound}`)
    expect(await codeOf(start(engine).upscale('a.png'))).toBe('CACHE_UNREADABLE')
    expect(await codeOf(start(engine).upscale('b.png'))).toBe('CACHE_UNREADABLE')
    expect(requests).toHaveLength(1)
    writeFileSync(file, sound)
    expect(await start(engine).upscale('a.png')).toMatchObject({ origin: 'cache' })
  })

  test('names the source', async () => {
    await start(service().engine).upscale('a.png')
    expect(readFileSync(join(root, '.upscale', 'manifest.json'), 'utf8')).toContain('"source":"a.png"')
  })
})
