import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { BINARY } from '../cli/command.ts'
import { type Gateway, startGateway } from '../services/gateway/index.ts'
import { commandFile } from '../support/command-file.ts'
import { paint } from '../support/pictures.ts'
import { type Site, writeSite } from '../support/site.ts'

// One signal in the middle of a build that pays, with the command lines that people type rather than the functions behind
// them: those have handlers of their own for signals, and theirs change from version to version. HOSTS_FROM names a
// folder with other versions than those of the lock file (test/latest.mjs).

const HOSTS = process.env.HOSTS_FROM ?? fileURLToPath(new URL('../node_modules', import.meta.url))
const PLUGIN = (host: string): string =>
  JSON.stringify(import.meta.resolve(`unplugin-upscale/${host}`).replace('file://', ''))

const NAMES = ['a', 'b', 'c', 'd', 'e'].map(name => `${name}.png`)

/** Calls that are under way at a time, and when the signal comes. */
const AT_A_TIME = 3

const options = (baseURL: string): string =>
  `{ engine: lumenfall({ baseURL: ${JSON.stringify(baseURL)}, apiKey: 'lmnfl_test.key' }), concurrency: ${AT_A_TIME}, frozen: false }`

const LUMENFALL = `import { lumenfall } from ${JSON.stringify(import.meta.resolve('unplugin-upscale').replace('file://', ''))}\n`

const IMPORTS = NAMES.map(
  (name, at) => `import p${at} from '../${name}?upscale=2'\nconsole.log(p${at})`,
).join('\n')

interface CommandLine {
  readonly name: string
  /** What has the command. Not all are among those of the lock file. */
  readonly host?: string
  /** The oldest Node that it works with. */
  readonly node?: number
  /** True for one that is tried with other versions only. */
  readonly isSlow?: boolean
  files(baseURL: string): Readonly<Record<string, string>>
  args(root: string): readonly string[]
}

const ALL: readonly CommandLine[] = [
  {
    name: 'vite build',
    files: url => ({
      'index.html': NAMES.map(name => `<img src="./${name}?upscale=2">`).join(''),
      'vite.config.mjs': `${LUMENFALL}import upscale from ${PLUGIN('vite')}
        export default { plugins: [upscale(${options(url)})] }`,
    }),
    args: () => [binary('vite', 'vite'), 'build'],
  },
  {
    name: 'webpack',
    files: url => ({
      'src/index.js': IMPORTS,
      'webpack.config.mjs': `${LUMENFALL}import upscale from ${PLUGIN('webpack')}
        export default {
          mode: 'production',
          plugins: [upscale(${options(url)})],
          module: { rules: [{ test: /\\.png$/, type: 'asset/resource' }] },
        }`,
    }),
    args: () => [binary('webpack-cli', 'webpack-cli')],
  },
  {
    name: 'rspack build',
    host: '@rspack/cli',
    files: url => ({
      'src/index.js': IMPORTS,
      'rspack.config.mjs': `${LUMENFALL}import upscale from ${PLUGIN('rspack')}
        export default {
          mode: 'production',
          plugins: [upscale(${options(url)})],
          module: { rules: [{ test: /\\.png$/, type: 'asset/resource' }] },
        }`,
    }),
    args: () => [binary('@rspack/cli', 'rspack'), 'build'],
  },
  {
    name: 'next build --webpack',
    host: 'next',
    isSlow: true,
    files: url => ({
      'app/layout.jsx': 'export default ({ children }) => <html lang="en"><body>{children}</body></html>',
      'app/page.jsx': `${NAMES.map((name, at) => `import p${at} from '../${name}?upscale=2'`).join('\n')}
        export default () => <>{[p0, p1, p2, p3, p4].map(({ src }) => <img key={src} src={src} alt="" />)}</>`,
      'next.config.mjs': `${LUMENFALL}import upscale from ${PLUGIN('next')}
        export default upscale(${options(url)})({})`,
    }),
    args: () => [binary('next', 'next'), 'build', '--webpack'],
  },
  {
    name: 'astro build',
    host: 'astro',
    node: 22,
    isSlow: true,
    files: url => ({
      'src/pages/index.astro': `---\n${NAMES.map((name, at) => `import p${at} from '../../${name}?upscale=2'`).join('\n')}\n---
        <html lang="en"><body>{[p0, p1, p2, p3, p4].map(({ src }) => <img src={src} alt="" />)}</body></html>`,
      'astro.config.mjs': `${LUMENFALL}import upscale from ${PLUGIN('vite')}
        export default { vite: { plugins: [upscale(${options(url)})] }, telemetry: false }`,
    }),
    args: () => [binary('astro', 'astro'), 'build'],
  },
  {
    name: 'upscale run',
    files: url => ({
      'upscale.config.mjs': `${LUMENFALL}export default ${options(url)}`,
    }),
    args: () => [BINARY, 'run', ...NAMES, '--out', 'out'],
  },
]

