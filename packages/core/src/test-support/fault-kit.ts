import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, onTestFinished } from 'vitest'
import { openCache } from '../cache/cache.ts'

// For the tests of this folder: what a cache looks like on disk, written without the code under test; and child
// processes that run the code under test, to be killed, stopped, and put on bad disks.

export const isRootOnLinux: boolean = process.platform === 'linux' && process.getuid?.() === 0
export const NEEDS_ROOT = 'needs root on Linux, to mount file systems and change users'

export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}

export function keyOf(name: string | number): string {
  return sha256(`key ${name}`)
}

/** An empty folder, readable by everyone, gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'upscale-cache-test-'))
  chmodSync(folder, 0o777)
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The frame of every small file. */
export function frame(body: unknown): string {
  const text = JSON.stringify(body, null, 2)
  return `{\n  "check": "${sha256(text)}",\n  "body": ${text}\n}\n`
}

export function entryBody(key: string, bytes: Uint8Array): Record<string, unknown> {
  return {
    version: 1,
    key,
    fileName: 'hero-2x.png',
    size: bytes.length,
    sha256: sha256(bytes),
    width: 64,
    height: 32,
    format: 'png',
    engine: 'resize',
    model: 'lanczos3',
    createdAt: '2026-01-02T03:04:05.678Z',
  }
}

export function entryFolder(root: string, key: string, shelf = 'outputs'): string {
  return join(root, 'v1', shelf, key.slice(0, 2), key)
}

/** Puts an entry on disk; `changes` go into its entry.json. */
export function writeEntry(
  root: string,
  key: string,
  bytes: Uint8Array,
  changes: Readonly<Record<string, unknown>> = {},
): { readonly folder: string; readonly image: string; readonly facts: string } {
  const folder = entryFolder(root, key)
  const image = join(folder, 'hero-2x.png')
  const facts = join(folder, 'entry.json')
  mkdirSync(folder, { recursive: true })
  writeFileSync(image, bytes)
  writeFileSync(facts, frame({ ...entryBody(key, bytes), ...changes }))
  return { folder, image, facts }
}

/** Every entry under a root that is not exactly what a writer of `bytesOf` would have stored, in words. */
export function tornEntries(root: string, bytesOf: (image: Uint8Array) => boolean): string[] {
  const torn: string[] = []
  for (const shelf of list(join(root, 'v1'))) {
    for (const pair of list(join(root, 'v1', shelf))) {
      for (const key of list(join(root, 'v1', shelf, pair)).filter(name => !name.endsWith('.json'))) {
        const folder = join(root, 'v1', shelf, pair, key)
        if (!isWhole(folder, key, bytesOf)) torn.push(`${folder}: ${list(folder)}`)
      }
    }
  }
  return torn
}

function isWhole(folder: string, key: string, bytesOf: (image: Uint8Array) => boolean): boolean {
  const text = readFileSync(join(folder, 'entry.json'), 'utf8')
  const { body } = JSON.parse(text)
  const image = readFileSync(join(folder, body.fileName))
  const framed = text === frame(body)
  return (
    framed &&
    body.key === key &&
    body.size === image.length &&
    body.sha256 === sha256(image) &&
    bytesOf(image)
  )
}

export function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/**
 * Compiles the code under test for child processes, which can't read TypeScript: the sources, not the built package, so
 * that a test can run, and fail, without a build before it. Returns the folder.
 */
export function compile(): string {
  const source = dirname(dirname(fileURLToPath(import.meta.url)))
  const target = mkdtempSync(join(tmpdir(), 'upscale-cache-js-'))
  writeFileSync(join(target, 'package.json'), '{ "type": "module" }')
  symlinkSync(join(dirname(source), 'node_modules'), join(target, 'node_modules'))
  const isSource = (name: string): boolean => /(?<!\.test)\.ts$/.test(name) && !name.includes('test-support')
  for (const name of readdirSync(source, { recursive: true }).map(String).filter(isSource)) {
    mkdirSync(dirname(join(target, name)), { recursive: true })
    const { outputText } = ts.transpileModule(readFileSync(join(source, name), 'utf8'), {
      compilerOptions: {
        module: ts.ModuleKind.ESNext,
        target: ts.ScriptTarget.ES2023,
        rewriteRelativeImportExtensions: true,
        verbatimModuleSyntax: true,
      },
    })
    writeFileSync(join(target, name.replace(/\.ts$/, '.js')), outputText)
  }
  execFileSync('chmod', ['-R', 'a+rX', target])
  return target
}

