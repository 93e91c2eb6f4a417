import { describe, expect, test } from 'vitest'
import { isUpscaleError, UpscaleError } from '../../errors.ts'
import type { HttpRequest, HttpResponse } from './client.ts'
import { startDeadline } from './deadline.ts'
import { fetchMedia } from './media.ts'

const PUBLIC = {
  base: new URL('https://api.lumenfall.ai/openai/v1'),
  hosts: ['media.lumenfall.ai', '*.fal.media'],
}
const LOCAL = {
  base: new URL('http://127.0.0.1:8080/openai/v1'),
  hosts: ['media.lumenfall.ai', 'localhost:9090'],
}

const reply = (status: number, headers: Record<string, string> = {}, body = 'PNG'): HttpResponse => ({
  status,
  headers,
  body: Buffer.from(body),
})

/** Fetches with a stand-in for the wire: one reply for each hop, the last one for ever. */
async function fetchWith(
  address: string,
  rules: typeof PUBLIC,
  replies: readonly (HttpResponse | Error)[] = [reply(200)],
) {
  const deadline = startDeadline(60_000, new AbortController().signal)
  const sent: HttpRequest[] = []
  const send = async (request: HttpRequest): Promise<HttpResponse> => {
    sent.push(request)
    const next = replies[Math.min(sent.length, replies.length) - 1]
    if (next === undefined || next instanceof Error) throw next
    return next
  }
  try {
    const bytes = await fetchMedia(address, {
      rules,
      send,
      deadline,
      maxBytes: 1000,
      secrets: [],
      lostHint: 'wait',
    })
    return { bytes: bytes.toString(), sent }
  } catch (error) {
    if (!isUpscaleError(error)) throw error
    return { error, sent }
  } finally {
    deadline.clear()
  }
}

describe('addresses that are opened', () => {
  test.each([
    ['https://media.lumenfall.ai/a.png', PUBLIC, true],
    ['https://media.lumenfall.ai:443/a.png?sig=1', PUBLIC, true],
    ['https://MEDIA.lumenfall.ai/a.png', PUBLIC, true],
    ['https://api.lumenfall.ai/files/a.png', PUBLIC, false],
    ['https://v3b.fal.media/files/a.png', PUBLIC, true],
    ['http://127.0.0.1:8080/media/a.png', LOCAL, false],
    ['http://localhost:8080/media/a.png', LOCAL, false],
    ['http://localhost:9090/a.png', LOCAL, false],
    ['https://media.lumenfall.ai/a.png', LOCAL, false],
  ])('%s', async (address, rules, publicOnly) => {
    const { bytes, sent } = await fetchWith(address, rules)
    expect(bytes).toBe('PNG')
    expect(sent).toHaveLength(1)
    expect(sent[0]).toMatchObject({ method: 'GET', headers: {}, publicOnly })
  })
})

describe('addresses that are refused without a connection', () => {
  test.each([
    'http://media.lumenfall.ai/a.png',
    'https://media.lumenfall.ai.evil.example/a.png',
    'https://evil.example/media.lumenfall.ai',
    'https://media.lumenfall.ai:8443/a.png',
    'https://fal.media/a.png',
    'https://evil-fal.media/a.png',
    'https://v3.fal.media.evil.example/a.png',
    'https://v3.fal.media:8443/a.png',
    'https://user:pass@media.lumenfall.ai/a.png',
    'https://media.lumenfall.ai@evil.example/a.png',
    'https://localhost/a.png',
    'https://127.0.0.1/a.png',
    'https://2130706433/a.png',
    'https://[::1]/a.png',
    'https://[::ffff:127.0.0.1]/a.png',
    'https://169.254.169.254/latest/meta-data',
    'file:///etc/passwd',
    'data:image/png,AAAA',
    'ftp://media.lumenfall.ai/a.png',
    'javascript:alert(1)',
    '//media.lumenfall.ai/a.png',
    '/media/a.png',
    'a.png',
    '\u001b[31mhttps://x',
    'https://',
  ])('%s', async address => {
    const { error, sent } = await fetchWith(address, PUBLIC)
    expect(error?.code).toBe('API_BAD_ANSWER')
    expect(sent).toEqual([])
  })

  test('plain http to this machine, unless the API is there too', async () => {
    expect((await fetchWith('http://127.0.0.1:8080/a.png', PUBLIC)).error?.code).toBe('API_BAD_ANSWER')
    expect((await fetchWith('http://127.0.0.1:9999/a.png', LOCAL)).error?.code).toBe('API_BAD_ANSWER')
    expect((await fetchWith('http://media.lumenfall.ai/a.png', LOCAL)).error?.code).toBe('API_BAD_ANSWER')
  })
})

describe('redirects', () => {
  const to = (location: string, status = 302): HttpResponse => reply(status, { location })

  test('three are followed, on allowed hosts, relative ones too', async () => {
    const hops = [
      to('/b.png'),
      to('https://api.lumenfall.ai/c.png', 307),
      to('https://media.lumenfall.ai/d.png', 308),
    ]
    const { bytes, sent } = await fetchWith('https://media.lumenfall.ai/a.png', PUBLIC, [...hops, reply(200)])
    expect(bytes).toBe('PNG')
    expect(sent.map(({ url }) => url.href)).toEqual([
      'https://media.lumenfall.ai/a.png',
      'https://media.lumenfall.ai/b.png',
      'https://api.lumenfall.ai/c.png',
      'https://media.lumenfall.ai/d.png',
    ])
  })

  test('a fourth is not', async () => {
    const { error, sent } = await fetchWith('https://media.lumenfall.ai/a.png', PUBLIC, [to('/a.png')])
    expect(error?.code).toBe('API_BAD_ANSWER')
    expect(error?.message).toContain('redirects too often')
    expect(sent).toHaveLength(4)
  })

  test.each([
    'http://media.lumenfall.ai/a.png',
    'https://evil.example/',
    'file:///etc/passwd',
    'https://10.0.0.1/',
  ])('one to %s is not followed', async location => {
    const { error, sent } = await fetchWith('https://media.lumenfall.ai/a.png', PUBLIC, [
      to(location),
      reply(200),
    ])
    expect(error?.code).toBe('API_BAD_ANSWER')
    expect(sent).toHaveLength(1)
  })
})

describe('a picture that was made and is lost', () => {
  test.each([
    ['404', reply(404)],
    ['403', reply(403)],
    ['502', reply(502)],
    ['206', reply(206)],
    ['a redirect to nowhere', reply(302)],
    ['nothing', reply(200, {}, '')],
    ['no connection', new UpscaleError('API_UNREACHABLE', 'nothing came', { hint: 'wait' })],
    ['no answer in time', new UpscaleError('API_TIMEOUT', 'nothing came', { hint: 'wait' })],
  ])('%s', async (_, response) => {
    const { error } = await fetchWith('https://media.lumenfall.ai/a.png?sig=secret', PUBLIC, [response])
    expect(error?.code).toBe('API_INTERRUPTED')
    expect(error?.message).toContain('the picture was made but could not be fetched')
    expect(error?.message).not.toContain('sig=')
  })

  test.each(['ABORTED', 'ANSWER_TOO_LARGE', 'API_BAD_ANSWER'] as const)('%s keeps its code', async code => {
    const { error } = await fetchWith('https://media.lumenfall.ai/a.png', PUBLIC, [
      new UpscaleError(code, 'x', { hint: 'y' }),
    ])
    expect(error?.code).toBe(code)
  })
})