/** A folder with other versions than those of the lock file has more hosts, and more time. */
const IS_OTHER = process.env.HOSTS_FROM !== undefined

const COMMAND_LINES = ALL.filter(
  ({ host, node = 20, isSlow = false }) =>
    Number.parseInt(process.versions.node, 10) >= node &&
    (IS_OTHER || !isSlow) &&
    (host === undefined || existsSync(join(HOSTS, host))),
)

/** The file of a package's command. */
function binary(name: string, command: string): string {
  return commandFile(HOSTS, name, command)
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

function start({ args }: CommandLine) {
  const { CI: _frozen, ...inherited } = process.env
  // Frameworks look for their packages in the project; what is kept there must not be shared by projects.
  const env = {
    ...inherited,
    UPSCALE_SCRATCH_DIR: join(site.root, 'scratch'),
    NEXT_TELEMETRY_DISABLED: '1',
    ASTRO_TELEMETRY_DISABLED: '1',
  }
  const child = spawn(process.execPath, args(site.root), { cwd: site.root, env, stdio: 'pipe' })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', data => (output += data))
  const end = once(child, 'exit').then(([code, signal]) => signal ?? code)
  return { child, end, output: () => output }
}

function answersKept(): number {
  const folder = join(site.root, '.upscale/v1')
  if (!existsSync(folder)) return 0
  const names = readdirSync(folder, { recursive: true }).map(String)
  return names.filter(name => /^(answers|received)\/.*entry\.json$/.test(name)).length
}

async function begin(command: CommandLine) {
  site = await writeSite({ 'package.json': '{ "private": true }', ...command.files(gateway.url) })
  await Promise.all(NAMES.map(name => paint(site.root, name)))
  symlinkSync(HOSTS, join(site.root, 'node_modules'))
  const running = start(command)
  while (gateway.orders.length < AT_A_TIME) {
    if (running.child.exitCode !== null) throw new Error(`it ended: ${running.output()}`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  return running
}

test.each(COMMAND_LINES)('$name whose readers go away (a pipe into head) keeps all', async command => {
  const { child, end } = await begin(command)
  child.stdout.destroy()
  child.stderr.destroy()
  // How it ends is the host's affair; webpack, Vite and the command end well.
  await end
  expect(answersKept()).toBe(NAMES.length)
  expect(gateway.charges).toHaveLength(NAMES.length)
})

describe.each(COMMAND_LINES)('$name, told to stop once by', command => {
  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s, keeps all that is under way, and orders no more',
    async signal => {
      const { child, end, output } = await begin(command)
      child.kill(signal)
      expect(await end, output()).not.toBe(0)
      expect(gateway.charges).toHaveLength(AT_A_TIME)
      expect(answersKept(), output()).toBe(AT_A_TIME)

      const again = start(command)
      expect(await again.end, again.output()).toBe(0)
      expect(gateway.charges).toHaveLength(NAMES.length)
    },
  )
})
