import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { beforeEach, expect } from 'vitest'
import type { FileEngine, FileRequest } from '../engines/engine.ts'
import { type ErrorCode, isUpscaleError, UpscaleError } from '../errors.ts'
import type { UpscalerOptions } from '../request/options.ts'
import { createUpscaler, type Upscaler } from '../upscaler.ts'

// For the tests of this folder: a project, and a paid service that behaves as told.

/** The project of the test that runs, with one picture, `a.png`. */
export let root: string

/** Gives every test of a file a project of its own. */
export function useProject(): void {
  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'upscale-money-'))
    await draw('a.png', 0)
  })
}

export async function draw(name: string, shade: number): Promise<void> {
  const data = new Uint8Array(20 * 20 * 3).map((_, at) =>
    Math.min(255, (Math.floor(at / 3) % 20) * 10 + shade),
  )
  await sharp(data, { raw: { width: 20, height: 20, channels: 3 } })
    .png()
    .toFile(join(root, name))
}

/** A promise with its key: Node 20 has no Promise.withResolvers. */
export function gate(): { readonly promise: Promise<void>; resolve(): void } {
  let open = (): void => {}
  const promise = new Promise<void>(resolve => {
    open = resolve
  })
  return { promise, resolve: () => open() }
}

export type Behaviour = (request: FileRequest) => Promise<Uint8Array>

export const enlarge: Behaviour = ({ png, width, height }) =>
  sharp(png)
    .resize(width * 2, height * 2)
    .png()
    .toBuffer()

export const fails =
  (code: ErrorCode): Behaviour =>
  () =>
    Promise.reject(new UpscaleError(code, `the service said ${code}`, { hint: 'wait' }))

/** A paid service that behaves as told, call by call, then honestly. */
export function service(
  behaviours: Behaviour[] = [],
  recovery: FileEngine['recovery'] = 'none',
): { readonly engine: FileEngine; readonly requests: readonly FileRequest[] } {
  const requests: FileRequest[] = []
  const engine: FileEngine = {
    exchange: 'file',
    id: 'service',
    model: 'model',
    revision: '1',
    billing: 'paid',
    recovery,
    priceMicros: 60_000,
    scaleFor: () => 2,
    checkParams: params => params,
    async upscale(request) {
      requests.push(request)
      const behave = behaviours.shift() ?? enlarge
      return { bytes: await behave(request), costMicros: 60_000 }
    },
  }
  return { engine, requests }
}

export function start(engine: FileEngine, options: UpscalerOptions = {}): Upscaler {
  return createUpscaler({ engine, ...options }, { root, env: {} })
}

export async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return isUpscaleError(error) ? error.code : String(error)
}

/** The ledger's events in order, over all runs. */
export function ledger(): string[] {
  const folder = join(root, '.upscale', 'v1', 'ledger')
  const lines = readdirSync(folder).flatMap(name =>
    readFileSync(join(folder, name), 'utf8').trim().split('\n'),
  )
  return lines
    .map(line => JSON.parse(line))
    .sort((one, other) => one.at.localeCompare(other.at))
    .map(({ event }) => event)
}

/** The one record on a shelf. */
export function recordOf(shelf: string): string {
  const folder = join(root, '.upscale', 'v1', shelf)
  const [name = expect.fail(`nothing in ${folder}`)] = readdirSync(folder, { recursive: true })
    .map(String)
    .filter(path => path.endsWith('.json'))
  return join(folder, name)
}
