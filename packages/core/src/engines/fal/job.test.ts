import { describe, expect, test } from 'vitest'
import { isUpscaleError } from '../../errors.ts'
import { parseJob, printJob, readJob } from './job.ts'

const BASE = new URL('https://queue.fal.run')
const REQUEST = 'https://queue.fal.run/fal-ai/ideogram/requests/764cabcf-b745'

describe('a job', () => {
  test('has the addresses that fal returned', () => {
    const answer = {
      request_id: '764cabcf-b745',
      status_url: 'https://queue.fal.run/other/status',
      response_url: 'https://queue.fal.run/other',
      cancel_url: 'https://queue.fal.run/other/cancel',
      queue_position: 3,
    }
    expect(readJob(answer, BASE)).toMatchObject({
      statusUrl: { href: answer.status_url },
      resultUrl: { href: answer.response_url },
      cancelUrl: { href: answer.cancel_url },
      cancelled: false,
    })
  })

  test.each<[string, Record<string, unknown>]>([
    ['no addresses', {}],
    ['another host', { status_url: 'https://queue.fal.run.evil.example/' }],
    ['another port', { status_url: 'https://queue.fal.run:8443/' }],
    ['plain http', { status_url: 'http://queue.fal.run/' }],
    ['credentials', { status_url: 'https://a:b@queue.fal.run/' }],
    ['another host before an @', { status_url: 'https://queue.fal.run@evil.example/' }],
    ['no address', { status_url: '//evil.example/' }],
    ['another type', { status_url: { href: REQUEST } }],
  ])('has addresses in the documented form in place of %s', (_, urls) => {
    expect(readJob({ request_id: '764cabcf-b745', ...urls }, BASE)).toMatchObject({
      statusUrl: { href: `${REQUEST}/status` },
      resultUrl: { href: REQUEST },
      cancelUrl: { href: `${REQUEST}/cancel` },
    })
  })

  test.each([
    undefined,
    null,
    [],
    'a',
    {},
    { request_id: '' },
    { request_id: 5 },
    { request_id: '../x' },
    { request_id: 'a'.repeat(101) },
    { request_id: 'a?b' },
    JSON.parse('{"__proto__":{"request_id":"a"}}'),
  ])('is not in %j', answer => {
    expect(readJob(answer, BASE)).toBeUndefined()
  })
})

describe('its note', () => {
  test.each([false, true])('is read as it was written, taken back: %s', cancelled => {
    const job = readJob({ request_id: '764cabcf-b745' }, BASE)
    if (job === undefined) return expect.fail('no job')
    expect(parseJob(printJob({ ...job, cancelled }), BASE)).toEqual({ ...job, cancelled })
  })

  test.each(['', 'null', '{}', '{"request_id":"a b"}', '['.repeat(100_000)])('may say nothing: %s', text => {
    const act = () => parseJob(text, BASE)
    expect(act).toThrow('CALL_UNCERTAIN')
    try {
      act()
    } catch (error) {
      expect(isUpscaleError(error)).toBe(true)
    }
  })
})
