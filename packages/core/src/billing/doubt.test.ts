import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { seal } from '../cache/envelope.ts'
import { type ErrorCode, UpscaleError } from '../errors.ts'
import {
  type Behaviour,
  codeOf,
  draw,
  fails,
  ledger,
  recordOf,
  root,
  service,
  start,
  useProject,
} from '../test-support/purchase-kit.ts'
import { readLedger } from './ledger.ts'

useProject()

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

  // Whoever can commit to the folder can write a record that nothing of us would.
  test.each([
    { priceMicros: -60_000 },
    { priceMicros: 0.5 },
    { priceMicros: 1e300 },
    { attempt: 0 },
    { attempt: -3 },
    { attempt: 1.5 },
    { attempt: Number.MAX_SAFE_INTEGER },
    { at: 'yesterday' },
  ])('stays in doubt with %j in its record, and costs what a call costs once it is given up', async wrong => {
    const { engine, requests } = service([fails('API_INTERRUPTED')])
    await codeOf(start(engine).upscale('a.png'))
    rmSync(join(root, '.upscale', 'v1', 'ledger'), { recursive: true })
    editIntent(({ code: _, ...rest }) => ({ ...rest, ...wrong }))
    expect(await codeOf(start(engine).upscale('a.png'))).toBe('CALL_UNCERTAIN')
    expect(requests).toHaveLength(1)
    await start(engine, { retry: true }).upscale('a.png')
    const lines = await readLedger(join(root, '.upscale'))
    expect(lines.map(({ event, costMicros }) => [event, costMicros])).toEqual([
      ['uncertain', 60_000],
      ['charged', 60_000],
      ['stored', 0],
    ])
    expect(requests[1]?.idempotencyKey).toMatch(/-2$/)
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

describe('a refusal that may have been charged', () => {
  const refuses =
    (permanent: boolean): Behaviour =>
    async request => {
      await request.onJob('job-7')
      const details = { hint: 'look', uncharged: false, ...(permanent ? { permanent } : {}) }
      throw new UpscaleError('API_REJECTED', 'refused', details)
    }

  test.each([true, false])('counts against the budget; for good: %s', async permanent => {
    const { engine } = service([refuses(permanent)], 'job')
    await draw('b.png', 50)
    const upscaler = start(engine, { budget: 0.1 })
    expect(await codeOf(upscaler.upscale('a.png'))).toBe('API_REJECTED')
    expect(await codeOf(upscaler.upscale('b.png'))).toBe('BUDGET_EXCEEDED')
    expect(ledger()).toEqual(['uncertain'])
  })

  test('is not asked for again as a job, and not ordered again by itself', async () => {
    const { engine, requests } = service([refuses(false)], 'job')
    await codeOf(start(engine).upscale('a.png'))
    expect(await codeOf(start(engine).upscale('a.png'))).toBe('CALL_UNCERTAIN')
    await start(engine, { retry: true }).upscale('a.png')
    expect(requests.map(({ job }) => job)).toEqual([undefined, undefined])
    expect(requests[1]?.idempotencyKey).not.toBe(requests[0]?.idempotencyKey)
  })
})
