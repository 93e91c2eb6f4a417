import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { renewIntegrity } from './integrity.ts'
import { changedDigests, renewPolicy } from './policy.ts'

// What grows with the square of a page does not end within a test's time.

const digestOf = (text: string): string => `sha256-${createHash('sha256').update(text).digest('base64')}`

test('each of thousands of links gets the digest of its sheet', () => {
  const link = (digest: string): string => `<link href=a.css integrity="${digest}">\n`
  const page = renewIntegrity(link('sha256-AAAA').repeat(20_000), () => Buffer.from('b'))
  expect(page === link(digestOf('b')).repeat(20_000)).toBe(true)
})

test('a policy of thousands of digests lists the new ones, each behind its own', () => {
  const numbers = Array.from({ length: 5000 }, (_, at) => at)
  const before = numbers.map(at => `<p style="a:${at}">`).join('')
  const after = before.replaceAll('a:', 'b:')
  const policy = (texts: (at: number) => string): string =>
    `<meta http-equiv=content-security-policy content="style-src ${numbers.map(texts).join(' ')}">`
  const digests = changedDigests(before, after)
  const renewed = renewPolicy(policy(at => `'${digestOf(`a:${at}`)}'`) + after, digests)
  const both = policy(at => `'${digestOf(`a:${at}`)}' '${digestOf(`b:${at}`)}'`)
  expect(renewed === both + after).toBe(true)
})
