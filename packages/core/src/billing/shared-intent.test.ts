import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  codeOf,
  enlarge,
  fails,
  ledger,
  root,
  service,
  start,
  useProject,
} from '../test-support/purchase-kit.ts'
import type { SharedIntent } from './shared-intent.ts'

useProject()

/** A shared intent that remembers, as the job of a queue does. */
function sharedIntent(earlier?: unknown): SharedIntent & { readonly kept: () => unknown } {
  let kept: unknown = earlier
  return {
    earlier,
    kept: () => kept,
    note: async note => {
      kept = note
    },
    strike: async () => {
      kept = undefined
    },
  }
}

/** What the shared intent of another machine holds of a call there. */
const NOTE = {
  at: '2026-01-01T00:00:00.000Z',
  attempt: 1,
  engine: 'service',
  model: 'model',
  priceMicros: 60_000,
  source: 'a.png',
}

test('a call is noted before it is made, and stays noted until the work is over', async () => {
  const book = sharedIntent()
  let atCall: unknown
  const { engine } = service([
    async request => {
      atCall = book.kept()
      return enlarge(request)
    },
  ])
  const answer = await start(engine).answer('a.png', {}, { sharedIntent: book })
  expect(atCall).toMatchObject({ attempt: 1, source: 'a.png', priceMicros: 60_000 })
  expect(answer).toMatchObject({ origin: 'engine', costMicros: 60_000, isShared: false })
  expect(book.kept()).toMatchObject({ attempt: 1 })
})

test('a call that can not be noted is not made, and leaves no doubt', async () => {
  const { engine, requests } = service()
  const book = { ...sharedIntent(), note: () => Promise.reject(new Error('the line is down')) }
  expect(await codeOf(start(engine).answer('a.png', {}, { sharedIntent: book }))).toBe('ENGINE_FAILED')
  expect(requests).toHaveLength(0)
  await start(engine).answer('a.png', {}, { sharedIntent: sharedIntent() })
  expect(requests).toHaveLength(1)
})

test.each([
  ['a whole note', NOTE],
  ['a note that nobody understands', { at: 7 }],
  ['something that is no note', 'called'],
])(
  'a call that another machine noted is in doubt: not made again, unless a person says so (%s)',
  async (_, note) => {
    const { engine, requests } = service()
    expect(await codeOf(start(engine).answer('a.png', {}, { sharedIntent: sharedIntent(note) }))).toBe(
      'CALL_UNCERTAIN',
    )
    expect(requests).toHaveLength(0)
    await start(engine).answer('a.png', {}, { sharedIntent: sharedIntent(note), retry: true })
    expect(requests).toHaveLength(1)
    expect(requests[0]?.idempotencyKey).toMatch(/-2$/)
    // The first call is written down as one that may have been charged.
    expect(ledger()).toEqual(['uncertain', 'charged', 'stored'])
  },
)

test('a job that another machine began is asked for, not ordered again', async () => {
  const { engine, requests } = service([], 'job')
  const book = sharedIntent({ ...NOTE, job: 'job-7' })
  await start(engine).answer('a.png', {}, { sharedIntent: book })
  expect(requests.map(({ job }) => job)).toEqual(['job-7'])
})

test('a call that certainly cost nothing is struck; one that may have is kept', async () => {
  const free = sharedIntent()
  await codeOf(start(service([fails('API_RATE_LIMITED')]).engine).answer('a.png', {}, { sharedIntent: free }))
  expect(free.kept()).toBeUndefined()
  const doubtful = sharedIntent()
  await codeOf(
    start(service([fails('API_INTERRUPTED')]).engine).answer('a.png', {}, { sharedIntent: doubtful }),
  )
  expect(doubtful.kept()).toMatchObject({ code: 'API_INTERRUPTED' })
})

test('an answer makes no file, and a build makes one of it without a call', async () => {
  const { engine, requests } = service()
  await start(engine).answer('a.png')
  expect(readdirSync(join(root, '.upscale', 'v1', 'answers'))).toHaveLength(1)
  expect(() => readdirSync(join(root, 'node_modules', '.cache', 'upscale', 'v1', 'outputs'))).toThrow(
    'ENOENT',
  )
  expect((await start(engine).upscale('a.png')).origin).toBe('cache')
  expect(requests).toHaveLength(1)
})
