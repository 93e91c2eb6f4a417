import { execFile } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import OpenAI, { toFile } from 'openai'
import sharp from 'sharp'
import { createUpscaler, type FileEngine, lumenfall } from 'upscale-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Gateway, startGateway } from '../services/gateway/index.ts'
import { closeAll, edit, hold, KEY, look, picture, post, type Running, said, start } from './setup.ts'

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

  test('streams one event, the finished picture', async () => {
    const stream = await server.client.images.edit({ image, prompt: '', model: 'plain', stream: true })
    const events: OpenAI.ImageEditStreamEvent[] = []
    for await (const event of stream) events.push(event)
    expect(events.map(({ type }) => type)).toEqual(['image_edit.completed'])
    const { b64_json = '' } = events[0] ?? {}
    const { width, height } = await sharp(Buffer.from(b64_json, 'base64')).metadata()
    expect({ width, height }).toEqual({ width: 48, height: 32 })
  })

  test('may leave the model out where there is one, and is told to name it where there are more', async () => {
    const params = { image, prompt: '', response_format: 'b64_json' } as const
    const alone = await start({ models: { plain: 'resize' } })
    const answer = await alone.client.images.edit(params)
    expect(await look(answer as never)).toMatchObject({ width: 48, height: 32 })
    const refused = server.client.images.edit(params)
    await expect(refused).rejects.toMatchObject({
      status: 400,
      message: expect.stringMatching(/model.*plain/),
    })
  })

  test('is told that a mask is not available', async () => {
    const mask = await toFile(await picture(), 'mask.png', { type: 'image/png' })
    const refused = server.client.images.edit({ image, mask, prompt: '', model: 'plain' })
    await expect(refused).rejects.toMatchObject({
      status: 400,
      message: expect.stringMatching(/mask.*whole/),
    })
  })

  test('keeps the format of the image and the default factor where it asks for nothing', async () => {
    const jpeg = await toFile(await picture(0, 'jpeg'), 'a.jpg', { type: 'image/jpeg' })
    const answer = await edit(server.client, { image: jpeg, scale_factor: undefined })
    expect(await look(answer)).toEqual({ width: 48, height: 32, format: 'jpeg' })
  })
})

test('the embedded engine works offline, and is what a server offers by itself', async () => {
  const bare = await start({ models: undefined })
  const answer = await edit(bare.client, { image, model: 'local' })
  expect(answer.metadata).toMatchObject({ provider: 'local', cost: 0 })
  expect(await look(answer)).toEqual({ width: 48, height: 32, format: 'png' })
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

  test('is paid for once although the client that asked first hangs up', async () => {
    const { arrived, release } = hold(gateway)
    const gone = new AbortController()
    const first = server.client.images.edit({ image, model, prompt: '' }, { signal: gone.signal })
    await arrived
    gone.abort()
    await expect(first).rejects.toBeInstanceOf(OpenAI.APIUserAbortError)
    const second = edit(server.client, { image, model })
    release()
    expect((await second).metadata).toMatchObject({ cost: 0 })
    expect(gateway.charges).toHaveLength(1)
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

describe('other clients', () => {
  test('the curl commands of the README work as they stand', async () => {
    const readme = await readFile(new URL('../../packages/server/README.md', import.meta.url), 'utf8')
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
