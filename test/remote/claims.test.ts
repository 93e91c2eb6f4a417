import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import { createUpscaler, lumenfall } from 'upscale-core'
import { expect, onTestFinished, test } from 'vitest'
import { startGateway } from '../services/gateway/index.ts'
import { lacks, startRedis } from '../support/servers.ts'
import { Machine } from './machine.ts'

// Machines that wait for a claim whose owner is gone. Each is a process with folders of its own.

const MACHINES = 8
const NAMES = ['0.png', '1.png', '2.png', '3.png']

/** Prints what came of each picture: where it came from, or the code of its error. */
const BUILD = `
  const [, root, baseURL, remoteCache, names] = process.argv
  const { createUpscaler, lumenfall } = await import('upscale-core')
  const upscaler = createUpscaler({ root, remoteCache, engine: lumenfall({ baseURL }), budget: 10, frozen: false })
  const results = await Promise.all(JSON.parse(names).map(name =>
    upscaler.upscale(name).then(({ origin }) => origin, error => error.code ?? String(error)),
  ))
  await upscaler.close()
  console.log(JSON.stringify(results))`

test.skipIf(lacks('redis-server')).each([
  ['began no call: one pays, all have the picture', {}, 'picture', NAMES.length],
  [
    'began its call: all are told of the doubt, nobody pays',
    { call: { attempt: 1, priceMicros: 60_000 } },
    'CALL_UNCERTAIN',
    0,
  ],
] as const)('of machines that wait for one that is gone and %s', async (_, left, wanted, charged) => {
  const server = await startRedis()
  onTestFinished(() => server.close())
  const gateway = await startGateway({ workMs: 300 })
  onTestFinished(() => gateway.close())
  const machines = await Promise.all(Array.from({ length: MACHINES }, () => Machine.boot(NAMES.length)))
  await leaveClaims(machines[0] ?? expect.fail(), gateway.url, server.url, left)
  const built = await Promise.all(machines.map(({ root }) => build(root, gateway.url, server.url)))
  const outcomes = built
    .flat()
    .map(origin => (['engine', 'remote', 'cache'].includes(origin) ? 'picture' : origin))
  expect(outcomes).toEqual(Array(MACHINES * NAMES.length).fill(wanted))
  expect(gateway.charges).toHaveLength(charged)
})

/** Leaves the claim of a machine that is gone on each picture. */
async function leaveClaims({ root }: Machine, baseURL: string, url: string, call: object): Promise<void> {
  const upscaler = createUpscaler({ engine: lumenfall({ baseURL }) }, { root, env: {} })
  const redis = new Redis(url)
  for (const name of NAMES) {
    const { answerKey } = await upscaler.plan(name)
    const left = { id: 'gone', host: 'gone', beat: 3, isLeft: true, ...call }
    await redis.set(`upscale:v1:claims:${answerKey}`, JSON.stringify(left))
  }
  redis.disconnect()
  await upscaler.close()
}

async function build(root: string, baseURL: string, remoteCache: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '-e', BUILD, root, baseURL, remoteCache, JSON.stringify(NAMES)],
    { cwd: import.meta.dirname, env: { PATH: process.env.PATH, LUMENFALL_API_KEY: 'key' } },
  )
  return JSON.parse(stdout)
}
