import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { makeProject, type Project, type Running } from '../cli/command.ts'
import { type FaultyStore, startFaultyStore } from '../remote/faulty-store.ts'
import { type Gateway, startGateway } from '../services/gateway/index.ts'
import { lacks, type RunningServer, startRedis } from '../support/servers.ts'
import { startWireCutter, type WireCutter } from '../support/wire-cutter.ts'
import { drawAll } from './draw-all.ts'

// What a queue does while what its machines share is away: a Redis that holds jobs, pictures and answers, or one with a
// store over HTTP beside it. Whatever happens, each picture is delivered, and none is ordered twice. A few outages are
// part of every run; OUTAGES=all does them all, with 60 pictures and 3 workers.

const IS_WHOLE = process.env.OUTAGES === 'all'
const PICTURES = IS_WHOLE ? 60 : 12
const WORKERS = 3
const KEY = 'lmnfl_canary.c0ffee0ddba11'

interface Shared {
  readonly redis: RunningServer
  /** Between the machines and Redis. */
  readonly wire: WireCutter
  readonly store: FaultyStore
}

interface Outage {
  readonly name: string
  /** True where answers go to a store of their own. */
  readonly hasStore?: boolean
  readonly seconds: number
  begin(shared: Shared): void | Promise<void>
  end(shared: Shared): void | Promise<void>
}

const nothing = (): void => {}

const KINDS: readonly Omit<Outage, 'seconds'>[] = [
  { name: 'Redis can not be reached', begin: ({ wire }) => wire.cut(), end: ({ wire }) => wire.mend() },
  { name: 'Redis is silent', begin: ({ wire }) => wire.hold(), end: ({ wire }) => wire.mend() },
  { name: 'Redis is frozen', begin: ({ redis }) => redis.freeze(), end: ({ redis }) => redis.thaw() },
  {
    name: 'the store fails',
    hasStore: true,
    begin: ({ store }) => {
      store.fault = { kind: 'status', status: 503 }
    },
    end: ({ store }) => {
      store.fault = { kind: 'honest' }
    },
  },
  {
    name: 'the store is silent',
    hasStore: true,
    begin: ({ store }) => {
      store.fault = { kind: 'hang' }
    },
    end: ({ store }) => {
      store.fault = { kind: 'honest' }
    },
  },
]

const ALL: readonly Outage[] = [
  ...[3, 8, 25].flatMap(seconds => KINDS.map(kind => ({ ...kind, seconds }))),
  { name: 'Redis is restarted', seconds: 0, begin: ({ redis }) => redis.restart('SIGTERM'), end: nothing },
  { name: 'Redis is killed', seconds: 0, begin: ({ redis }) => redis.restart('SIGKILL'), end: nothing },
]

const SOME = ['Redis can not be reached, for 3 s', 'the store is silent, for 3 s', 'Redis is killed, for 0 s']

const OUTAGES = ALL.map(outage => ({ ...outage, title: `${outage.name}, for ${outage.seconds} s` })).filter(
  ({ title }) => IS_WHOLE || SOME.includes(title),
)

describe.skipIf(lacks('redis-server'))('a queue of which', () => {
  let shared: Shared
  let gateway: Gateway

  beforeEach(async () => {
    // What a Redis that is to survive its own end needs.
    const redis = await startRedis(undefined, ['appendonly yes'])
    const wire = await startWireCutter(Number(new URL(redis.url).port))
    shared = { redis, wire, store: await startFaultyStore() }
    gateway = await startGateway({ key: KEY, workMs: 600 })
  })
  afterEach(async () => {
    await gateway.close()
    await shared.wire.close()
    await shared.store.close()
    await shared.redis.close()
  })

  async function boot(): Promise<Project> {
    const project = await makeProject()
    onTestFinished(() => project.remove())
    return project
  }

  function start(machine: Project, args: readonly string[], { hasStore = false }: Outage): Running {
    const env = {
      UPSCALE_QUEUE: `redis://127.0.0.1:${shared.wire.port}`,
      LUMENFALL_API_KEY: KEY,
      LUMENFALL_BASE_URL: gateway.url,
      ...(hasStore ? { UPSCALE_REMOTE_CACHE: shared.store.url } : {}),
    }
    return machine.start([...args, '--budget', '50'], { env })
  }

  test.each(OUTAGES)(
    '$title, delivers every picture and orders none twice',
    async outage => {
      const [first, ...machines] = await Promise.all(Array.from({ length: WORKERS + 1 }, boot))
      if (first === undefined) throw new Error('no machine')
      await drawAll(first, PICTURES)
      const workers = machines.map(machine => start(machine, ['work', '--jobs', '2'], outage))
      const asked = ['enqueue', 'in', '--engine', 'lumenfall', '--wait', '--out', 'out']
      const waiting = start(first, asked, outage)
      while (gateway.orders.length < PICTURES / 4) await sleep(20)
      await outage.begin(shared)
      await sleep(outage.seconds * 1000)
      await outage.end(shared)
      const { code, stdout, stderr } = await waiting.end
      for (const { child } of workers) child.kill('SIGTERM')
      const ends = await Promise.all(workers.map(worker => worker.end))
      const said = [stdout, stderr, ...ends.map(({ stderr }) => stderr)].join('\n')
      const delivered = (await readdir(first.path('out'))).length
      process.stderr.write(
        `${outage.title}: ${delivered} of ${PICTURES} delivered, ${gateway.charges.length} charged, ${PICTURES - sentPictures(gateway).size} never sent, ${gateway.orders.length - sentPictures(gateway).size} sent twice\n`,
      )
      expect(delivered, said).toBe(PICTURES)
      expect(code, said).toBe(0)
      expect(gateway.orders).toHaveLength(PICTURES)
      expect(gateway.charges).toHaveLength(PICTURES)

      // Nothing is left to be paid for: a person's word has nothing made again.
      const again = await start(first, ['enqueue', 'in', '--engine', 'lumenfall', '--retry'], outage).end
      expect(again.stdout).toContain(`${PICTURES} in a cache already`)
      expect(gateway.orders).toHaveLength(PICTURES)
    },
    300_000,
  )
})

function sentPictures({ orders }: Gateway): Set<string> {
  return new Set(
    orders.map(({ image }) =>
      createHash('sha256')
        .update(image?.bytes ?? '')
        .digest('hex'),
    ),
  )
}
