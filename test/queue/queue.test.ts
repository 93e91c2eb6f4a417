import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import sharp from 'sharp'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { makeProject, type Project, type Running } from '../cli/command.ts'
import { startFaultyStore } from '../remote/faulty-store.ts'
import { type Gateway, inTurn, startGateway } from '../services/gateway/index.ts'
import { lacks, type RunningServer, startRedis } from '../support/servers.ts'

const PASSWORD = 'hunter2-c0ffee'
const KEY = 'lmnfl_canary.c0ffee0ddba11'

/** Counts its calls in a file that the test reads, and works for a while. */
const CONFIG = `
import { appendFileSync } from 'node:fs'
const engine = {
  id: 'slow', model: 'nearest', revision: '1', exchange: 'pixels', billing: 'free', priceMicros: 0,
  scaleFor: () => 2,
  checkParams: () => ({}),
  async upscale({ image: { data, width, height, channels } }) {
    appendFileSync(process.env.CALLS_FILE, process.pid + ' ' + data.slice(0, 12).join('.') + '\\n')
    await new Promise(resolve => setTimeout(resolve, Number(process.env.WORK_MS ?? 50)))
    const large = new Uint8Array(width * height * 4 * channels)
    for (let at = 0; at < large.length; at++) {
      const pixel = Math.floor(at / channels)
      const x = Math.floor((pixel % (width * 2)) / 2)
      const y = Math.floor(pixel / (width * 2) / 2)
      large[at] = data[(y * width + x) * channels + (at % channels)]
    }
    return { data: large, width: width * 2, height: height * 2, channels }
  },
}
export default { engines: { slow: engine } }
`

