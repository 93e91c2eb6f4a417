import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, rm } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { freePort } from '../../support/servers.ts'

/** A project under `examples/`, used through its own scripts as its user would. */
export interface Example {
  readonly root: string
  /** Removes what earlier runs left, the upscaler's cache too, so that every picture is made again. */
  clear(): Promise<void>
  /**
   * Clears, and runs one of its scripts.
   * @returns what it printed
   */
  build(script?: string): Promise<string>
  /** Runs a binary of the project that serves pages, until the returned server is closed. */
  serve(binary: string, ...args: readonly string[]): Promise<RunningServer>
  /** Every text file of a folder, by its path in it. */
  texts(folder: string): Promise<ReadonlyMap<string, string>>
}

export interface RunningServer {
  /** Address of the site, with a slash at the end. */
  readonly url: string
  /** What it printed so far. */
  output(): string
  close(): Promise<void>
}

const TEXTS = new Set(['.html', '.js', '.mjs', '.css', '.json', '.rsc', '.svg', '.txt'])

/** Written by builds and dev servers: results, and caches of frameworks and of the upscaler. */
const LEFT_BEHIND = [
  'dist',
  'build',
  'out',
  'public/build',
  'public/vite',
  '.react-router',
  '.tanstack',
  '.next',
  '.nuxt',
  '.output',
  '.astro',
  '.svelte-kit',
  'docs/.vitepress/dist',
  'docs/.vitepress/cache',
  'node_modules/.astro',
  'node_modules/.cache',
  'node_modules/.vite',
]

export function example(name: string): Example {
  const root = fileURLToPath(new URL(`../../../examples/${name}`, import.meta.url))
  const clear = async (): Promise<void> => {
    await Promise.all(LEFT_BEHIND.map(path => rm(join(root, path), { recursive: true, force: true })))
  }
  return {
    root,
    clear,
    async build(script = 'build') {
      await clear()
      const { stdout, stderr } = await promisify(execFile)('npm', ['run', script], {
        cwd: root,
        env: quiet(),
      })
      return stdout + stderr
    },
    async serve(binary, ...args) {
      const port = await freePort()
      const path = join(root, 'node_modules/.bin')
      const child = spawn(join(path, binary), [...args, '--port', String(port)], {
        cwd: root,
        env: quiet(),
        // A group of its own, since some start the server in another process.
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      let output = ''
      for (const stream of [child.stdout, child.stderr]) stream.on('data', data => (output += data))
      const server = { url: `http://localhost:${port}/`, output: () => output, close: () => stop(child) }
      try {
        await answering(server, child)
      } catch (error) {
        await stop(child)
        throw error
      }
      return server
    },
    async texts(folder) {
      const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true })
      const files = entries
        .filter(entry => entry.isFile() && TEXTS.has(extname(entry.name)))
        .map(entry => join(entry.parentPath, entry.name))
      return new Map(
        await Promise.all(
          files.map(async file => [file.slice(root.length + 1), await readFile(file, 'utf8')] as const),
        ),
      )
    },
  }
}

/** Nothing of the run of the tests, such as NODE_ENV, may change what is built; and nobody is told of it. */
function quiet(): NodeJS.ProcessEnv {
  const { PATH, HOME } = process.env
  return {
    PATH,
    HOME,
    ASTRO_TELEMETRY_DISABLED: '1',
    NEXT_TELEMETRY_DISABLED: '1',
    NUXT_TELEMETRY_DISABLED: '1',
    NO_COLOR: '1',
  }
}

/** How long a server may take to its first page, for one answer, and to its end, in milliseconds. */
const TO_START_MS = 90_000
const TO_ANSWER_MS = 30_000
const TO_END_MS = 30_000

/** @throws with what the server printed, and its last answer, where it doesn't come to show a page */
async function answering({ url, output }: RunningServer, child: ChildProcess): Promise<void> {
  const until = Date.now() + TO_START_MS
  for (;;) {
    const answer = await fetch(url, { signal: AbortSignal.timeout(TO_ANSWER_MS) }).then(
      async response => (response.ok ? undefined : `${response.status} ${await response.text()}`),
      String,
    )
    if (answer === undefined) return
    if (child.exitCode !== null) throw new Error(`the server ended: ${output()}`)
    if (Date.now() > until) throw new Error(`no page at ${url}, but ${answer}\n${output()}`)
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.pid === undefined) return
  const { pid } = child
  const ended = once(child, 'exit')
  process.kill(-pid, 'SIGTERM')
  const end = setTimeout(() => process.kill(-pid, 'SIGKILL'), TO_END_MS)
  const [, signal] = await ended
  clearTimeout(end)
  if (signal === 'SIGKILL') throw new Error('the server did not end when it was told to')
}
