import OpenAI, { toFile } from 'openai'
import { type FileEngine, lumenfall } from 'upscale-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Gateway, startGateway } from '../services/gateway/index.ts'
import { closeAll, edit, form, KEY, picture, post, type Running, said, start } from './setup.ts'

const SERVICE_KEY = 'lmnfl_canary.0ddba11c0ffee'

let gateway: Gateway
let server: Running
let image: File

beforeAll(async () => {
  gateway = await startGateway({ key: SERVICE_KEY })
  image = await toFile(await picture(), 'a.png', { type: 'image/png' })
})
afterAll(() => gateway.close())

beforeEach(async () => {
  gateway.reset()
  server = await start({ models: { plain: 'resize', 'ideogram-upscale': service() }, budget: 1 })
})
afterEach(closeAll)

/** The paid service behind the server. */
function service(): FileEngine {
  return lumenfall({ baseURL: gateway.url, apiKey: SERVICE_KEY })
}

describe('refusals', () => {
  test.each([
    [
      'a model that is not there',
      { model: 'plane' },
      OpenAI.NotFoundError,
      'MODEL_NOT_FOUND',
      /did you mean "plain"/,
    ],
    [
      'a factor out of range',
      { scale_factor: 9 },
      OpenAI.BadRequestError,
      'INVALID_REQUEST',
      /above 1, 8 at most/,
    ],
    [
      'a factor the model has not',
      { model: 'ideogram-upscale', scale_factor: 3 },
      OpenAI.BadRequestError,
      'INVALID_REQUEST',
      /can't reach/,
    ],
    ['a number that is none', { n: '1e1' }, OpenAI.BadRequestError, 'INVALID_REQUEST', /n is "1e1"/],
    [
      'a format that is none',
      { output_format: 'bmp' },
      OpenAI.BadRequestError,
      'INVALID_REQUEST',
      /png, jpeg/,
    ],
    [
      'compression of a png',
      { output_format: 'png', output_compression: 5 },
      OpenAI.BadRequestError,
      'INVALID_REQUEST',
      /needs output_format/,
    ],
    [
      'a prompt that is too long',
      { prompt: 'x'.repeat(1001) },
      OpenAI.BadRequestError,
      'INVALID_REQUEST',
      /1 to 1000/,
    ],
    ['a mistyped field', { scale_facter: 2 }, OpenAI.BadRequestError, 'INVALID_REQUEST', /scale_factor/],
    ['a stream that is neither', { stream: 'maybe' }, OpenAI.BadRequestError, 'INVALID_REQUEST', /stream/],
    [
      'expand_prompt without a prompt',
      { model: 'ideogram-upscale', expand_prompt: true },
      OpenAI.BadRequestError,
      'INVALID_REQUEST',
      /without a prompt/,
    ],
  ])('%s arrives as a typed error', async (_, fields, type, code, message) => {
    const error = await edit(server.client, { image, ...fields }).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(type)
    expect(error).toMatchObject({
      code,
      type: 'invalid_request_error',
      message: expect.stringMatching(message),
    })
    expect(error).toMatchObject({ requestID: expect.stringMatching(/^req_/) })
  })

  test.each([
    ['moderated', 400, 'CONTENT_POLICY_VIOLATION', null],
    ['invalid-request', 400, 'UPSTREAM_ERROR', null],
    ['unauthorized', 502, 'UPSTREAM_ERROR', 'false'],
    ['no-balance', 402, 'INSUFFICIENT_BALANCE', null],
    ['server-error', 502, 'ALL_PROVIDERS_EXHAUSTED', 'false'],
    ['wrong-aspect', 502, 'UPSTREAM_ERROR', 'false'],
    ['html', 502, 'UPSTREAM_ERROR', 'false'],
    ['reset-before-answer', 502, 'ALL_PROVIDERS_EXHAUSTED', 'false'],
    ['rude-message', 400, 'UPSTREAM_ERROR', null],
    ['unavailable', 502, 'ALL_PROVIDERS_EXHAUSTED', 'false'],
  ] as const)('a service that answers "%s" becomes %d %s', async (response, status, code, retry) => {
    gateway.respondWith(response)
    const answer = await post(server, form(await picture(3), { model: 'ideogram-upscale' }))
    expect(answer).toMatchObject({ status, body: { error: { code } } })
    expect(answer.headers.get('x-should-retry')).toBe(retry)
    expect(JSON.stringify(answer.body)).not.toContain(SERVICE_KEY)
  })

  test('the end of the budget is a balance that does not suffice, and costs nothing', async () => {
    const poor = await start({ models: { 'ideogram-upscale': service() }, budget: 0.05 })
    const order = edit(poor.client, { image, model: 'ideogram-upscale' })
    await expect(order).rejects.toMatchObject({ status: 402, code: 'INSUFFICIENT_BALANCE' })
    expect(gateway.orders).toHaveLength(0)
  })

  test('a paid model that is frozen is off for pictures that are not in the cache', async () => {
    const frozen = await start({ models: { 'ideogram-upscale': service() }, frozen: true })
    const order = edit(frozen.client, { image, model: 'ideogram-upscale' })
    await expect(order).rejects.toMatchObject({ status: 404, code: 'MODEL_DISABLED' })
  })
})

