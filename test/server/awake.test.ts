import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Gateway, startGateway } from '../services/gateway/index.ts'
import { form } from './setup.ts'

/*
 * A server that works on something large answers others meanwhile. What is measured is not time, but how much is handled
 * in one round of the event loop: a megabyte is hashed, copied or parsed in a few milliseconds.
 */

/** What is read and hashed at once, twice, and what a few connections bring. */
const MOST_BYTES = 3 * 1024 * 1024

let root: string
let gateway: Gateway
let server: ChildProcess
let url: string
/** A PNG of 6 MB that is stored rather than compressed. */
let large: Buffer
/** A JPEG of some 7 MB with bytes before a marker and half of its end. */
let brokenJpeg: Buffer

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'upscale-awake-'))
  await mkdir(join(root, '.upscale'))
  await writeFile(join(root, '.upscale', 'manifest.json'), longList(40_000))
  gateway = await startGateway()
  const models = JSON.stringify({ plain: 'resize', paid: gateway.url })
  server = fork(fileURLToPath(new URL('./counted-server.mjs', import.meta.url)), [root, models])
  ;[url] = (await once(server, 'message')) as [string]
  large = await noise(1400)
  const whole = await sharp(await noise(1800))
    .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
    .toBuffer()
  brokenJpeg = Buffer.concat([whole.subarray(0, 20), Buffer.alloc(9), whole.subarray(20, -4000)])
})
afterAll(async () => {
  server.send('end')
  await once(server, 'exit')
  await gateway.close()
  await rm(root, { recursive: true, force: true })
})

function noise(side: number): Promise<Buffer> {
  const raw = { width: side, height: side, channels: 3 } as const
  return sharp(randomBytes(side * side * 3), { raw })
    .png({ compressionLevel: 0 })
    .toBuffer()
}

/** A list of so many paid answers: a quarter of a megabyte for each thousand. */
function longList(lines: number): string {
  const facts = { sha256: 'a'.repeat(64), engine: 'lumenfall', model: 'plain', width: 96, height: 64 }
  const line = JSON.stringify({ ...facts, source: 'photos/a-folder/another-folder/a-picture.png' })
  const keys = Array.from({ length: lines }, (_, at) => at.toString(16).padStart(64, '0'))
  return `{"manifest": 1\n${keys.map(key => `,"${key}": ${line}\n`).join('')}}\n`
}

async function worst(): Promise<{ bytes: number; calls: [string, number][] }> {
  server.send('worst')
  const [seen] = (await once(server, 'message')) as [{ bytes: number; calls: [string, number][] }]
  return seen
}

async function send(body: FormData | string): Promise<{ status: number; length: number }> {
  const headers = typeof body === 'string' ? { 'content-type': 'application/json' } : {}
  const response = await fetch(`${url}/images/edits`, { method: 'POST', headers, body })
  return { status: response.status, length: (await response.arrayBuffer()).byteLength }
}

const inJson = (image: Buffer, fields: object = {}): string =>
  JSON.stringify({
    model: 'plain',
    scale_factor: 1.1,
    ...fields,
    images: [{ image_url: `data:image/png;base64,${image.toString('base64')}` }],
  })

test('a large picture goes through in small steps, made and from the cache, as a form and as JSON', async () => {
  const fields = { scale_factor: '1.1' }
  for (const body of [form(large, fields), form(large, fields), inJson(large)]) {
    expect(await send(body)).toMatchObject({ status: 200 })
    const { bytes, calls } = await worst()
    expect(bytes, JSON.stringify(calls)).toBeLessThan(MOST_BYTES)
  }
  const inline = await send(form(large, { ...fields, response_format: 'b64_json' }))
  expect(inline.length).toBeGreaterThan(6e6)
  const { bytes, calls } = await worst()
  expect(bytes, JSON.stringify(calls)).toBeLessThan(MOST_BYTES)
})

test('a large answer goes through in small steps beside a long list of paid ones, and so when it is asked for again', async () => {
  const image = await noise(800)
  for (const fields of [{ scale_factor: '2' }, { scale_factor: '2' }, { scale_factor: '1.5' }]) {
    expect(await send(form(image, { model: 'paid', ...fields }))).toMatchObject({ status: 200 })
    const { bytes, calls } = await worst()
    expect(bytes, JSON.stringify(calls)).toBeLessThan(MOST_BYTES)
  }
})

test.each([
  ['JSON of brackets', () => '['.repeat(8e6)],
  ['JSON of many names', () => `{${Array.from({ length: 400_000 }, (_, at) => `"k${at}":1`).join()}}`],
  ['JSON with a long text elsewhere', () => inJson(Buffer.alloc(0), { prompt: 'x'.repeat(8e6) })],
  ['text', () => form(Buffer.alloc(8e6, 'hello\r\n'))],
  [
    'a picture that was written as text',
    () => form(Buffer.concat([Buffer.alloc(9), Buffer.alloc(8e6, '\ufffd')])),
  ],
  ['half a picture', () => form(large.subarray(0, 3e6))],
  ['a JPEG that breaks off behind what is put right in it', () => form(brokenJpeg)],
  ['a WebP of empty chunks', () => form(webp(1e6))],
  ['a GIF of blocks of a byte', () => form(gif(8e6))],
])('%s is refused in small steps', async (_, body) => {
  expect(await send(body())).toMatchObject({ status: 400 })
  const { bytes, calls } = await worst()
  expect(bytes, JSON.stringify(calls)).toBeLessThan(MOST_BYTES)
})

function webp(chunks: number): Buffer {
  const file = Buffer.alloc(12 + 8 * chunks, 'ABCD\0\0\0\0')
  file.write('RIFF')
  file.writeUInt32LE(file.length - 8, 4)
  file.write('WEBP', 8)
  for (let at = 12; at < file.length; at += 8) file.write('ABCD\0\0\0\0', at, 'latin1')
  return file
}

function gif(length: number): Buffer {
  const file = Buffer.alloc(length, 1)
  file.write('GIF89a\x40\0\x40\0\0\0\0\x21\xfe', 'latin1')
  return file
}
