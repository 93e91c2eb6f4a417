import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'

/** What `upscale` is after an installation. */
export const BINARY: string = fileURLToPath(new URL('../../packages/cli/bin/upscale.mjs', import.meta.url))

/** What a finished command left behind. */
export interface Outcome {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  /** Stdout as bytes. */
  readonly bytes: Buffer
}

export interface Running {
  readonly child: ChildProcessWithoutNullStreams
  readonly end: Promise<Outcome>
  /** Waits for a text on stderr. */
  said(pattern: RegExp): Promise<void>
}

/** A folder of its own in which the built command is run as a user would. */
export interface Project {
  readonly root: string
  path(name: string): string
  run(args: readonly string[], how?: How): Promise<Outcome>
  start(args: readonly string[], how?: How): Running
  write(name: string, content: string | Uint8Array): Promise<void>
  read(name: string): Promise<string>
  remove(): Promise<void>
}

export interface How {
  readonly env?: Readonly<Record<string, string>>
  readonly input?: Uint8Array
}

export async function makeProject(): Promise<Project> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'upscale-cli-test-')))
  const start = (args: readonly string[], how: How = {}): Running => launch(root, args, how)
  return {
    root,
    path: name => join(root, name),
    start,
    run: (args, how) => start(args, how).end,
    async write(name, content) {
      await mkdir(dirname(join(root, name)), { recursive: true })
      await writeFile(join(root, name), content)
    },
    read: name => readFile(join(root, name), 'utf8'),
    remove: () => rm(root, { recursive: true, force: true }),
  }
}

/** Width, height and format of a picture on disk. */
export async function look(file: string | Buffer): Promise<string> {
  const { width, height, format } = await sharp(file).metadata()
  return `${width}x${height} ${format}`
}

function launch(cwd: string, args: readonly string[], { env = {}, input }: How): Running {
  // Nothing of the machine that runs the tests may decide how they end.
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(process.execPath, [BINARY, ...args], { cwd, env: { PATH, HOME, ...env } })
  const out: Buffer[] = []
  let stderr = ''
  const listeners = new Set<() => void>()
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk
    for (const listener of listeners) listener()
  })
  child.stdin.on('error', () => undefined).end(input)
  const end = new Promise<Outcome>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      const bytes = Buffer.concat(out)
      resolve({ code, signal, stdout: bytes.toString(), stderr, bytes })
    })
  })
  const said = (pattern: RegExp): Promise<void> =>
    new Promise((resolve, reject) => {
      const listen = (): void => {
        if (!pattern.test(stderr)) return
        listeners.delete(listen)
        resolve()
      }
      listeners.add(listen)
      listen()
      void end.then(() => reject(new Error(`ended without saying ${pattern}: ${stderr}`)))
    })
  return { child, end, said }
}
