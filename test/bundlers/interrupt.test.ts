import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Gateway, startGateway } from '../services/gateway/index.ts'
import { paint } from '../support/pictures.ts'
import { type Site, writeSite } from '../support/site.ts'

const VITE = fileURLToPath(import.meta.resolve('vite'))
const PLUGIN = fileURLToPath(import.meta.resolve('unplugin-upscale/vite'))

let gateway: Gateway
let site: Site

beforeEach(async () => {
  gateway = await startGateway({ workMs: 1000 })
  site = await writeSite({
    'index.html': '<img src="./a.png?upscale=2&engine=paid"><img src="./b.png?upscale=2&engine=paid">',
    'build.mjs': `
      import { lumenfall } from ${JSON.stringify(PLUGIN.replace(/vite\.mjs$/, 'index.mjs'))}
      import upscale from ${JSON.stringify(PLUGIN)}
      import { build } from ${JSON.stringify(VITE)}
      const paid = lumenfall({ baseURL: process.argv[2], apiKey: 'lmnfl_test.key' })
      await build({ root: import.meta.dirname, plugins: [upscale({ engines: { paid }, concurrency: 1 })] })`,
  })
  await Promise.all([paint(site.root, 'a.png'), paint(site.root, 'b.png')])
})

afterEach(async () => {
  await gateway.close()
  await site.remove()
})

function build() {
  const { CI: _frozen, ...env } = process.env
  const child = spawn(process.execPath, [join(site.root, 'build.mjs'), gateway.url], { env, stdio: 'pipe' })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', data => (output += data))
  return { child, output: () => output }
}

/** Waits for what a running build does. */
async function until(happened: () => boolean, { child, output }: ReturnType<typeof build>): Promise<void> {
  while (!happened()) {
    if (child.exitCode !== null) throw new Error(`the build ended: ${output()}`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

function answersKept(): number {
  const folder = join(site.root, '.upscale/v1')
  if (!existsSync(folder)) return 0
  const names = readdirSync(folder, { recursive: true }).map(String)
  return names.filter(name => /^(answers|received)\/.*entry\.json$/.test(name)).length
}

test('a plan comes before the first payment; the first Ctrl-C keeps the picture under way and orders no other', async () => {
  const running = build()
  const { child, output } = running
  await until(() => gateway.orders.length === 1, running)
  child.kill('SIGINT')
  const [, signal] = await once(child, 'exit')
  expect(signal, output()).toBe('SIGINT')
  expect(output()).toContain(
    'before the first paid call: 2 pictures are not in the cache, US$0.12 (budget US$1.00)',
  )
  expect(output()).toContain('a.png ×2 by paid, US$0.06')
  expect(output()).toContain('waiting for the pictures under way')
  expect(gateway.charges).toHaveLength(1)
  expect(answersKept()).toBe(1)

  const again = build()
  const [code] = await once(again.child, 'exit')
  expect(code, again.output()).toBe(0)
  expect(gateway.charges).toHaveLength(2)
})

test('the second Ctrl-C leaves at once, and the call in doubt is not repeated', async () => {
  await gateway.close()
  gateway = await startGateway({ workMs: 30_000 })
  const running = build()
  const { child, output } = running
  await until(() => gateway.orders.length === 1, running)
  child.kill('SIGINT')
  await until(() => output().includes('waiting'), running)
  // A repeat right after the first is taken for the same one, so a person's second comes a little later.
  const asking = setInterval(() => child.kill('SIGINT'), 100)
  const [code] = await once(child, 'exit')
  clearInterval(asking)
  expect(code).toBe(130)
  const again = build()
  expect((await once(again.child, 'exit'))[0]).toBe(1)
  expect(again.output()).toContain('CALL_UNCERTAIN')
})