export interface Child {
  readonly process: ChildProcess
  /** What it has printed so far. */
  output(): string
  /** Waits until it has printed a text. */
  printed(text: string): Promise<void>
  /** The exit code, or the signal's name. */
  readonly end: Promise<number | string>
}

/**
 * Starts Node on a module text. `wrapper` goes in front: `['setpriv', …]`. What the module finds in
 * `process.argv` starts at index 1.
 */
export function startChild(
  script: string,
  args: readonly string[] = [],
  wrapper: readonly string[] = [],
): Child {
  const [command = '', ...rest] = [...wrapper, process.execPath, '--input-type=module', '-e', script, ...args]
  const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  let output = ''
  const listeners = new Set<() => void>()
  const add = (chunk: Buffer): void => {
    output += chunk
    for (const listener of listeners) listener()
  }
  child.stdout.on('data', add)
  child.stderr.on('data', add)
  const end = new Promise<number | string>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve(code ?? signal ?? 'gone'))
  })
  const printed = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (output.includes(text)) resolve()
      }
      listeners.add(look)
      look()
      void end.then(code => reject(new Error(`ended with ${code} before it printed ${text}: ${output}`)))
    })
  return { process: child, output: () => output, printed, end }
}

/** Mounts a file system in memory, unmounted after the test. Needs root. */
export function mountTmpfs(options: string): string {
  const folder = temporaryFolder()
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder])
  onTestFinished(() => void execFileSync('umount', ['-l', folder]))
  return folder
}

export function canTrace(): boolean {
  try {
    execFileSync('strace', ['-o', '/dev/null', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Which of the two kinds of root a cache has. */
export type RootKind = 'scratch' | 'durable'

/**
 * A process with a cache at argv[1]. `store(name, size)` commits a picture whose bytes follow from its name, and
 * prints what came of it.
 */
export function cacheScript(compiled: string, body: string, kind: RootKind = 'scratch'): string {
  return `
    import { createHash } from 'node:crypto'
    import { openCache } from '${compiled}/cache/cache.js'
    const [, root, id] = process.argv
    const events = []
    const cache = openCache(root, { tag: ${kind === 'scratch'}, onEvent: event => events.push(event.kind) })
    const keyOf = name => createHash('sha256').update('key ' + name).digest('hex')
    const facts = key => ({ key, fileName: 'hero-2x.png', width: 64, height: 32, format: 'png', engine: 'resize', model: 'm' })
    const picture = (name, size) => Buffer.alloc(size, keyOf(name))
    const say = (...words) => process.stdout.write(words.join(' ') + '\\n')
    const store = async (name, size) => {
      try {
        const entry = await cache.commit('outputs', facts(keyOf(name)), picture(name, size))
        say('stored', name, entry.facts.sha256)
      } catch (error) {
        say('failed', name, error.code, error.cause?.code, JSON.stringify(error.message))
      }
    }
    ${body}
    say('events', events.join())`
}

/** True for bytes that `store` may have written: one key's hex characters over and over. */
export function isPicture(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  return /^[0-9a-f]{64}$/.test(text.slice(0, 64)) && text.slice(64) === text.slice(0, -64)
}

/** Stores a picture in this process and finds it. */
export async function storeHere(root: string): Promise<void> {
  const cache = openCache(root, { tag: true, onEvent: () => {} })
  const key = keyOf(1)
  const facts = {
    key,
    fileName: 'hero-2x.png',
    width: 64,
    height: 32,
    format: 'png',
    engine: 'resize',
    model: 'm',
  } as const
  await cache.commit('outputs', facts, Buffer.alloc(100_000, key))
  expect(isPicture((await cache.find('outputs', key))?.bytes ?? new Uint8Array())).toBe(true)
}
