import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Gateway, startGateway } from '../services/gateway/index.ts'
import { commandFile } from '../support/command-file.ts'
import { paint } from '../support/pictures.ts'
import { type Site, writeSite } from '../support/site.ts'

// A build that fails for a reason of its own, a slip in another file for one, while pictures are being bought: what is
// under way is paid for, so it is kept, and the build that follows buys the rest.

const NAMES = ['a', 'b', 'c', 'd', 'e'].map(name => `${name}.png`)

/** Calls that are under way at a time, and when the build fails. */
const AT_A_TIME = 3

const from = (id: string): string => JSON.stringify(import.meta.resolve(id).replace('file://', ''))

/** Waits for the test's word, then fails, or not. */
const SLIP = `
  import { existsSync, readFileSync } from 'node:fs'
  import { setTimeout as sleep } from 'node:timers/promises'
  export async function slip() {
    while (!existsSync(import.meta.dirname + '/go')) await sleep(10)
    const text = readFileSync(import.meta.dirname + '/go', 'utf8')
    if (text !== '') throw new Error(text)
    return 'export default 1'
  }
  export const plugin = { name: 'slip', load: id => (id.endsWith('slip.js') ? slip() : null) }`

const LOADER = `
  import { slip } from './slip.mjs'
  export default function () {
    const done = this.async()
    slip().then(code => done(null, code), done)
  }`

const head = (host: string, url: string): string => `
  import { lumenfall } from ${from('unplugin-upscale')}
  import upscale from ${from(`unplugin-upscale/${host}`)}
  import { plugin } from './slip.mjs'
  const ours = upscale({
    engine: lumenfall({ baseURL: ${JSON.stringify(url)}, apiKey: 'lmnfl_test.key' }),
    concurrency: ${AT_A_TIME},
    frozen: false,
  })`

interface Host {
  readonly name: string
  files(url: string): Readonly<Record<string, string>>
  args(root: string): readonly string[]
}

const webpackLike = (host: string, bail: boolean) => (url: string) => ({
  'loader.mjs': LOADER,
  'config.mjs': `${head(host, url)}
    export default {
      mode: 'production',
      bail: ${bail},
      entry: './main.js',
      plugins: [ours],
      module: { rules: [{ test: /\\.png$/, type: 'asset/resource' }, { test: /slip\\.js$/, use: './loader.mjs' }] },
    }`,
})

const HOSTS: readonly Host[] = [
  ...['vite', 'vite7', 'vite6'].map(
    (name): Host => ({
      name,
      files: url => ({
        'index.html': '<script type="module" src="./main.js"></script>',
        'config.mjs': `${head('vite', url)}\nexport default { plugins: [ours, plugin] }`,
      }),
      args: () => [binary(name, 'vite'), 'build', '-c', 'config.mjs'],
    }),
  ),
  {
    name: 'rollup',
    files: url => ({
      'config.mjs': `${head('rollup', url)}
        export default { input: 'main.js', output: { dir: 'dist' }, plugins: [ours, plugin] }`,
    }),
    args: () => [binary('rollup', 'rollup'), '-c', 'config.mjs'],
  },
  {
    name: 'rolldown',
    files: url => ({
      'config.mjs': `${head('rolldown', url)}
        export default { input: 'main.js', output: { dir: 'dist' }, plugins: [ours, plugin] }`,
    }),
    args: () => [binary('rolldown', 'rolldown'), '-c', 'config.mjs'],
  },
  {
    name: 'esbuild',
    files: url => ({
      'build.mjs': `${head('esbuild', url)}
        import { slip } from './slip.mjs'
        import { build } from ${from('esbuild')}
        const other = {
          name: 'slip',
          setup: ({ onLoad }) => onLoad({ filter: /slip\\.js$/ }, async () => ({ contents: await slip() })),
        }
        await build({ entryPoints: ['main.js'], bundle: true, outdir: 'dist', plugins: [ours, other] })`,
    }),
    args: () => ['build.mjs'],
  },
  {
    name: 'webpack',
    files: webpackLike('webpack', false),
    args: () => [binary('webpack-cli', 'webpack-cli'), '-c', 'config.mjs'],
  },
  {
    name: 'webpack with bail',
    files: webpackLike('webpack', true),
    args: () => [binary('webpack-cli', 'webpack-cli'), '-c', 'config.mjs'],
  },
  {
    name: 'rspack with bail',
    files: url => ({
      ...webpackLike('rspack', true)(url),
      'build.mjs': `import { rspack } from ${from('@rspack/core')}
        import config from './config.mjs'
        const compiler = rspack(config)
        compiler.run((error, stats) => {
          if (error || stats.hasErrors()) process.exitCode = 1
          console.error(error ?? stats.toString({ all: false, errors: true }))
          compiler.close(() => {})
        })`,
    }),
    args: () => ['build.mjs'],
  },
]

function binary(name: string, command: string): string {
  return commandFile(join(import.meta.dirname, '../node_modules'), name, command)
}

let gateway: Gateway
let site: Site

beforeEach(async () => {
  gateway = await startGateway({ workMs: 1000 })
})
afterEach(async () => {
  await gateway.close()
  await site.remove()
})

function start({ args }: Host) {
  const { CI: _frozen, ...env } = process.env
  const child = spawn(process.execPath, args(site.root), { cwd: site.root, env, stdio: 'pipe' })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', data => (output += data))
  const end = once(child, 'exit').then(([code, signal]) => signal ?? code)
  return { child, end, output: () => output }
}

/** The word that the build waits for, which it must not see before it is whole. */
async function tell(text: string): Promise<void> {
  await writeFile(join(site.root, 'go.new'), text)
  await rename(join(site.root, 'go.new'), join(site.root, 'go'))
}

function answersKept(): number {
  const folder = join(site.root, '.upscale/v1')
  if (!existsSync(folder)) return 0
  const names = readdirSync(folder, { recursive: true }).map(String)
  return names.filter(name => /^(answers|received)\/.*entry\.json$/.test(name)).length
}

test.each(HOSTS)('$name that fails for another file keeps the pictures that are under way', async host => {
  site = await writeSite({
    'slip.mjs': SLIP,
    'slip.js': '',
    'main.js': [
      ...NAMES.map((name, at) => `import p${at} from './${name}?upscale=2'\nconsole.log(p${at})`),
      "import './slip.js'",
    ].join('\n'),
    ...host.files(gateway.url),
  })
  await Promise.all(NAMES.map(name => paint(site.root, name)))
  const { child, end, output } = start(host)
  while (gateway.orders.length < AT_A_TIME) {
    if (child.exitCode !== null) throw new Error(`it ended: ${output()}`)
    await sleep(10)
  }
  await tell('a slip of the pen')
  expect(await end, output()).not.toBe(0)
  expect(output()).toContain('a slip of the pen')
  expect(gateway.charges.length).toBeGreaterThanOrEqual(AT_A_TIME)
  expect(answersKept(), output()).toBe(gateway.orders.length)

  await tell('')
  const again = start(host)
  expect(await again.end, again.output()).toBe(0)
  expect(gateway.charges).toHaveLength(NAMES.length)
})
