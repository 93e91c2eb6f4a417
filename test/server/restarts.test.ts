import { readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import OpenAI from 'openai'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeProject, type Project, type Running } from '../cli/command.ts'
import { type Gateway, startGateway } from '../services/gateway/index.ts'
import { freePort } from '../support/servers.ts'
import { edit, hold, KEY, look, picture } from './setup.ts'

// A gateway whose process ends while clients speak to it, and is there again a moment later. The clients are OpenAI's own,
// with the repeats that they make by themselves.

let service: Gateway
let project: Project
let port: number
let server: Running
/** The folder of temporary files of all servers of a test. */
let temporary: string
let image: File

beforeEach(async () => {
  service = await startGateway()
  project = await makeProject()
  temporary = await mkdtemp(join(tmpdir(), 'upscale-restarts-'))
  port = await freePort()
  const core = JSON.stringify(import.meta.resolve('upscale-core').replace('file://', ''))
  await project.write(
    'upscale.config.mjs',
    `import { lumenfall } from ${core}
     export default { engines: { paid: lumenfall({ baseURL: '${service.url}', apiKey: 'lmnfl_a.b' }) }, engine: 'paid', frozen: false }`,
  )
  image = new File([new Uint8Array(await picture())], 'a.png')
  await startServer()
})

afterEach(async () => {
  server.child.kill('SIGKILL')
  await server.end
  await service.close()
  await project.remove()
  await rm(temporary, { recursive: true })
})

async function startServer(): Promise<void> {
  server = project.start(['serve', '--port', String(port)], {
    env: { UPSCALE_SERVER_KEYS: KEY, TMPDIR: temporary },
  })
  while (!(await fetch(`${base()}/models`).catch(() => undefined))) await sleep(20)
}

async function restart(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  server.child.kill(signal)
  await server.end
  await startServer()
}

const base = (): string => `http://127.0.0.1:${port}/openai/v1`

const client = (maxRetries: number): OpenAI => new OpenAI({ baseURL: base(), apiKey: KEY, maxRetries })

const order = (by: OpenAI) => edit(by, { image, model: 'paid', response_format: 'b64_json' })

/** Uploads that lie in the folder of temporary files. */
function uploads(): string[] {
  const names = readdirSync(temporary, { recursive: true, withFileTypes: true })
  return names.filter(entry => entry.isFile()).map(({ name }) => name)
}

/** Sends the first half of an order, and waits until it is on the disk. @returns what came back in the end */
async function sendHalf(): Promise<Promise<string>> {
  const head = '--x\r\ncontent-disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
  const socket = connect(port, '127.0.0.1')
  const lines = ['POST /openai/v1/images/edits HTTP/1.1', 'host: localhost', `authorization: Bearer ${KEY}`]
  lines.push('content-type: multipart/form-data; boundary=x', 'content-length: 500000', '', head)
  socket.write(lines.join('\r\n'))
  socket.write(Buffer.alloc(200_000, 1))
  let text = ''
  const end = new Promise<string>(resolve => {
    socket
      .on('data', data => (text += data))
      .on('error', () => undefined)
      .on('close', () => resolve(text))
  })
  await expect.poll(uploads).toHaveLength(1)
  return end
}

test.each(['SIGTERM', 'SIGKILL'] as const)(
  '%s in the middle of an upload: nothing is ordered, nothing stays, a repeat is served',
  async signal => {
    const half = await sendHalf()
    await restart(signal)
    // Its client sees the line end, or a refusal before that.
    expect(await half).not.toContain('HTTP/1.1 200')
    expect(service.orders).toHaveLength(0)
    expect(await look(await order(client(0)))).toEqual({ width: 48, height: 32, format: 'png' })
    expect(uploads()).toEqual([])
    expect(service.charges).toHaveLength(1)
  },
)

test('SIGTERM in the middle of a call: the client has its picture, and the next one finds it', async () => {
  const { arrived, release } = hold(service)
  const first = order(client(2))
  await arrived
  server.child.kill('SIGTERM')
  await sleep(200)
  release()
  expect(await look(await first)).toEqual({ width: 48, height: 32, format: 'png' })
  expect((await server.end).code).toBe(130)
  await startServer()
  expect((await order(client(0))).metadata).toMatchObject({ cost: 0 })
  expect(service.charges).toHaveLength(1)
})

test('SIGKILL in the middle of a call: the client repeats by itself, and is told of the doubt instead of paying again', async () => {
  const { arrived, release } = hold(service)
  const first = order(client(5)).catch((error: unknown) => error)
  await arrived
  await restart('SIGKILL')
  release()
  const error = await first
  expect(error).toBeInstanceOf(OpenAI.APIError)
  expect(String(error)).toContain('An earlier call for this picture got no answer and may have been charged')
  expect(service.orders).toHaveLength(1)
})

test('SIGKILL when the answer has come: the client repeats by itself, and has it', async () => {
  const { arrived, release } = hold(service)
  const first = order(client(5))
  await arrived
  release()
  const shelves = join(project.root, '.upscale/v1')
  const came = (): boolean =>
    ['received', 'answers'].some(shelf => {
      try {
        return readdirSync(join(shelves, shelf), { recursive: true }).some(name =>
          String(name).endsWith('entry.json'),
        )
      } catch {
        return false
      }
    })
  await expect.poll(came, { interval: 5 }).toBe(true)
  await restart('SIGKILL')
  expect(await look(await first)).toEqual({ width: 48, height: 32, format: 'png' })
  expect(service.charges).toHaveLength(1)
})
