import OpenAI from 'openai'
import { lumenfall } from 'upscale-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Gateway, startGateway } from '../services/gateway/index.ts'
import { closeAll, edit, hold, look, picture, start } from './setup.ts'

let gateway: Gateway
let image: File

beforeAll(async () => {
  gateway = await startGateway()
  image = new File([new Uint8Array(await picture())], 'a.png')
})
afterAll(() => gateway.close())
beforeEach(() => gateway.reset())
afterEach(closeAll)

const models = () => ({ paid: lumenfall({ baseURL: gateway.url, apiKey: 'lmnfl_a.b' }) })

test('closing lets a request under way finish, and takes no new one', async () => {
  const server = await start({ models: models() })
  const { arrived, release } = hold(gateway)
  const order = edit(server.client, { image, model: 'paid', response_format: 'b64_json' })
  await arrived
  const closed = server.close()
  release()
  expect(await look(await order)).toEqual({ width: 48, height: 32, format: 'png' })
  await closed
  await server.close()
  await expect(fetch(`${server.url}/models`)).rejects.toThrow()
})

test('closing keeps what was bought for a client that hung up', async () => {
  const server = await start({ models: models() })
  const { arrived, release } = hold(gateway)
  const gone = new AbortController()
  const params = { image, model: 'paid', prompt: '' }
  const order = server.client.images.edit(params, { signal: gone.signal })
  await arrived
  gone.abort()
  await expect(order).rejects.toBeInstanceOf(OpenAI.APIUserAbortError)
  const stopped = server.stop()
  release()
  await stopped
  const again = await start({ models: models(), root: server.root })
  expect((await edit(again.client, { image, model: 'paid' })).metadata).toMatchObject({ cost: 0 })
  expect(gateway.charges).toHaveLength(1)
})
