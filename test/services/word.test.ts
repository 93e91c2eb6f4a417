import { createUpscaler, lumenfall } from 'upscale-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Gateway, type ResponseName, startGateway, TestProject } from './gateway/index.ts'

// A person's word, the option `retry`, has each picture asked for again once. A build asks for a picture more than once: for
// the pages and for the server, in each rebuild of a watcher.

const project = new TestProject()
let gateway: Gateway

beforeAll(async () => {
  gateway = await startGateway()
})
afterAll(() => gateway.close())
beforeEach(async () => {
  gateway.reset()
  await project.open()
})
afterEach(() => project.close())

function open(retry: boolean) {
  const options = {
    root: project.root,
    engine: lumenfall({ baseURL: gateway.url }),
    budget: 5,
    frozen: false,
  }
  return createUpscaler({ ...options, retry }, { root: project.root, env: { LUMENFALL_API_KEY: 'key' } })
}

async function ask(upscaler: ReturnType<typeof open>): Promise<string> {
  return upscaler.upscale('assets/hero.png').then(
    ({ origin }) => origin,
    error => error.code,
  )
}

test.each<[ResponseName, string, string]>([
  ['moderated', 'API_MODERATED', 'API_MODERATED'],
  ['black', 'ANSWER_DRIFTED', 'ANSWER_DRIFTED'],
  ['server-error', 'API_UNAVAILABLE', 'CALL_UNCERTAIN'],
  ['reset-in-body', 'API_INTERRUPTED', 'CALL_UNCERTAIN'],
])('to an order that comes to nothing (%s) is for one more', async (response, first, later) => {
  gateway.respondWith(response)
  const before = open(false)
  expect([await ask(before), await ask(before)]).toEqual([first, later])
  await before.close()
  expect(gateway.orders).toHaveLength(1)

  const word = open(true)
  const planned = async () => (await word.plan('assets/hero.png')).state
  expect(await planned()).toBe('missing')
  expect([await ask(word), await ask(word), await ask(word)]).toEqual([first, later, later])
  expect(await planned()).toBe(later === 'CALL_UNCERTAIN' ? 'uncertain' : 'refused')
  await word.close()
  expect(gateway.orders).toHaveLength(2)

  // The next one is another word.
  gateway.respondWith('ok')
  const next = open(true)
  expect([await ask(next), await ask(next)]).toEqual(['engine', 'cache'])
  await next.close()
  expect(gateway.orders).toHaveLength(3)
})
