import { readdir } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { makeProject, type Project, type Running } from '../cli/command.ts'
import { type Gateway, startGateway } from '../services/gateway/index.ts'
import { lacks, type RunningServer, startRedis } from '../support/servers.ts'
import { drawAll } from './draw-all.ts'

// A Redis whose memory is used up, and one that forgets what it was told: said, never silent.

const PICTURES = 6
const KEY = 'lmnfl_canary.c0ffee0ddba11'
const PAID = ['--engine', 'lumenfall', '--budget', '5']

describe.skipIf(lacks('redis-server'))('a Redis', () => {
  let redis: RunningServer
  let gateway: Gateway
  let client: Redis

  beforeEach(async () => {
    redis = await startRedis()
    gateway = await startGateway({ key: KEY, workMs: 300 })
    client = new Redis(redis.url)
  })
  afterEach(async () => {
    client.disconnect()
    await gateway.close()
    await redis.close()
  })

  /** Less than it holds: it takes nothing more. */
  const fill = () => client.config('SET', 'maxmemory', '1')
  const enlarge = () => client.config('SET', 'maxmemory', '0')

  async function boot(): Promise<Project> {
    const project = await makeProject()
    onTestFinished(() => project.remove())
    return project
  }

  const start = (machine: Project, args: readonly string[], more: Record<string, string> = {}): Running =>
    machine.start([...args], { env: { LUMENFALL_API_KEY: KEY, LUMENFALL_BASE_URL: gateway.url, ...more } })
  const inQueue = (machine: Project, args: readonly string[]): Running =>
    start(machine, args, { UPSCALE_QUEUE: redis.url })

  test('that is full takes no picture into its queue, and who hands it over is told', async () => {
    const first = await boot()
    await drawAll(first, 2)
    await fill()
    const { code, stderr } = await inQueue(first, ['enqueue', 'in', ...PAID]).end
    expect(code).not.toBe(0)
    expect(stderr).toMatch(/is full: OOM.*\[API_/)
    expect(stderr).toContain('maxmemory')
    await enlarge()
    expect((await inQueue(first, ['enqueue', 'in', ...PAID]).end).stdout).toContain('2 queued')
  })

  test('that fills while a queue is worked on stops purchases, and every picture is delivered once it has room', async () => {
    const [first, one] = [await boot(), await boot()]
    await drawAll(first, PICTURES)
    const worker = inQueue(one, ['work', '--jobs', '2', '--budget', '5'])
    const waiting = inQueue(first, ['enqueue', 'in', ...PAID, '--wait', '--out', 'out'])
    while (gateway.orders.length < 2) await sleep(20)
    await fill()
    await sleep(4000)
    const during = gateway.orders.length
    await enlarge()
    const { code, stdout, stderr } = await waiting.end
    worker.child.kill('SIGTERM')
    const end = await worker.end
    const said = [stdout, stderr, end.stderr].join('\n')
    // Two at a time, and those that had been noted.
    expect(during, said).toBeLessThanOrEqual(4)
    expect(end.stderr).toContain('is full: OOM')
    expect(end.stderr).toContain('kept here until the shared store takes it')
    expect(code, said).toBe(0)
    expect(await readdir(first.path('out')), said).toHaveLength(PICTURES)
    expect(gateway.orders).toHaveLength(PICTURES)
  })

  test('that forgets is called one by whoever hands over and whoever works', async () => {
    const [first, one] = [await boot(), await boot()]
    await drawAll(first, 1)
    await client.config('SET', 'maxmemory-policy', 'allkeys-lru')
    await client.config('SET', 'maxmemory', '100mb')
    const handed = await inQueue(first, ['enqueue', 'in', ...PAID]).end
    const worked = await inQueue(one, ['work', '--drain', '--budget', '5']).end
    for (const { code, stderr } of [handed, worked]) {
      expect(code, stderr).toBe(0)
      expect(stderr).toContain('maxmemory-policy allkeys-lru')
      expect(stderr).not.toContain('IMPORTANT!')
    }
  })

  test('that is full keeps no new answers for others, which is said once, and gives those that it has', async () => {
    const [first, other] = [await boot(), await boot()]
    const remote = { UPSCALE_REMOTE_CACHE: redis.url }
    await drawAll(first, 1)
    await drawAll(other, 4)
    await start(first, ['run', 'in', '--out', 'out', ...PAID], remote).end
    await fill()
    const { code, stdout, stderr } = await start(other, ['run', 'in', '--out', 'out', ...PAID], remote).end
    expect(code, stderr).toBe(0)
    expect(stdout).toContain('1 from the remote cache')
    expect(gateway.orders).toHaveLength(4)
    expect(stderr.match(/holds no claims \(it is full/g)).toHaveLength(1)
    expect(stderr).toContain('3 answers were not stored in the remote cache')
    await enlarge()
    await client.config('SET', 'maxmemory-policy', 'allkeys-lru')
    await client.config('SET', 'maxmemory', '100mb')
    await drawAll(first, 5)
    const evicting = await start(first, ['run', 'in', '--out', 'out', ...PAID], remote).end
    expect(evicting.stderr).toContain('maxmemory-policy allkeys-lru')
  })
})
