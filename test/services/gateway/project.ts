import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { inspect } from 'node:util'
import {
  createUpscaler,
  type FileEngine,
  isUpscaleError,
  type UpscaledImage,
  type UpscaleError,
  type UpscaleRequest,
  type Upscaler,
} from 'upscale-core'
import { drawSample } from './picture.ts'

/** Width and height of the picture in a project, in pixels. */
export const WIDTH = 48
export const HEIGHT = 32

export interface Run {
  readonly engine: FileEngine
  readonly env: Readonly<Record<string, string>>
  /** @default factor 2 */
  readonly request?: Partial<UpscaleRequest>
}

/** A folder with the picture `assets/hero.png`, and a memory of all that was said and written in it. */
export class TestProject {
  root = ''
  readonly #said: string[] = []
  readonly #written: Buffer[] = []

  /** Makes the folder, before each test. */
  async open(): Promise<void> {
    this.root = await mkdtemp(join(tmpdir(), 'upscale-project-'))
    await mkdir(join(this.root, 'assets'))
    await writeFile(join(this.root, 'assets', 'hero.png'), await drawSample(WIDTH, HEIGHT))
  }

  /** Remembers and removes the folder, after each test. */
  async close(): Promise<void> {
    this.#written.push(...(await readAll(this.root)))
    await rm(this.root, { recursive: true })
  }

  /** Starts a run of its own. Whoever doesn't wait for its end closes its upscaler. */
  start({ engine, env, request = {} }: Run): { upscaler: Upscaler; done: Promise<UpscaledImage> } {
    const upscaler = createUpscaler({ root: this.root, engine }, { root: this.root, env })
    const done = upscaler.upscale(join('assets', 'hero.png'), { factor: 2, ...request })
    // Looked at by whoever waits for it.
    done.catch(() => undefined)
    return { upscaler, done }
  }

  /** One run of its own: an upscaler made, used for one picture, and closed. */
  async upscale(run: Run): Promise<UpscaledImage> {
    const { upscaler, done } = this.start(run)
    try {
      return await done
    } finally {
      this.#said.push(inspect(upscaler, { depth: 8 }), inspect(upscaler.report(), { depth: 8 }))
      await upscaler.close()
    }
  }

  /** What the ledger says was charged, in millionths of a US dollar, line by line. */
  async charged(): Promise<number[]> {
    const files = await readdir(this.root, { recursive: true, withFileTypes: true })
    const ledgers = files.filter(file => file.isFile() && basename(file.parentPath) === 'ledger')
    const texts = await Promise.all(ledgers.map(file => readFile(join(file.parentPath, file.name), 'utf8')))
    const lines = texts.flatMap(text => text.split('\n').filter(line => line !== ''))
    return lines
      .map(line => JSON.parse(line))
      .flatMap(line => (line.event === 'charged' ? line.costMicros : []))
  }

  /** The error with which something is refused. */
  async refusal(act: () => Promise<unknown>): Promise<UpscaleError> {
    const error: unknown = await act().then(
      () => new Error('nothing was refused'),
      reason => reason,
    )
    this.#said.push(inspect(error, { depth: 8, showHidden: true }), String(error), JSON.stringify(error))
    if (isUpscaleError(error)) return error
    throw error
  }

  /** How much was looked at, and every text and file of it that holds the key. */
  searchFor(key: string): { readonly texts: number; readonly files: number; readonly found: unknown[] } {
    const forms = [key, Buffer.from(key).toString('base64'), encodeURIComponent(key)]
    const found = [...this.#said, ...this.#written].filter(one => forms.some(form => one.includes(form)))
    return { texts: this.#said.length, files: this.#written.length, found }
  }
}

async function readAll(folder: string): Promise<Buffer[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return Promise.all(
    entries.filter(entry => entry.isFile()).map(entry => readFile(join(entry.parentPath, entry.name))),
  )
}
