import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { enlarge } from './enlarge.ts'
import { compileNetwork } from './network.ts'
import { createPool, type Pool } from './pool.ts'
import { noise, randomModel } from './test-support/pictures.ts'

const network = await compileNetwork(randomModel(2, [32, 32, 32, 32]))
const never = new AbortController().signal

let pool: Pool
afterEach(() => pool.close())

const script = (source: string): URL => new URL(`data:text/javascript,${encodeURIComponent(source)}`)
const dying = script(
  'import { parentPort } from "node:worker_threads"; parentPort.on("message", () => { throw new Error("out of luck") })',
)
const leaving = script(
  'import { parentPort } from "node:worker_threads"; parentPort.on("message", () => process.exit(3))',
)

describe('abort', () => {
  it('rejects with the reason and leaves no work running', async () => {
    pool = createPool(2)
    const controller = new AbortController()
    const reason = new Error('enough')
    const work = enlarge(noise(1200, 1200), network, pool, { signal: controller.signal, threads: 2 })
    setTimeout(() => controller.abort(reason), 100)
    await expect(work).rejects.toBe(reason)
    // The next picture doesn't wait for what was given up.
    const next = await enlarge(noise(8, 8), network, pool, { signal: never, threads: 2 })
    expect(next.width).toBe(16)
  })

  it('before the start does nothing', async () => {
    pool = createPool(1)
    const work = enlarge(noise(8, 8), network, pool, { signal: AbortSignal.abort('no'), threads: 1 })
    await expect(work).rejects.toBe('no')
  })

  it('of one picture lets the others go on', async () => {
    pool = createPool(2)
    const controller = new AbortController()
    const doomed = enlarge(noise(900, 900), network, pool, { signal: controller.signal, threads: 2 })
    const other = enlarge(noise(300, 300), network, pool, { signal: never, threads: 2 })
    setTimeout(() => controller.abort(), 20)
    await expect(doomed).rejects.toThrow('aborted')
    expect((await other).height).toBe(600)
  })
})

describe('a thread that fails', () => {
  it.each([
    ['by throwing', dying, /out of luck/],
    ['by leaving', leaving, /code 3/],
  ])('%s surfaces as a coded error with its cause', async (_how, bad, cause) => {
    pool = createPool(2, bad)
    const work = enlarge(noise(600, 600), network, pool, { signal: never, threads: 2 })
    const error = await work.catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'ENGINE_FAILED', cause: { message: expect.stringMatching(cause) } })
  })

  it('in the middle of a picture is replaced for those that follow', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'upscale-pool-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const worker = JSON.stringify(new URL('./worker.mjs', import.meta.url).href)
    // The first thread of all leaves when it has done one tile.
    const once = script(`
      import { writeFileSync } from 'node:fs'
      import { parentPort } from 'node:worker_threads'
      await import(${worker})
      let isFirst = true
      try { writeFileSync(${JSON.stringify(join(folder, 'first'))}, '', { flag: 'wx' }) } catch { isFirst = false }
      if (isFirst) parentPort.on('message', () => process.exit(3))`)
    pool = createPool(2, once)
    const doomed = enlarge(noise(600, 600), network, pool, { signal: never, threads: 2 })
    await expect(doomed).rejects.toMatchObject({ code: 'ENGINE_FAILED' })
    const next = await enlarge(noise(300, 300), network, pool, { signal: never, threads: 2 })
    expect(next.width).toBe(600)
  })
})

describe('close', () => {
  it('fails the work in hand and lets the pool be used again', async () => {
    pool = createPool(2)
    const work = enlarge(noise(1000, 1000), network, pool, { signal: never, threads: 2 })
    const outcome = expect(work).rejects.toMatchObject({ code: 'ABORTED' })
    await new Promise(resolve => setTimeout(resolve, 50))
    await pool.close()
    await outcome
    expect((await enlarge(noise(4, 4), network, pool, { signal: never, threads: 2 })).width).toBe(8)
  })

  it("isn't needed for the process to end", async () => {
    pool = createPool(2)
    const before = openPorts()
    const work = enlarge(noise(600, 600), network, pool, { signal: never, threads: 2 })
    await expect.poll(openPorts).toBeGreaterThan(before)
    await work
    expect(openPorts()).toBe(before)
  })
})

/** Threads that keep the process alive. */
function openPorts(): number {
  return process.getActiveResourcesInfo().filter(name => name === 'MessagePort').length
}
