import { describe, expect, test } from 'vitest'
import { UpscaleError } from '../../errors.ts'
import type { HttpResponse } from '../http/client.ts'
import { afterOrder } from '../service-job.ts'
import { isJobEnd, jobError, submitError } from './errors.ts'
import { readJob } from './job.ts'

const KEY = 'canary-c0ffee:0123456789'
const SERVICE = { name: 'fal', keyName: 'FAL_KEY', secrets: [KEY] }
const JOB = readJob({ request_id: 'job-1' }, new URL('https://queue.fal.run')) ?? expect.fail('no job')

const answer = (status: number, headers: Record<string, string> = {}): HttpResponse => ({
  status,
  headers,
  body: Buffer.alloc(0),
})

const ofModel = (type: string) => ({ detail: [{ loc: ['body'], msg: 'because', type }] })
const ofPlatform = (type: string) => ({ detail: 'because', error_type: type })

describe('the end of a job', () => {
  test.each([
    [422, ofModel('content_policy_violation'), {}, 'API_MODERATED', true, false],
    [422, ofModel('image_too_small'), {}, 'API_REJECTED', true, false],
    [422, ofModel('file_too_large'), { 'x-fal-retryable': 'false' }, 'API_REJECTED', true, false],
    [422, ofModel('file_download_error'), { 'x-fal-retryable': 'true' }, 'API_REJECTED', undefined, false],
    [422, ofModel('file_download_error'), { 'x-fal-needs-retry': 'True' }, 'API_REJECTED', undefined, false],
    [504, ofModel('generation_timeout'), {}, 'API_UNAVAILABLE', undefined, true],
    [500, ofModel('internal_server_error'), {}, 'API_UNAVAILABLE', undefined, true],
    [503, ofPlatform('runner_disconnected'), {}, 'API_UNAVAILABLE', undefined, true],
    [
      504,
      { detail: 'because' },
      { 'x-fal-error-type': 'request_timeout' },
      'API_UNAVAILABLE',
      undefined,
      true,
    ],
    [404, { detail: 'Request not found' }, {}, 'API_INTERRUPTED', undefined, undefined],
  ])('%d %j %j is %s', (status, json, headers, code, permanent, uncharged) => {
    const error = jobError(answer(status, headers as Record<string, string>), json, JOB, SERVICE)
    expect(error.code).toBe(code)
    expect(error.details).toMatchObject({ requestId: 'job-1' })
    expect(error.details.permanent).toBe(permanent)
    expect(error.details.uncharged).toBe(uncharged)
  })

  test.each([
    [401, { detail: 'Invalid key' }],
    [403, { detail: 'Not allowed' }],
    [400, { detail: 'Request is still in progress' }],
    [429, { detail: 'Slow down' }],
    [500, undefined],
    [502, undefined],
    [503, { detail: 'Unavailable' }],
    [307, undefined],
    [204, undefined],
  ])('is not told by %d %j: the job can be asked for again', (status, json) => {
    const error = jobError(answer(status), json, JOB, SERVICE)
    expect(error.code).toBe('API_INTERRUPTED')
    expect(error.message).toMatch(/asked for, not ordered again/)
    expect(error.details.uncharged).toBeUndefined()
  })

  test.each([
    [404, { detail: 'Request not found' }],
    [400, { detail: 'Request was cancelled' }],
    [500, ofPlatform('request_cancelled')],
  ])('is ours where we took it back: %d %j', (status, json) => {
    const error = jobError(answer(status), json, { ...JOB, cancelled: true }, SERVICE)
    expect(error).toMatchObject({ code: 'API_UNAVAILABLE', details: { uncharged: true } })
  })
})

test('a failure of the job is told from one of something on the way', () => {
  expect(isJobEnd(answer(504), ofModel('generation_timeout'))).toBe(true)
  expect(isJobEnd(answer(503), ofPlatform('runner_disconnected'))).toBe(true)
  expect(isJobEnd(answer(502), undefined)).toBe(false)
  expect(isJobEnd(answer(503), { detail: 'Unavailable' })).toBe(false)
  expect(isJobEnd(answer(200), { detail: [] })).toBe(false)
})

describe('an order that was refused', () => {
  test.each([
    [401, { detail: 'Invalid key' }, 'API_UNAUTHORIZED', undefined],
    [402, undefined, 'API_NO_BALANCE', undefined],
    [403, { detail: 'User is locked. Reason: Exhausted balance.' }, 'API_NO_BALANCE', undefined],
    [403, { detail: 'Not allowed' }, 'API_FORBIDDEN', undefined],
    [404, undefined, 'API_NOT_FOUND', undefined],
    [422, ofModel('value_error'), 'API_REJECTED', true],
    [429, undefined, 'API_RATE_LIMITED', undefined],
    [500, undefined, 'API_UNAVAILABLE', undefined],
    [307, undefined, 'API_BAD_ANSWER', undefined],
  ])('%d %j is %s', (status, json, code, permanent) => {
    const error = submitError(answer(status, { 'x-fal-request-id': 'r-1' }), json, SERVICE)
    expect(error.code).toBe(code)
    expect(error.details.permanent).toBe(permanent)
    expect(error.details.requestId).toBe('r-1')
    expect(error.message).toContain(`HTTP ${status}`)
  })

  test('an echoed key is cut out of text, type and id', () => {
    const bodies = [{ detail: KEY }, { detail: [{ msg: KEY, type: KEY }] }, { error_type: KEY, error: KEY }]
    for (const body of bodies) {
      const error = submitError(answer(400, { 'x-fal-request-id': KEY, 'retry-after': KEY }), body, SERVICE)
      expect(error.message).not.toContain('canary')
    }
  })
})

describe('after the order', () => {
  test.each([
    ['ABORTED', 'ABORTED'],
    ['API_TIMEOUT', 'API_TIMEOUT'],
    ['API_UNREACHABLE', 'API_INTERRUPTED'],
    ['API_UNAUTHORIZED', 'API_INTERRUPTED'],
    ['ANSWER_TOO_LARGE', 'API_INTERRUPTED'],
  ] as const)('%s becomes %s: no code that stands for "not charged"', (from, to) => {
    const error = afterOrder(new UpscaleError(from, 'why', { hint: 'x', permanent: true }), JOB, SERVICE)
    expect(error.code).toBe(to)
    expect(error.details).toMatchObject({ requestId: 'job-1' })
    expect(error.details.permanent).toBeUndefined()
  })
})
