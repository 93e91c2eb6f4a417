import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { closeAll, form, KEY, picture, post, type Reply, type Running, start } from './setup.ts'

const BOUNDARY = 'X5a1b'

let temporary: string
let image: Buffer
let server: Running

beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'upscale-server-tmp-'))
  vi.stubEnv('TMPDIR', temporary)
  image = await picture()
  server = await start({ requestsPerMinute: 1_000_000 })
})
afterAll(async () => {
  await closeAll()
  expect(await readdir(temporary)).toEqual([])
  await rm(temporary, { recursive: true })
})

/** One part of a form, byte by byte. */
interface Part {
  readonly name: string
  readonly fileName?: string
  readonly type?: string
  readonly content: Buffer | string
}

function encode(parts: readonly Part[]): Buffer {
  const pieces = parts.flatMap(({ name, fileName, type, content }) => [
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"`,
    fileName === undefined ? '' : `; filename="${fileName}"`,
    type === undefined ? '' : `\r\nContent-Type: ${type}`,
    '\r\n\r\n',
    content,
    '\r\n',
  ])
  return Buffer.concat([...pieces, `--${BOUNDARY}--\r\n`].map(piece => Buffer.from(piece)))
}

function send(body: Buffer): Promise<Reply> {
  return post(server, body, { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` })
}

const model: Part = { name: 'model', content: 'plain' }
const honest = (): Part => ({ name: 'image', fileName: 'a.png', content: image })

describe('names', () => {
  test.each([
    '../../../../etc/passwd',
    '/etc/passwd',
    'C:\\Windows\\system32\\x.png',
    '..',
    'CON',
    'a\0b.png',
    `${'x'.repeat(5000)}.png`,
    'a.svg',
    '\u202e.png',
  ])("of files don't count: %j", async fileName => {
    expect(await send(encode([model, { ...honest(), fileName }]))).toMatchObject({ status: 200 })
    expect(await readdir(join(temporary, (await readdir(temporary))[0] ?? ''))).toEqual([])
  })

  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', ''])(
    'of fields are not trusted: %j',
    async name => {
      const { status, body } = await send(encode([model, { name, content: 'x' }, honest()]))
      expect({ status, code: body.error?.code }).toEqual({ status: 400, code: 'INVALID_REQUEST' })
    },
  )
})

describe('parts', () => {
  test('of any type and order make an image, also without a file name', async () => {
    const bare = { name: 'image', type: 'image/jpeg', content: image }
    expect(await send(encode([bare, model]))).toMatchObject({ status: 200 })
    expect(await send(encode([{ ...bare, type: 'text/plain' }, model]))).toMatchObject({ status: 200 })
  })

  test('that are JSON count if they are plain', async () => {
    const json = (content: string): Part => ({ name: 'scale_factor', type: 'application/json', content })
    expect(await send(encode([model, json('2'), honest()]))).toMatchObject({ status: 200 })
    for (const content of ['{"a":1}', '[2]', '{', 'null', '{"__proto__":{"x":1}}']) {
      expect(await send(encode([model, json(content), honest()]))).toMatchObject({ status: 400 })
    }
  })

  test.each([
    ['two images', [model, honest(), honest()], /one image/],
    ['an image and a list', [model, honest(), { ...honest(), name: 'image[]' }], /one image/],
    ['a mask', [model, { ...honest(), name: 'mask' }], /mask/],
    ['another file', [model, { ...honest(), name: 'file' }], /file part is "image"/],
    ['no image', [model], /image is missing/],
    ['a field twice', [model, model, honest()], /given twice/],
    ['an empty image', [model, { ...honest(), content: '' }], /empty/],
    ['text', [model, { ...honest(), content: 'hello, world' }], /text file/],
    ['a drawing', [model, { ...honest(), content: '<svg xmlns="http://www.w3.org/2000/svg"/>' }], /SVG/],
    ['half a picture', [model, { ...honest(), content: (): Buffer => image.subarray(0, 90) }], /decoded/],
  ])('%s is refused', async (_, parts, message) => {
    const drawn = parts.map(part => {
      const content: unknown = part.content
      return {
        ...part,
        content: typeof content === 'function' ? (content() as Buffer) : part.content,
      } as Part
    })
    const made = drawn.map(part => (part.content === undefined ? { ...part, content: image } : part))
    const { status, body } = await send(encode(made))
    expect({ status, code: body.error?.code }).toEqual({ status: 400, code: 'INVALID_REQUEST' })
    expect(body.error?.message).toMatch(message)
  })
})

describe('bodies', () => {
  test.each([
    ['no boundary', 'multipart/form-data', 'x'],
    ['another boundary', 'multipart/form-data; boundary=Y', 'x'],
    ['nothing', `multipart/form-data; boundary=${BOUNDARY}`, ''],
    [
      'no end',
      `multipart/form-data; boundary=${BOUNDARY}`,
      `--${BOUNDARY}\r\nContent-Disposition: form-data; name="a"`,
    ],
    ['JSON', 'application/json', '{"model":"plain","image_url":"http://169.254.169.254/"}'],
    ['a query', 'application/x-www-form-urlencoded', 'model=plain'],
    ['a strange type', 'x/y; z', 'x'],
  ])('with %s are refused', async (_, type, body) => {
    const answer = await post(server, body, { 'content-type': type })
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(answer.status).toBeLessThan(500)
    expect(answer.body.error?.code).toBe('INVALID_REQUEST')
  })

  test('that break off leave nothing behind and harm nobody', async () => {
    const { port } = new URL(server.url)
    for (let length = 0; length < 400; length += 40) {
      const socket = connect(Number(port), '127.0.0.1')
      socket.write('POST /openai/v1/images/edits HTTP/1.1\r\nHost: x\r\nContent-Length: 10000\r\n')
      socket.write(
        `Authorization: Bearer ${KEY}\r\nContent-Type: multipart/form-data; boundary=${BOUNDARY}\r\n\r\n`,
      )
      await new Promise(resolve => socket.write(encode([model, honest()]).subarray(0, length), resolve))
      socket.destroy()
    }
    expect(await post(server, form(image))).toMatchObject({ status: 200 })
    const isEmpty = async (): Promise<void> => {
      for (const name of await readdir(temporary)) expect(await readdir(join(temporary, name))).toEqual([])
    }
    await vi.waitFor(isEmpty, { timeout: 60_000 })
  })

  test('with bytes changed at random are answered, and never with a 5xx', async () => {
    const whole = encode([
      model,
      { name: 'scale_factor', content: '2' },
      { name: 'n', content: '1' },
      honest(),
    ])
    // A fixed sequence, so that a failure comes again.
    let state = 1
    const random = (below: number): number => {
      state = (state * 48_271) % 2_147_483_647
      return state % below
    }
    for (let round = 0; round < 400; round++) {
      const body = Buffer.from(whole.subarray(0, random(10) === 0 ? random(whole.length) : whole.length))
      for (let change = random(4); change >= 0 && body.length > 0; change--)
        body[random(body.length)] = random(256)
      const { status, body: answer } = await send(body)
      expect(status, JSON.stringify(answer)).toBeLessThan(500)
      if (status !== 200) expect(answer.error?.code).toMatch(/^(INVALID_REQUEST|MODEL_NOT_FOUND)$/)
    }
  })
})
