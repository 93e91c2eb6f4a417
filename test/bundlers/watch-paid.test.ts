import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { lumenfall } from 'unplugin-upscale'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { type Gateway, RESPONSES, startGateway } from '../services/gateway/index.ts'
import { commandFile } from '../support/command-file.ts'
import { startDevServer } from '../support/dev-server.ts'
import { type Colour, paint, SIZE } from '../support/pictures.ts'
import { readTree, type Site, writeSite } from '../support/site.ts'

// Somebody goes on working while a picture is being bought by a command that watches: each picture is paid for once, what
// was paid for is kept, and what is shown in the end is what the files say then.

const HOSTS = fileURLToPath(new URL('../node_modules', import.meta.url))
const from = (id: string): string => JSON.stringify(import.meta.resolve(id).replace('file://', ''))

const OLD: Colour = [200, 10, 10]
const NEW: Colour = [10, 10, 200]
/** Of the picture that waits while another is there. */
const SLOW: Colour = [10, 200, 10]

const BEFORE = "console.log('before')"
const TAGGED = "import p from './a.png?upscale=2'\nconsole.log('first', p)"
const EDITED = "import p from './a.png?upscale=2'\nconsole.log('edited since', p)"
const TWO = "import p from './a.png?upscale=2'\nimport q from './b.png?upscale=2'\nconsole.log('first', p, q)"
const UNTAGGED = "console.log('edited since')"

const head = (host: string, url: string): string => `
  import { lumenfall } from ${from('unplugin-upscale')}
  import upscale from ${from(`unplugin-upscale/${host}`)}
  const ours = upscale({
    engine: lumenfall({ baseURL: ${JSON.stringify(url)}, apiKey: 'lmnfl_test.key' }),
    frozen: false,
    dev: 'full',
  })`

const packConfig = (host: string, url: string): string => `${head(host, url)}
  export default {
    mode: 'development',
    devtool: false,
    entry: './src/main.js',
    output: { clean: true },
    plugins: [ours],
    module: { rules: [{ test: /\\.png$/, type: 'asset/resource' }] },
  }`

const rollConfig = (host: string, url: string): string => `${head(host, url)}
  export default { input: 'src/main.js', plugins: [ours], output: { dir: 'dist', format: 'es' } }`

/** A dev server or a watch of webpack's family without a command line; what a server serves lies on the disk as well. */
const scriptOf = (
  host: string,
  url: string,
  run: string,
): string => `${packConfig(host, url).replace('export default', 'const config =')}
  ${run}`

const QUIET_SERVER = `{ host: '127.0.0.1', port: 0, hot: false, liveReload: false, devMiddleware: { writeToDisk: true } }`

interface Host {
  readonly name: string
  readonly config: readonly [file: string, text: (url: string) => string]
  /** The config itself is run where there is none. */
  readonly args?: readonly [pack: string, command: string, ...rest: string[]]
}

const WATCHES: readonly Host[] = [
  {
    name: 'vite build --watch',
    config: [
      'vite.config.mjs',
      url => `${head('vite', url)}
        export default { plugins: [ours], build: { assetsInlineLimit: 0, minify: false } }`,
    ],
    args: ['vite', 'vite', 'build', '--watch'],
  },
  {
    name: 'webpack --watch',
    config: ['webpack.config.mjs', url => packConfig('webpack', url)],
    args: ['webpack-cli', 'webpack-cli', '--watch'],
  },
  {
    name: 'rollup --watch',
    config: ['rollup.config.mjs', url => rollConfig('rollup', url)],
    args: ['rollup', 'rollup', '-c', '--watch'],
  },
  {
    name: 'rolldown --watch',
    config: ['rolldown.config.mjs', url => rollConfig('rolldown', url)],
    args: ['rolldown', 'rolldown', '-c', '--watch'],
  },
  {
    name: 'a watch of Rspack',
    config: [
      'watch.mjs',
      url =>
        scriptOf(
          'rspack',
          url,
          `
          import { rspack } from ${from('@rspack/core')}
          rspack(config).watch({}, (error, stats) => console.log(error ?? stats.toString()))`,
        ),
    ],
  },
  {
    name: 'webpack-dev-server',
    config: [
      'serve.mjs',
      url =>
        scriptOf(
          'webpack',
          url,
          `
          import webpack from ${from('webpack')}
          import Server from ${from('webpack-dev-server')}
          await new Server(${QUIET_SERVER}, webpack(config)).start()`,
        ),
    ],
  },
  {
    name: 'the dev server of Rspack',
    config: [
      'serve.mjs',
      url =>
        scriptOf(
          'rspack',
          url,
          `
          import { rspack } from ${from('@rspack/core')}
          import { RspackDevServer } from ${from('@rspack/dev-server')}
          await new RspackDevServer(${QUIET_SERVER}, rspack(config)).start()`,
        ),
    ],
  },
  {
    name: 'the dev server of Rsbuild',
    config: [
      'serve.mjs',
      url => `${head('rsbuild', url)}
        import { createRsbuild } from ${from('@rsbuild/core')}
        const config = {
          mode: 'development',
          source: { entry: { index: './src/main.js' } },
          output: { dataUriLimit: 0 },
          dev: { writeToDisk: true, hmr: false, liveReload: false },
          server: { host: '127.0.0.1', port: 0 },
          plugins: [ours],
        }
        await (await createRsbuild({ cwd: process.cwd(), config })).startDevServer()`,
    ],
  },
]