describe.skipIf(lacks('redis-server'))('a queue', () => {
  let redis: RunningServer
  let gateway: Gateway
  let name = 0
  beforeAll(async () => {
    redis = await startRedis(PASSWORD, ['databases 64'])
    gateway = await startGateway({ key: KEY, workMs: 400 })
  })
  afterAll(async () => {
    await redis?.close()
    await gateway?.close()
  })
  beforeEach(() => {
    gateway.reset()
    name++
  })

  /** A machine with a folder of its own. */
  async function boot(): Promise<Project> {
    const project = await makeProject()
    onTestFinished(() => project.remove())
    await project.write('upscale.config.mjs', CONFIG)
    return project
  }

  /** A database of its own for each test, so that none finds the answers of another. */
  const address = (): string => `${redis.url.replace('//', `//:${PASSWORD}@`)}/${name}`
  const queueArgs = (): string[] => ['--name', `test-${name}`, '--dead-after', '2']

  function env(first: Project, more: Record<string, string> = {}): { env: Record<string, string> } {
    const calls = { CALLS_FILE: first.path('calls'), UPSCALE_QUEUE: address() }
    return { env: { ...calls, LUMENFALL_API_KEY: KEY, LUMENFALL_BASE_URL: gateway.url, ...more } }
  }

  const work = (
    machine: Project,
    first: Project,
    args: string[],
    more: Record<string, string> = {},
  ): Running => machine.start(['work', ...queueArgs(), ...args], env(first, more))

  const enqueue = (machine: Project, args: string[], more: Record<string, string> = {}) =>
    machine.run(['enqueue', 'in', '--name', `test-${name}`, ...args], env(machine, more))

  /** A worker that dies at its first purchase. */
  const dyingAt = (moment: string): Record<string, string> => ({
    DIE_AT: moment,
    NODE_OPTIONS: `--import ${new URL('../remote/die-at.mjs', import.meta.url)}`,
  })

  async function callsOf(first: Project): Promise<string[]> {
    const text = await readFile(first.path('calls'), 'utf8').catch(() => '')
    return text.split('\n').filter(line => line !== '')
  }

  test('gives 40 pictures to two workers, each picture once, and the files come back', async () => {
    const [first, one, two] = [await boot(), await boot(), await boot()]
    await drawAll(first, 40)
    const workers = [work(one, first, []), work(two, first, [])]
    const { code, stdout } = await enqueue(first, ['--engine', 'slow', '--wait', '--out', 'out'])
    for (const { child } of workers) child.kill('SIGTERM')
    expect(stdout).toContain('40 from the remote cache')
    expect(code).toBe(0)
    const calls = await callsOf(first)
    expect(new Set(calls.map(line => line.split(' ')[1])).size).toBe(40)
    expect(calls).toHaveLength(40)
    expect(new Set(calls.map(line => line.split(' ')[0])).size).toBe(2)
    await expectFiles(first, 40)
    for (const { end } of workers) expect((await end).code).toBe(130)
  })

  test('takes a picture once, however often and under whatever name it is handed over', async () => {
    const [first, other, worker] = [await boot(), await boot(), await boot()]
    await drawAll(first, 2)
    await drawAll(other, 2)
    await first.write('in/copy.png', await readFile(first.path('in/0.png')))
    expect((await enqueue(first, ['--engine', 'slow'])).stdout).toContain('2 queued, 1 queued before')
    expect((await enqueue(other, ['--engine', 'slow', '--format', 'webp'])).stdout).toContain(
      '0 queued, 2 queued before',
    )
    const { stdout } = await work(worker, first, ['--drain']).end
    expect(stdout).toContain('2 pictures done')
    expect(await callsOf(first)).toHaveLength(2)
    expect((await enqueue(first, ['--engine', 'slow'])).stdout).toContain('0 queued, 3 in a cache already')
  })

  test('survives the death of a worker: what it was at is done by another', async () => {
    const [first, one, two] = [await boot(), await boot(), await boot()]
    await drawAll(first, 40)
    const doomed = work(one, first, ['--jobs', '2'], { WORK_MS: '60000' })
    const waiting = enqueue(first, ['--engine', 'slow', '--wait', '--out', 'out'])
    await until(async () => (await callsOf(first)).length >= 2)
    doomed.child.kill('SIGKILL')
    const survivor = work(two, first, ['--drain'])
    const { code } = await waiting
    expect(code).toBe(0)
    expect((await survivor.end).stdout).toContain('40 pictures done')
    // The two that the dead one was at were begun twice, no other.
    expect(await callsOf(first)).toHaveLength(42)
    await expectFiles(first, 40)
  })

  test('never pays a second time for what a dead worker may have bought: it is reported, the others are done', async () => {
    const [first, one, two] = [await boot(), await boot(), await boot()]
    await drawAll(first, 8)
    const paid = ['--engine', 'lumenfall', '--budget', '5']
    const doomed = work(one, first, ['--jobs', '2', '--budget', '5'])
    const waiting = enqueue(first, [...paid, '--wait', '--out', 'out'])
    await until(async () => gateway.orders.length >= 2)
    doomed.child.kill('SIGKILL')
    const survivor = work(two, first, ['--drain', '--budget', '5'])
    const { code, stdout, stderr } = await waiting
    await survivor.end
    expect(code).toBe(1)
    const doubts = stderr.split('\n').filter(line => line.includes('[CALL_UNCERTAIN]')).length
    expect(doubts).toBeGreaterThanOrEqual(1)
    expect(doubts).toBeLessThanOrEqual(2)
    expect(stdout).toContain(`${8 - doubts} from the remote cache, ${doubts} failed`)
    expect(await readdir(first.path('out'))).toHaveLength(8 - doubts)
    expectNoSecondOrder(gateway)

    // Asked again, they are still in doubt, and nothing is sent.
    const orders = gateway.orders.length
    const again = await enqueue(first, paid)
    expect(again.stdout).toContain(`${8 - doubts} in a cache already, ${doubts} failed`)
    expect(gateway.orders).toHaveLength(orders)

    // A person's word has them made.
    expect((await enqueue(first, [...paid, '--retry'])).stdout).toContain(`${doubts} queued`)
    await work(two, first, ['--drain', '--budget', '5']).end
    expect(gateway.orders).toHaveLength(orders + doubts)
    const last = await enqueue(first, [...paid, '--wait', '--out', 'out'])
    expect(last.code).toBe(0)
    expect(await readdir(first.path('out'))).toHaveLength(8)
  })

  test('keeps what a worker noted of its call, whatever one does that lost the job to it', async () => {
    const redis = new Redis(address())
    onTestFinished(() => redis.disconnect())
    const noted = { attempt: 7, at: '2026-01-01T00:00:00.000Z' }
    const job = async (): Promise<string> =>
      (await redis.keys('*')).find(key => /:[0-9a-f]{64}$/.test(key)) ?? expect.fail('no job')
    let isWorking = false
    let isTaken = false
    const store = await startFaultyStore(async ({ method, url }) => {
      // Right before the call the worker looks whether its picture is still there. By then another has the job.
      if (isWorking && !isTaken && method === 'HEAD' && url?.includes('/inputs/')) {
        isTaken = true
        const key = await job()
        const data = JSON.parse((await redis.hget(key, 'data')) ?? '{}')
        await redis.hset(key, 'data', JSON.stringify({ ...data, call: noted }))
        await redis.set(`${key}:lock`, 'the other')
      }
      return true
    })
    onTestFinished(() => store.close())
    const [first, slow] = [await boot(), await boot()]
    await drawAll(first, 1)
    const shared = { UPSCALE_REMOTE_CACHE: store.url }
    await enqueue(first, ['--engine', 'lumenfall', '--budget', '1'], shared)
    isWorking = true
    const worker = work(slow, first, ['--budget', '1'], shared)
    await until(async () => isTaken)
    await sleep(500)
    worker.child.kill('SIGTERM')
    await worker.end
    expect(JSON.parse((await redis.hget(await job(), 'data')) ?? '{}')).toMatchObject({ call: noted })
    expect(gateway.orders).toEqual([])
  })

  test('delivers all, each bought once, when the shared store is away for a while', async () => {
    const store = await startFaultyStore()
    onTestFinished(() => store.close())
    const [first, one, two] = [await boot(), await boot(), await boot()]
    await drawAll(first, 12)
    const shared = { UPSCALE_REMOTE_CACHE: store.url }
    const paid = ['--engine', 'lumenfall', '--budget', '5']
    const workers = [one, two].map(machine => work(machine, first, ['--jobs', '2', '--budget', '5'], shared))
    const waiting = enqueue(first, [...paid, '--wait', '--out', 'out'], shared)
    await until(async () => gateway.orders.length >= 3)
    store.fault = { kind: 'status', status: 500 }
    await sleep(8000)
    // Those that were under way, and no more: two workers, two at a time, and those before.
    const during = gateway.orders.length
    // Each worker says in its jobs that it has what was bought.
    const names = workers.map(({ child }) => `${hostname()}-${child.pid}`)
    expect(new Set(await keepers())).toEqual(new Set(names))
    store.fault = { kind: 'honest' }
    const { code, stdout } = await waiting
    for (const { child } of workers) child.kill('SIGTERM')
    for (const { end } of workers) await end
    expect(stdout).toContain('12 from the remote cache')
    expect(code).toBe(0)
    expect(during).toBeLessThan(12)
    expect(gateway.orders).toHaveLength(12)
    expectNoSecondOrder(gateway)
  })

  test('says who keeps an answer that was bought and not stored, when that worker is gone', async () => {
    const store = await startFaultyStore()
    onTestFinished(() => store.close())
    const [first, one, two] = [await boot(), await boot(), await boot()]
    await drawAll(first, 1)
    const shared = { UPSCALE_REMOTE_CACHE: store.url }
    const doomed = work(one, first, ['--budget', '5'], shared)
    const paid = ['--engine', 'lumenfall', '--budget', '5']
    const waiting = enqueue(first, [...paid, '--wait', '--out', 'out'], shared)
    await until(async () => gateway.orders.length === 1)
    store.fault = { kind: 'status', status: 500 }
    const keeper = `${hostname()}-${doomed.child.pid}`
    await until(async () => (await keepers()).includes(keeper))
    doomed.child.kill('SIGKILL')
    await doomed.end
    store.fault = { kind: 'honest' }
    const heir = work(two, first, ['--budget', '5'], shared)
    const { code, stderr } = await waiting
    heir.child.kill('SIGTERM')
    await heir.end
    expect(code).toBe(1)
    expect(stderr).toContain(`it was bought, and is kept on ${keeper}`)
    expect(gateway.orders).toHaveLength(1)
  })

  test.each(['response', 'received', 'answers'])(
    'hands on what a worker had paid for that died with it at "%s", once one is started there again',
    async moment => {
      const [first, one, two] = [await boot(), await boot(), await boot()]
      await drawAll(first, 1)
      const paid = ['--engine', 'lumenfall', '--budget', '5']
      await enqueue(first, paid)
      const dead = work(one, first, ['--budget', '5'], dyingAt(moment))
      expect((await dead.end).signal).toBe('SIGKILL')
      // Another worker gets the job, and knows no more than that it may have been paid for.
      const { stderr } = await work(two, first, ['--drain', '--budget', '5']).end
      expect(stderr).toContain('[CALL_UNCERTAIN]')
      // Where it may lie is told, and asking without a word brings no second order.
      const caller = `${hostname()}-${dead.child.pid}`
      expect(stderr).toContain(`the worker ${caller} made it`)
      expect((await enqueue(first, paid)).stderr).toContain(`the worker ${caller} made it`)
      // There is no job for it.
      const again = await work(one, first, ['--drain', '--budget', '5']).end
      expect(again.stderr).toContain('stored 1 answer that an earlier run had bought')
      const { code, stdout } = await enqueue(first, [...paid, '--retry', '--wait', '--out', 'out'])
      expect([code, stdout]).toEqual([0, expect.stringContaining('1 from the remote cache')])
      expect(gateway.orders).toHaveLength(1)
    },
  )

  test('never costs more than the budget of a machine whose workers are killed and started again, and no answer is lost', async () => {
    const [first, one] = [await boot(), await boot()]
    await drawAll(first, 30)
    const paid = ['--engine', 'lumenfall', '--budget', '5']
    const args = ['--drain', '--jobs', '2', '--budget', '0.6']
    await enqueue(first, paid)
    const killed = async (afterOrders: number): Promise<void> => {
      for (let turn = 1; turn <= 2; turn++) {
        const { child, end } = work(one, first, args)
        const orders = gateway.orders.length
        await Promise.race([end, until(async () => gateway.orders.length >= orders + afterOrders)])
        child.kill('SIGKILL')
        await end
      }
      await work(one, first, args).end
    }
    await Promise.all([killed(1), killed(2), work(one, first, args).end])
    // A call that was under way when its worker was killed counts as well.
    expect(gateway.orders.length).toBeGreaterThan(4)
    expect(gateway.orders.length).toBeLessThanOrEqual(10)
    expectNoSecondOrder(gateway)
    // Somebody who may spend as much as it takes makes the others; those in doubt wait for a word.
    const other = await boot()
    await work(other, first, ['--drain', '--budget', '5']).end
    const { stdout, stderr } = await enqueue(first, [...paid, '--wait', '--out', 'out'])
    const doubts = stderr.split('\n').filter(line => line.includes('[CALL_UNCERTAIN]')).length
    expect(stdout).toContain(`${30 - doubts} from the remote cache`)
    // Two at a time were killed, twice each.
    expect(doubts).toBeLessThanOrEqual(8)
    expectNoSecondOrder(gateway)
  })

  test('takes a word for one call: the next doubt about the same picture needs another', async () => {
    const [first, one, two, three] = [await boot(), await boot(), await boot(), await boot()]
    await drawAll(first, 1)
    const paid = ['--engine', 'lumenfall', '--budget', '5']
    const dies = dyingAt('response')
    await enqueue(first, paid)
    await work(one, first, ['--budget', '5'], dies).end
    await work(two, first, ['--drain', '--budget', '5']).end
    expect((await enqueue(first, [...paid, '--retry'])).stdout).toContain('1 queued')
    await work(three, first, ['--budget', '5'], dies).end
    expect(gateway.orders).toHaveLength(2)
    const { stderr } = await work(two, first, ['--drain', '--budget', '5']).end
    expect(stderr).toContain('[CALL_UNCERTAIN]')
    expect((await enqueue(first, paid)).stdout).toContain('1 failed')
    expect(gateway.orders).toHaveLength(2)
  })

  test('keeps a word until the call that it allows: one that was refused for free does not use it up', async () => {
    const [first, one, two] = [await boot(), await boot(), await boot()]
    await drawAll(first, 1)
    const paid = ['--engine', 'lumenfall', '--budget', '5']
    await enqueue(first, paid)
    await work(one, first, ['--budget', '5'], dyingAt('response')).end
    await work(two, first, ['--drain', '--budget', '5']).end
    await enqueue(first, [...paid, '--retry'])
    // As often as one attempt at the job asks.
    const no = Array<'rate-limited'>(4).fill('rate-limited')
    gateway.respondWith(inTurn(...no, 'ok'))
    const { stdout } = await work(two, first, ['--drain', '--budget', '5']).end
    expect(stdout).toContain('1 picture done')
  })

  test('does not lose a worker that was frozen before a call: it makes none while its job may be that of another', async () => {
    const redis = new Redis(address())
    onTestFinished(() => redis.disconnect())
    const [first, one] = [await boot(), await boot()]
    await drawAll(first, 1)
    let worker: Running | undefined
    let isFrozen = false
    const store = await startFaultyStore(async ({ method, url }) => {
      // Right before the call the worker looks whether its picture is still there.
      if (worker !== undefined && !isFrozen && method === 'HEAD' && url?.includes('/inputs/')) {
        isFrozen = true
        worker.child.kill('SIGSTOP')
        await until(async () => (await redis.keys('*:lock')).length === 0)
        worker.child.kill('SIGCONT')
      }
      return true
    })
    onTestFinished(() => store.close())
    const shared = { UPSCALE_REMOTE_CACHE: store.url }
    await enqueue(first, ['--engine', 'lumenfall', '--budget', '1'], shared)
    worker = work(one, first, ['--drain', '--budget', '1'], shared)
    const { code, stdout, stderr } = await worker.end
    expect([code, isFrozen]).toEqual([0, true])
    expect(stderr).toContain('was silent for so long')
    expect(stdout).toContain('1 picture done')
    expect(gateway.orders).toHaveLength(1)
  })

  test('finds that a picture was made, when its worker died before it could say so', async () => {
    const [first, one, two] = [await boot(), await boot(), await boot()]
    await drawAll(first, 1)
    await drawAll(one, 1)
    expect((await enqueue(first, ['--engine', 'slow'])).stdout).toContain('1 queued')
    // What the dead one did last: the answer is stored, and the picture has served.
    const remote = { UPSCALE_REMOTE_CACHE: address() }
    await one.run(['run', 'in', '--out', 'out', '--engine', 'slow'], env(first, remote))
    const client = new Redis(address())
    expect(await client.del(await client.keys('upscale:v1:inputs:*'))).toBe(1)
    client.disconnect()
    const { code, stdout, stderr } = await work(two, first, ['--drain']).end
    expect([code, stdout]).toEqual([0, expect.stringContaining('1 picture done')])
    expect(stderr).not.toContain('SOURCE_NOT_FOUND')
    expect(await callsOf(first)).toHaveLength(1)
  })

  test('whose store forgets answers says so, and does not speak of a budget', async () => {
    const store = await startFaultyStore()
    onTestFinished(() => store.close())
    const keep = store.values.set.bind(store.values)
    store.values.set = (path, value) => (path.includes('answers') ? store.values : keep(path, value))
    const [first, one] = [await boot(), await boot()]
    await drawAll(first, 1)
    const shared = { UPSCALE_REMOTE_CACHE: store.url }
    const worker = work(one, first, ['--budget', '5'], shared)
    const paid = ['--engine', 'lumenfall', '--budget', '5']
    const { code, stderr } = await enqueue(first, [...paid, '--wait', '--out', 'out'], shared)
    worker.child.kill('SIGTERM')
    await worker.end
    expect(code).toBe(1)
    expect(stderr).toMatch(/its answer was made, and the remote cache .* no longer has it/)
    expect(stderr).not.toContain('BUDGET_EXCEEDED')
    expect(gateway.orders).toHaveLength(1)
  })

  /** Which workers say in their jobs that they have the answer. */
  async function keepers(): Promise<string[]> {
    const client = new Redis(address())
    try {
      const keys = await client.keys(`bull:test-${name}:${'?'.repeat(64)}`)
      const jobs = await Promise.all(keys.map(key => client.hget(key, 'data')))
      return jobs.flatMap(data => JSON.parse(data ?? '{}').kept ?? [])
    } finally {
      client.disconnect()
    }
  }

  test('is paid for by the workers alone, within what the queue may cost and what each may spend', async () => {
    const [first, worker] = [await boot(), await boot()]
    await drawAll(first, 3)
    const paid = ['--engine', 'lumenfall']
    const refused = await enqueue(first, [...paid, '--budget', '0.1'])
    expect(refused.code).toBe(3)
    expect(refused.stderr).toContain('3 pictures would cost US$0.18')
    expect((await enqueue(first, paid, { CI: '1' })).stderr).toContain('[FROZEN_MISS]')
    await enqueue(first, [...paid, '--budget', '1'])
    const poor = await work(worker, first, ['--drain', '--jobs', '1', '--budget', '0.07']).end
    expect(poor.code).toBe(3)
    expect(poor.stderr).toContain('[BUDGET_EXCEEDED]')
    expect(gateway.orders).toHaveLength(1)
    const rich = await work(worker, first, ['--drain', '--budget', '1']).end
    expect(rich.code).toBe(0)
    expect(rich.stdout).toContain('2 pictures done, US$0.12 spent')
    expect(gateway.orders).toHaveLength(3)
    expectNoSecondOrder(gateway)
  })

  test('keeps what a worker that is told to stop did not begin; what it is at is finished', async () => {
    const [first, worker] = [await boot(), await boot()]
    await drawAll(first, 6)
    await enqueue(first, ['--engine', 'slow'])
    const running = work(worker, first, ['--jobs', '1'], { WORK_MS: '1500' })
    await until(async () => (await callsOf(first)).length === 1)
    running.child.kill('SIGTERM')
    const { code, stdout } = await running.end
    expect(code).toBe(130)
    expect(stdout).toContain('1 picture done')
    expect(await callsOf(first)).toHaveLength(1)
    const state = JSON.parse(
      (await first.run(['queue', '--json', '--name', `test-${name}`], env(first))).stdout,
    )
    expect(state).toMatchObject({ waiting: 5, active: 0, failed: 0 })
  })

  test('reports pictures that can not be made, and does not ask for them again by itself', async () => {
    const [first, worker] = [await boot(), await boot()]
    await drawAll(first, 2)
    await first.write('in/broken.png', 'no picture')
    gateway.respondWith('moderated')
    await enqueue(first, ['--engine', 'lumenfall', '--budget', '1'])
    await work(worker, first, ['--drain', '--budget', '1']).end
    expect(gateway.orders).toHaveLength(2)
    const { code, stdout, stderr } = await enqueue(first, ['--engine', 'lumenfall', '--wait', '--out', 'out'])
    expect(code).toBe(1)
    expect(stdout).toContain('3 failed')
    expect(stderr.match(/\[API_MODERATED\]/g)).toHaveLength(2)
    expect(stderr).toMatch(/broken\.png[\s\S]*\[SOURCE_/)
    const listed = await first.run(['queue', '--name', `test-${name}`], env(first))
    expect(listed.code).toBe(1)
    expect(listed.stdout).toContain('2 failed; 0 workers')
    expect(gateway.orders).toHaveLength(2)
  })

  test('refuses a worker whose engine is another one, before it is paid', async () => {
    const [first, worker] = [await boot(), await boot()]
    await drawAll(first, 1)
    await worker.write('upscale.config.mjs', CONFIG.replace("revision: '1'", "revision: '2'"))
    await enqueue(first, ['--engine', 'slow'])
    expect((await work(worker, first, ['--drain']).end).stderr).toContain('is not the one that was asked for')
    expect(await callsOf(first)).toHaveLength(0)
  })

  test('that is not there, or refuses the password, is an error without the password', async () => {
    const first = await boot()
    await drawAll(first, 1)
    const secret = `${PASSWORD}-wrong`
    const nobody = `redis://:${secret}@127.0.0.1:9`
    const wrong = redis.url.replace('//', `//:${secret}@`)
    const commands: [string, string[]][] = [
      [nobody, ['enqueue', 'in', '--engine', 'slow']],
      [wrong, ['work']],
      [wrong, ['queue']],
    ]
    for (const [UPSCALE_QUEUE, command] of commands) {
      const { code, stdout, stderr } = await first.run(command, env(first, { UPSCALE_QUEUE }))
      expect(code).toBe(1)
      expect(stderr).toContain('[API_UNREACHABLE]')
      expect(`${stdout}${stderr}`).not.toContain(secret)
    }
    const { stderr } = await first.run(['work', '--queue', `http://${secret}@host`], env(first))
    expect(stderr).toContain('[BAD_OPTION]')
    expect(stderr).not.toContain(secret)
  })

  test('and its store are looked at by the doctor, who tells no password', async () => {
    const first = await boot()
    const good = await first.run(['doctor', '--json'], env(first, { UPSCALE_REMOTE_CACHE: address() }))
    const remote = JSON.parse(good.stdout).checks.find(
      (check: { name: string }) => check.name === 'remote cache',
    )
    expect(remote).toMatchObject({ state: 'ok', text: expect.stringContaining('can be read and written') })
    const UPSCALE_REMOTE_CACHE = redis.url.replace('//', `//:${PASSWORD}-wrong@`)
    const bad = await first.run(['doctor'], env(first, { UPSCALE_REMOTE_CACHE }))
    expect(bad.code).toBe(1)
    expect(bad.stdout).toContain('WRONGPASS')
    expect(`${good.stdout}${bad.stdout}${bad.stderr}`).not.toContain(PASSWORD)
  })

  async function expectFiles(machine: Project, number: number): Promise<void> {
    const names = await readdir(machine.path('out'))
    expect(names.sort()).toEqual(Array.from({ length: number }, (_, at) => `${at}.png`).sort())
    for (const file of names) {
      const { width, height } = await sharp(machine.path(`out/${file}`)).metadata()
      expect([width, height]).toEqual([48, 32])
    }
  }
})

/** Every picture that was sent was sent once. */
function expectNoSecondOrder({ orders }: Gateway): void {
  const sent = orders.map(({ image }) =>
    createHash('sha256')
      .update(image?.bytes ?? '')
      .digest('hex'),
  )
  expect(new Set(sent).size).toBe(sent.length)
}

async function drawAll(project: Project, number: number): Promise<void> {
  for (let at = 0; at < number; at++) {
    const data = Uint8Array.from({ length: 24 * 16 * 3 }, (_, sample) => {
      const x = Math.floor(sample / 3) % 24
      const y = Math.floor(sample / 72)
      return (x * 7 + y * 5 + at * 5 + (sample % 3) * 3) % 256
    })
    const raw = { width: 24, height: 16, channels: 3 as const }
    await project.write(`in/${at}.png`, await sharp(data, { raw }).png().toBuffer())
  }
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 600; turn++) {
    if (await isSo()) return
    await sleep(50)
  }
  throw new Error('it did not happen within half a minute')
}
