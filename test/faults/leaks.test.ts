import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../../packages/core/src/test-support/fault-kit.ts'
import { json, type Responder, refuse } from '../services/gateway/index.ts'
import { CANARY, holdsCanary, leaksIn, makeProject, openGateway, outcomes, startBuyer } from './kit.ts'

// Promise P23 and row 35. The project of every test in this folder, and the output of every process, is searched for
// the key when the test ends (kit.ts); these are the services that try to get it written down.

const ECHOES: Readonly<Record<string, Responder>> = {
  'an error message': () => refuse(400, 'INVALID_REQUEST', `the key ${CANARY} is bad`),
  'an error code': () => refuse(400, CANARY, 'bad'),
  'an error type': () => refuse(400, 'X', 'bad', CANARY),
  'an unauthorized message': () => refuse(401, 'AUTHENTICATION_FAILED', `Bearer ${CANARY}`, CANARY),
  'a server error page': () => ({
    status: 502,
    headers: { 'content-type': 'text/html' },
    body: `<html><title>${CANARY}</title>${CANARY}</html>`,
  }),
  'a request id': () => ({
    ...refuse(400, 'X', 'bad'),
    headers: { 'content-type': 'application/json', 'x-lumenfall-request-id': CANARY },
  }),
  'the address of a result': ({ charge, origin }) => {
    charge()
    return json({ data: [{ url: `${origin}/media/${CANARY}.png?key=${CANARY}` }] })
  },
  'the name of a host': ({ charge }) => {
    charge()
    return json({ data: [{ url: `https://${CANARY}.example/a.png` }] })
  },
  'an address with credentials': ({ charge, origin }) => {
    charge()
    return json({ data: [{ url: origin.replace('//', `//user:${CANARY}@`) }] })
  },
  'base64 that is none': ({ charge }) => {
    charge()
    return json({ data: [{ b64_json: `${CANARY}!${CANARY}` }] })
  },
  'an error in a 200': () => json({ error: { message: `key ${CANARY}`, code: CANARY } }),
  'JSON that is none': () => ({ status: 200, body: `{"key": ${CANARY}` }),
  'a redirect': () => ({ status: 307, headers: { location: `https://evil.example/?${CANARY}` } }),
}

describe('a service that echoes the key in', () => {
  test.each(Object.entries(ECHOES))('%s gets it neither printed nor stored', async (_, respond) => {
    const gateway = await openGateway()
    gateway.respondWith(respond)
    const root = await makeProject(1)
    const child = startBuyer({ root, url: gateway.url, images: ['0.png'], timeoutMs: 3000 })
    expect(await child.end, 'exit').toBe(0)
    expect([...outcomes(child).values()]).toEqual([expect.stringMatching(/^(?:API|ANSWER)_/)])
    expect(gateway.orders).toHaveLength(1)
    expect(leaksIn(root)).toEqual([])
  })
})

test('the search finds a key, in a file, in a name, in hidden folders, and encoded', () => {
  const folder = temporaryFolder()
  mkdirSync(join(folder, '.hidden', 'deep'), { recursive: true })
  writeFileSync(
    join(folder, '.hidden', 'deep', 'a'),
    Buffer.concat([Buffer.alloc(100_000), Buffer.from(CANARY)]),
  )
  writeFileSync(join(folder, 'b'), Buffer.from(CANARY).toString('base64'))
  writeFileSync(join(folder, CANARY), '')
  writeFileSync(join(folder, 'd'), CANARY.slice(1))
  expect(leaksIn(folder)).toHaveLength(3)
  expect(holdsCanary(`x${CANARY}x`)).toBe(true)
})