const SOON = { timeout: 30_000, interval: 100 }

let gateway: Gateway
let site: Site
let child: ChildProcess | undefined
let output: string
/** Lets the service answer. */
let open: () => void

beforeEach(async () => {
  gateway = await startGateway()
  const gate = new Promise<void>(resolve => {
    open = resolve
  })
  gateway.respondWith(async sale => {
    await gate
    return RESPONSES.ok(sale)
  })
})

afterEach(async () => {
  open()
  child?.kill('SIGKILL')
  await gateway.close()
  await site.remove()
})

/**
 * Starts a watch, adds a picture, and comes back when it waits for the service. The first build is over then: what is edited
 * during that, Rolldown and with it Vite 8 don't notice, with or without us.
 */
async function begin({ config: [file, text], args }: Host, tagged = TAGGED): Promise<void> {
  site = await writeSite({
    'package.json': '{ "private": true, "type": "module" }',
    'index.html': '<!doctype html><script type="module" src="./src/main.js"></script>',
    'src/main.js': BEFORE,
    [file]: text(gateway.url),
  })
  await paint(join(site.root, 'src'), 'a.png', { left: OLD, right: OLD })
  await paint(join(site.root, 'src'), 'b.png', { left: SLOW, right: SLOW })
  const { CI: _frozen, ...env } = process.env
  const [pack, command, ...rest] = args ?? []
  const program = pack === undefined || command === undefined ? file : commandFile(HOSTS, pack, command)
  child = spawn(process.execPath, [program, ...rest], {
    cwd: site.root,
    env,
    // Some watch only while somebody may type.
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', data => (output += data))
  await expect.poll(async () => (await built()).scripts, SOON).toContain('before')
  await writeFile(join(site.root, 'src/main.js'), tagged)
  await expect.poll(() => (gateway.orders.length === 0 ? output : 'ordered'), SOON).toBe('ordered')
}

async function built(): Promise<{
  readonly scripts: string
  readonly pictures: readonly [string, Buffer][]
}> {
  const tree = await readTree(join(site.root, 'dist')).catch(() => new Map<string, Buffer>())
  const scripts = [...tree].map(([name, bytes]) => (/js$/.test(name) ? String(bytes) : '')).join('')
  // A watch of webpack keeps the placeholders of earlier rounds.
  return {
    scripts,
    pictures: [...tree].filter(([name]) => /png$/.test(name) && scripts.includes(basename(name))),
  }
}

/** What the scripts of the output show: enlargement and first pixel of each picture, and whether they are the edited ones. */
async function shown(): Promise<unknown> {
  const { scripts, pictures } = await built()
  const pixels = pictures.map(async ([, bytes]) => {
    const { data, info } = await sharp(bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true })
    return [info.width / SIZE.width, ...data.subarray(0, 3)]
  })
  // One may just be written.
  return { pictures: await Promise.all(pixels).catch(String), isEdited: scripts.includes('edited since') }
}

function answersKept(): number {
  const folder = join(site.root, '.upscale/v1/answers')
  if (!existsSync(folder)) return 0
  return readdirSync(folder, { recursive: true }).filter(name => String(name).endsWith('entry.json')).length
}

describe.each(WATCHES)('$name, while a picture is bought', host => {
  test('the picture is edited: both are paid for once, and the new one is shown', async () => {
    await begin(host)
    await paint(join(site.root, 'src'), 'a.png', { left: NEW, right: NEW })
    // Time to notice.
    await sleep(500)
    open()
    await expect.poll(shown, SOON).toEqual({ pictures: [[2, ...NEW]], isEdited: false })
    expect(gateway.charges, output).toHaveLength(2)
    expect(answersKept()).toBe(2)
  })

  test('the picture is saved five times: paid for as it was, and as it is', async () => {
    await begin(host)
    for (let shade = 1; shade <= 5; shade++) {
      const colour: Colour = shade === 5 ? NEW : [40 * shade, 100, 100]
      await paint(join(site.root, 'src'), 'a.png', { left: colour, right: colour })
      await sleep(500)
    }
    open()
    await expect.poll(shown, SOON).toEqual({ pictures: [[2, ...NEW]], isEdited: false })
    expect(gateway.charges, output).toHaveLength(2)
    expect(answersKept()).toBe(2)
  })

  test('one that is bought already is edited while another is not: the new one is shown', async () => {
    const gate = new Promise<void>(resolve => {
      open = resolve
    })
    gateway.respondWith(async sale => {
      const { dominant } = await sharp(sale.image).stats()
      if (dominant.g > 100) await gate
      return RESPONSES.ok(sale)
    })
    await begin(host, TWO)
    await expect.poll(answersKept, SOON).toBe(1)
    await paint(join(site.root, 'src'), 'a.png', { left: NEW, right: NEW })
    await sleep(500)
    open()
    const both = [
      [2, ...NEW],
      [2, ...SLOW],
    ]
    const pictures = expect.arrayContaining(both)
    await expect.poll(shown, SOON).toEqual({ pictures, isEdited: false })
    expect(gateway.charges, output).toHaveLength(3)
  })

  test('the file that imports it is edited: paid for once', async () => {
    await begin(host)
    await writeFile(join(site.root, 'src/main.js'), EDITED)
    await sleep(500)
    open()
    await expect.poll(shown, SOON).toEqual({ pictures: [[2, ...OLD]], isEdited: true })
    expect(gateway.charges, output).toHaveLength(1)
    expect(answersKept()).toBe(1)
  })

  test('the tag is removed, and comes back: paid for once, and kept', async () => {
    await begin(host)
    await writeFile(join(site.root, 'src/main.js'), UNTAGGED)
    await sleep(500)
    open()
    await expect.poll(answersKept, SOON).toBe(1)
    await expect.poll(shown, SOON).toMatchObject({ isEdited: true })
    await writeFile(join(site.root, 'src/main.js'), TAGGED)
    await expect.poll(shown, SOON).toEqual({ pictures: [[2, ...OLD]], isEdited: false })
    expect(gateway.charges, output).toHaveLength(1)
  })
})

test('a dev server of Vite that buys: a picture that is edited meanwhile is paid for once, as is the new one', async () => {
  site = await writeSite({
    'index.html': '<html><script type="module" src="./src/main.js"></script></html>',
    'src/main.js': TAGGED,
  })
  await paint(join(site.root, 'src'), 'a.png', { left: OLD, right: OLD })
  const engine = lumenfall({ baseURL: gateway.url, apiKey: 'lmnfl_test.key' })
  const server = await startDevServer(site, { engine, dev: 'full', frozen: false })
  onTestFinished(() => server.close())
  const seen = async (): Promise<unknown> => {
    const response = await fetch(`${server.url}src/a.png?upscale=2`)
    const bytes = Buffer.from(await response.arrayBuffer())
    const { data } = await sharp(bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true })
    return [response.headers.get('cache-control') === 'no-store', ...data.subarray(0, 3)]
  }
  void seen()
  await expect.poll(() => gateway.orders.length, SOON).toBe(1)
  await paint(join(site.root, 'src'), 'a.png', { left: NEW, right: NEW })
  await sleep(500)
  open()
  await expect.poll(seen, SOON).toEqual([false, ...NEW])
  expect(gateway.charges).toHaveLength(2)
  expect(answersKept()).toBe(2)
})