describe('fields that do nothing', () => {
  test('are checked and listed, so that a client written for a paid model runs offline', async () => {
    const fields = {
      prompt: 'x',
      detail: 60,
      resemblance: 1,
      expand_prompt: false,
      seed: 0,
      size: '1024x1024',
    }
    const answer = await edit(server.client, { image, ...fields, quality: 'high' })
    expect(answer.metadata.ignored_parameters).toEqual([...Object.keys(fields), 'quality'])
    await expect(edit(server.client, { image, detail: 0 })).rejects.toThrow(/detail is "0" .* from 1 to 100/)
  })
})

describe('models', () => {
  test('are listed and described, and an unknown one is not found', async () => {
    const ids: string[] = []
    for await (const model of server.client.models.list()) ids.push(model.id)
    expect(ids).toEqual(['plain', 'ideogram-upscale'])
    const model = await server.client.models.retrieve('ideogram-upscale')
    expect(model).toMatchObject({ id: 'ideogram-upscale', object: 'model', owned_by: 'lumenfall' })
    const missing = server.client.models.retrieve('ideogram')
    await expect(missing).rejects.toBeInstanceOf(OpenAI.NotFoundError)
    await expect(missing).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' })
  })

  test('have a schema with what their engine takes', async () => {
    const query = { query: { schema: 'true' } }
    const paid: object = await server.client.models.retrieve('ideogram-upscale', query)
    expect(paid).toMatchObject({
      schema: {
        required: ['model', 'image'],
        properties: {
          scale_factor: { type: 'number', exclusiveMinimum: 1, maximum: 2, default: 2 },
          detail: { type: 'integer', minimum: 1, maximum: 100 },
          output_format: { enum: ['png', 'jpeg', 'gif', 'webp', 'avif'] },
          response_format: { enum: ['url', 'b64_json'], default: 'url' },
        },
      },
    })
    const plain: object = await server.client.models.retrieve('plain', query)
    expect(plain).not.toHaveProperty('schema.properties.detail')
    expect(plain).toHaveProperty('schema.properties.scale_factor.maximum', 8)
  })

  test('are only those that were configured; without any, the embedded engine', async () => {
    const bare = await start({ models: undefined })
    const { data } = await bare.client.models.list()
    expect(data.map(({ id }) => id)).toEqual(['local'])
  })

  test('may be pinned to a provider by their name', async () => {
    const pinned = await start({ models: { 'fal/ideogram-upscale': 'resize' } })
    expect(await pinned.client.models.retrieve('fal/ideogram-upscale')).toMatchObject({ owned_by: 'resize' })
  })
})

test('no key was ever logged, not even by a service that repeats it', () => {
  expect(said.length).toBeGreaterThan(20)
  for (const secret of [KEY, SERVICE_KEY]) expect(said.join('\n')).not.toContain(secret)
})
