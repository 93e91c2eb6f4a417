import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { startGateway } from '../services/gateway/index.ts'
import { startFaultyStore } from './faulty-store.ts'
import { Machine } from './machine.ts'

/** Prints where the picture came from, or the code of its error. */
const BUILD = `
  const [, root, baseURL, remoteCache] = process.argv
  const { createUpscaler, lumenfall } = await import('upscale-core')
  const upscaler = createUpscaler({ root, remoteCache, engine: lumenfall({ baseURL }), budget: 10, frozen: false })
  const result = await upscaler.upscale('0.png').then(({ origin }) => origin, error => error.code)
  await upscaler.close()
  console.log(result)`

// Half a minute is what a machine may be silent.
test('a machine that is frozen right before it notes its call, and is succeeded by another, buys nothing', async () => {
  const gateway = await startGateway({ workMs: 300 })
  onTestFinished(() => gateway.close())
  let owner: ChildProcess | undefined
  const store = await startFaultyStore(async ({ method, url }) => {
    // The owner of a claim reads it before it notes a call in it.
    if (owner !== undefined && method === 'GET' && url?.includes('claims')) {
      owner.kill('SIGSTOP')
      owner = undefined
    }
    return true
  })
  onTestFinished(() => store.close())
  const start = ({ root }: Machine): { child: ChildProcess; end: Promise<string> } => {
    const child = spawn(
      process.execPath,
      ['--input-type=module', '-e', BUILD, root, gateway.url, store.url],
      { cwd: import.meta.dirname, env: { PATH: process.env.PATH, LUMENFALL_API_KEY: 'key' } },
    )
    let said = ''
    child.stdout.on('data', chunk => {
      said += chunk
    })
    return { child, end: new Promise(resolve => child.once('close', () => resolve(said.trim()))) }
  }
  const frozen = start(await Machine.boot(1))
  owner = frozen.child
  while (owner !== undefined) await sleep(20)
  expect(await start(await Machine.boot(1)).end).toBe('engine')
  frozen.child.kill('SIGCONT')
  expect(await frozen.end).toBe('remote')
  expect(gateway.orders).toHaveLength(1)
})
