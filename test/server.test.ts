import { execFile } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import OpenAI, { toFile } from 'openai'
import sharp from 'sharp'
import { createUpscaler, type FileEngine, lumenfall } from 'upscale-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Gateway, startGateway } from './gateway/index.ts'
import { closeAll, edit, form, KEY, look, picture, post, type Running, said, start } from './server/setup.ts'

const SERVICE_KEY = 'lmnfl_canary.c0ffee0ddba11'
const PRICE = { micros: 60_000, dollars: 0.06 }

let gateway: Gateway
let server: Running
let image: File

beforeAll(async () => {
  gateway = await startGateway({ key: SERVICE_KEY, workMs: 50 })
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

describe('the openai client', () => {
  test('gets an address by default, and the documented answer around it', async () => {
    const answer = await edit(server.client, { image })
    expect(answer).toMatchObject({ size: '48x32', output_format: 'png' })
    expect(Math.abs(answer.created - Date.now() / 1000)).toBeLessThan(600)
    expect(answer.metadata).toEqual({
      model: 'plain',
      executed_model: 'resize/lanczos3',
      provider: 'resize',
      provider_name: 'Plain resampling',
      cost: 0,
      cost_currency: 'USD',
      cached: false,
    })
    expect(answer.id).toMatch(/^req_[0-9a-f]{32}$/)
    expect(answer._request_id).toBe(answer.id)
    expect(answer.data[0]!.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/media\/[\w-]{43}\.png$/)
    expect(await look(answer)).toEqual({ width: 48, height: 32, format: 'png' })
  })

  test('may stream a file from disk', async () => {
    const file = join(server.root, 'a.png')
    await writeFile(file, await picture())
    const answer = await edit(server.client, { image: createReadStream(file), response_format: 'b64_json' })
    expect(await look(answer)).toEqual({ width: 48, height: 32, format: 'png' })
  })

  test('may send a list of one, and an empty prompt', async () => {
    const answer = await edit(server.client, { image: [image], prompt: '' })
    expect(await look(answer)).toMatchObject({ width: 48, height: 32 })
  })

  test.each(['png', 'jpeg', 'gif', 'webp', 'avif'])('gets %s when it asks for it', async format => {
    const answer = await edit(server.client, { image, output_format: format, response_format: 'b64_json' })
    expect(answer.output_format).toBe(format)
    expect(await look(answer)).toEqual({ width: 48, height: 32, format: format === 'avif' ? 'heif' : format })
  })

  test('gets fewer bytes for a lower output_compression', async () => {
    const sizes = await Promise.all(
      [100, 20, 0].map(async output_compression => {
        const fields = { image, output_format: 'jpeg', output_compression, response_format: 'b64_json' }
        return (await edit(server.client, fields)).data[0]!.b64_json!.length
      }),
    )
    expect(sizes).toEqual([...sizes].sort((a, b) => b - a))
    expect(sizes[2]).toBeLessThan(sizes[0]!)
  })

  test.each(['url', 'b64_json'])('gets n pictures as %s, all the same', async response_format => {
    const answer = await edit(server.client, { image, n: 3, response_format })
    expect(answer.data).toHaveLength(3)
    expect(new Set(answer.data.map(one => JSON.stringify(one))).size).toBe(1)
    expect(await look(answer, 2)).toMatchObject({ width: 48 })
  })

  test.each([1.5, 2, 3, 8])('gets factor %d', async scale_factor => {
    const answer = await edit(server.client, { image, scale_factor })
    expect(answer.size).toBe(`${24 * scale_factor}x${16 * scale_factor}`)
  })

  test('keeps the format of the image and the default factor where it asks for nothing', async () => {
    const jpeg = await toFile(await picture(0, 'jpeg'), 'a.jpg', { type: 'image/jpeg' })
    const answer = await edit(server.client, { image: jpeg, scale_factor: undefined })
    expect(await look(answer)).toEqual({ width: 48, height: 32, format: 'jpeg' })
  })
})

describe('a paid model behind the server', () => {
  const model = 'ideogram-upscale'
  const params = { prompt: 'a harbour', detail: 60, resemblance: 70, expand_prompt: true, seed: 7 }

  test('is told every parameter, and its charge is the cost of the answer', async () => {
    const answer = await edit(server.client, { image, model, ...params, sync_mode: true, user: 'ann' })
    expect(gateway.orders[0]!.fields).toMatchObject({
      model,
      scale_factor: '2',
      prompt: 'a harbour',
      detail: '60',
      resemblance: '70',
      expand_prompt: 'true',
      seed: '7',
    })
    expect(answer.metadata).toMatchObject({
      model,
      executed_model: 'fal/fal-ai/ideogram/upscale',
      provider: 'lumenfall',
      cost: PRICE.dollars,
      cached: false,
    })
  })

  test('is called once for many requests at once, and one of them bears the cost', async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, () => edit(server.client, { image, model })))
    expect(gateway.charges).toHaveLength(1)
    const costs = answers.map(({ metadata }) => metadata.cost as number)
    expect(costs.filter(cost => cost > 0)).toEqual([PRICE.dollars])
  })

  test('is not called again for the same pixels in another file', async () => {
    const webp = await sharp(await picture())
      .webp({ lossless: true })
      .toBuffer()
    await edit(server.client, { image, model })
    const again = await edit(server.client, {
      image: await toFile(webp, 'b.webp'),
      model,
      output_format: 'png',
      n: 4,
    })
    expect(gateway.charges).toHaveLength(1)
    expect(again.metadata).toMatchObject({ cost: 0, cached: true })
  })

  test('is estimated without being called, with everything checked', async () => {
    const answer = await edit(server.client, { image, model, n: 2 }, { dryRun: 'true' })
    expect(answer).toEqual({
      estimated: true,
      model,
      provider: 'lumenfall',
      total_cost_micros: PRICE.micros,
      currency: 'USD',
      components: [
        {
          type: 'output',
          metric: 'image',
          quantity: 2,
          billable_quantity: 1,
          unit_price: PRICE.dollars,
          total_cost: PRICE.micros,
        },
      ],
    })
    await expect(edit(server.client, { image, model, detail: 101 }, { dryRun: 'true' })).rejects.toThrow(
      /detail/,
    )
    await expect(edit(server.client, { image, model }, { dryrun: 'true' })).rejects.toThrow(
      /did you mean "dryRun"/,
    )
    await expect(edit(server.client, { image, model }, { dryRun: '1' })).rejects.toThrow(/true or false/)
    expect(gateway.requests).toHaveLength(0)
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

describe('errors', () => {
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
    ['streaming', { stream: 'true' }, OpenAI.BadRequestError, 'INVALID_REQUEST', /stream/],
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
          output_format: { enum: ['png', 'jpeg', 'webp', 'avif', 'gif'] },
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

describe('other clients', () => {
  test('the curl commands of the README work as they stand', async () => {
    const readme = await readFile(new URL('../packages/server/README.md', import.meta.url), 'utf8')
    const commands = [...readme.matchAll(/```sh\n(curl [\s\S]*?)```/g)].map(match => match[1]!)
    expect(commands.length).toBeGreaterThan(1)
    await writeFile(join(server.root, 'image.png'), await picture())
    for (const command of commands) {
      const env = { ...process.env, LUMENFALL_BASE_URL: server.url, LUMENFALL_API_KEY: KEY }
      const options = { cwd: server.root, env }
      const { stdout } = await promisify(execFile)('sh', ['-c', command.replace('curl', 'curl -sS')], options)
      const answer = JSON.parse(stdout)
      if (answer.estimated !== true)
        expect(await look(answer)).toEqual({ width: 48, height: 32, format: 'png' })
    }
  })

  test('a form as Python sends it works: fields first, then image[] as octets', async () => {
    const boundary = 'b37cd0f5c0d94d0aa5e2c2b6a1e2f3d4'
    const field = (name: string, value: string): string =>
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
    const body = Buffer.concat([
      Buffer.from(field('model', 'plain') + field('prompt', '') + field('scale_factor', '2.0')),
      Buffer.from(field('sync_mode', 'True') + field('response_format', 'b64_json')),
      Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="image[]"; filename="upload"\r\n`),
      Buffer.from('Content-Type: application/octet-stream\r\n\r\n'),
      await picture(),
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ])
    const answer = await post(server, body, { 'content-type': `multipart/form-data; boundary=${boundary}` })
    expect(await look(answer.body as never)).toEqual({ width: 48, height: 32, format: 'png' })
  })

  test.each(['b64_json', 'url'] as const)(
    'the lumenfall() engine of this project works, by %s',
    async responseFormat => {
      const project = await start()
      await writeFile(join(project.root, 'hero.png'), await picture())
      const engine = lumenfall({ baseURL: server.url, apiKey: KEY, responseFormat, detail: 60 })
      const upscaler = createUpscaler({ engine }, { root: project.root, env: {} })
      const { file, width } = await upscaler.upscale('hero.png')
      await upscaler.close()
      expect({ width, real: (await sharp(file).metadata()).width }).toEqual({ width: 48, real: 48 })
      expect(gateway.charges).toHaveLength(1)
    },
  )
})

test('no key and no address of a result was ever logged', () => {
  expect(said.length).toBeGreaterThan(50)
  const log = said.join('\n')
  for (const secret of [KEY, SERVICE_KEY, '.png', 'http://']) expect(log).not.toContain(secret)
})
