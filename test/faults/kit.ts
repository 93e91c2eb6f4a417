import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { createUpscaler, isUpscaleError, lumenfall, type UpscalerOptions } from 'upscale-core'
import { expect, inject, onTestFinished } from 'vitest'
import {
  type Child,
  isRootOnLinux,
  list,
  mountTmpfs,
  startChild,
  temporaryFolder,
} from '../../packages/core/src/test-support/fault-kit.ts'
import { type Gateway, type GatewayOptions, startGateway } from '../services/gateway/index.ts'

/** In no file and no output of any scenario: every project and every process that is made here is searched for it. */
export const CANARY = 'lmnfl_canary.7f3dd41c0ffee5ecaB'

/** What the gateway charges for a picture, in millionths of a US dollar. */
export const PRICE_MICROS = 60_000

/** The project's side length of every picture, in pixels. */
export const SIDE = 16

const FORMS = [CANARY, Buffer.from(CANARY).toString('base64'), Buffer.from(CANARY).toString('hex')]

/** A gateway that takes the key, closed when the test ends. */
export async function openGateway(options: Omit<GatewayOptions, 'key'> = {}): Promise<Gateway> {
  const gateway = await startGateway({ key: CANARY, ...options })
  onTestFinished(() => gateway.close())
  return gateway
}

/** True for bytes that hold the key in any of its forms. */
export function holdsCanary(bytes: Buffer | string): boolean {
  return FORMS.some(form => bytes.includes(form))
}

/**
 * A project folder with `count` pictures `0.png`, `1.png`, …, no two with the same pixels. After the test every byte
 * in it is searched for the key.
 */
export async function makeProject(count: number): Promise<string> {
  // In memory and of a limited size where we may mount: no test can fill the machine's disk, or wear it out.
  const folder = isRootOnLinux ? mountTmpfs('size=128m,mode=777') : temporaryFolder()
  for (let number = 0; number < count; number++) {
    const data = new Uint8Array(SIDE * SIDE * 3).map((_, at) => shade(at, number))
    await sharp(data, { raw: { width: SIDE, height: SIDE, channels: 3 } })
      .png()
      .toFile(join(folder, `${number}.png`))
  }
  onTestFinished(() => expect(leaksIn(folder), 'files that hold the key').toEqual([]))
  return folder
}

/** A ramp whose ends, one per channel, spell the number. */
function shade(at: number, number: number): number {
  const x = Math.floor(at / 3) % SIDE
  const digit = Math.floor(number / 12 ** (at % 3)) % 12
  return 8 * digit + 8 * x
}

/** Files below a folder that hold the key. */
export function leaksIn(folder: string): string[] {
  return filesBelow(folder).filter(file => holdsCanary(readFileSync(file)) || holdsCanary(file))
}

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
}

export function pictures(count: number): string[] {
  return Array.from({ length: count }, (_, number) => `${number}.png`)
}

/** What a buyer is told; everything in it is JSON. */
export interface Order {
  readonly root: string
  readonly url: string
  readonly images: readonly string[]
  readonly options?: Omit<UpscalerOptions, 'engine' | 'engines'>
  /** Milliseconds until a call is given up. @default 60000 */
  readonly timeoutMs?: number
  /** Starts when this file exists, not before. */
  readonly goFile?: string
  /** Stays open until this file exists, so that its run goes on. */
  readonly leaveFile?: string
  /** How far its machine's clock is ahead, in milliseconds. */
  readonly aheadMs?: number
  /** Says the same while it runs; a clock that nobody has set where it does not exist. */
  readonly clockFile?: string
  /** Kills itself with SIGKILL in place of its n-th change to the disk, from 1. */
  readonly dieAt?: number
  /** Kills itself with SIGKILL once it has written down what it spends and holds for the n-th time: 1 joins, 2 holds. */
  readonly dieAtRun?: number | undefined
}

const BUYER = `
  import { subscribe } from 'node:diagnostics_channel'
  import { existsSync, readFileSync, writeSync } from 'node:fs'
  import { setTimeout as sleep } from 'node:timers/promises'
  const [, core, text] = process.argv
  const order = JSON.parse(text)
  const { now } = Date
  const { clockFile: clock } = order
  const isSet = () => clock !== undefined && existsSync(clock)
  Date.now = () => now() + (isSet() ? Number(readFileSync(clock)) : (order.aheadMs ?? 0))
  Object.defineProperty(performance, 'timeOrigin', { value: performance.timeOrigin + (order.aheadMs ?? 0) })
  const say = (...words) => process.stdout.write(words.join(' ') + '\\n')
  const appears = async file => { while (file !== undefined && !existsSync(file)) await sleep(5) }
  const deaths = await import(core + '/deaths.mjs')
  const { createUpscaler } = await import(core + '/upscaler.js')
  const { lumenfall } = await import(core + '/engines/lumenfall/lumenfall.js')
  await import('file://' + core + '/image/codec.js')
  const engine = lumenfall({ baseURL: order.url, timeoutMs: order.timeoutMs ?? 60_000 })
  const upscaler = createUpscaler(
    { root: order.root, engine, budget: 1000, frozen: false, ...order.options },
    { onNotice: notice => say('notice', notice) },
  )
  // The last byte of a response was read; undici says so before whoever reads it may look at it.
  subscribe('undici:request:trailers', ({ request }) => {
    const [, key] = /idempotency-key\\W+([0-9a-f]{64})/i.exec(String(request.headers)) ?? []
    if (key !== undefined) writeSync(1, 'arrived ' + key + '\\n')
  })
  let stops = 0
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, async () => {
      stops += 1
      say('stop', stops)
      if (stops === 1) await upscaler.drain()
      else await upscaler.close()
    })
  }
  say('ready')
  await appears(order.goFile)
  deaths.arm(order.dieAt)
  deaths.armRun(order.dieAtRun)
  await Promise.all(order.images.map(async name => {
    try {
      const { origin, width, digest } = await upscaler.upscale(name)
      say('done', name, origin, width, digest)
    } catch (error) {
      say('failed', name, error.code, JSON.stringify(error.message))
    }
  }))
  say('finished', deaths.count(), process.resourceUsage().maxRSS)
  await appears(order.leaveFile)
  await upscaler.close()
  say('closed', upscaler.report().spentMicros)
  process.exit(0)`

/** Starts a process that buys pictures. After the test its output is searched for the key. */
export function startBuyer(order: Order, wrapper: readonly string[] = []): Child {
  const core = inject('core')
  const environment = ['env', '-u', 'CI', `LUMENFALL_API_KEY=${CANARY}`]
  const child = startChild(BUYER, [core, JSON.stringify(order)], [...environment, ...wrapper])
  onTestFinished(() => expect(holdsCanary(child.output()), child.output()).toBe(false))
  return child
}

/** What a buyer said about its pictures: `done` or a code, by name. */
export function outcomes(child: Child): Map<string, string> {
  const lines = child.output().matchAll(/^(done|failed) (\S+) (\S+)/gm)
  return new Map([...lines].map(([, how, name = '', code = '']) => [name, how === 'done' ? 'done' : code]))
}

/** A build in this process. Returns what came of each picture: where it came from, or the code of its error. */
export async function build({ root, url, images, options, timeoutMs }: Order): Promise<Map<string, string>> {
  const engine = lumenfall({ baseURL: url, timeoutMs: timeoutMs ?? 60_000 })
  const upscaler = createUpscaler(
    { root, engine, budget: 1000, frozen: false, ...options },
    { root, env: { LUMENFALL_API_KEY: CANARY } },
  )
  const results = new Map<string, string>()
  await Promise.all(
    images.map(async name => {
      const result = await upscaler.upscale(name).then(
        ({ origin, width }) => (width === 2 * SIDE ? origin : `${width} pixels`),
        (error: unknown) => {
          expect(holdsCanary(String(error)), String(error)).toBe(false)
          return isUpscaleError(error) ? error.code : `uncoded: ${error}`
        },
      )
      results.set(name, result)
    }),
  )
  await upscaler.close()
  return results
}

/** Everything that is JSON on a shelf of the durable cache. */
export function recordsOn(root: string, shelf: 'intents' | 'refusals'): Record<string, unknown>[] {
  return filesBelow(join(root, '.upscale', 'v1', shelf)).map(
    file => JSON.parse(readFileSync(file, 'utf8')).body.record,
  )
}

/** Names of the entries on a shelf of the durable cache. */
export function entriesOn(root: string, shelf: 'answers' | 'received' | 'rejected'): string[] {
  const folder = join(root, '.upscale', 'v1', shelf)
  return list(folder).flatMap(pair => list(join(folder, pair)))
}

export interface LedgerLine {
  readonly event: string
  readonly key: string
  readonly attempt?: number
  readonly costMicros?: number
}

/** The whole lines of all ledgers. */
export function readLedger(root: string): LedgerLine[] {
  const folder = join(root, '.upscale', 'v1', 'ledger')
  return list(folder)
    .flatMap(name => readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1))
    .map(line => JSON.parse(line))
}

/**
 * Orders that may have been charged, as the books have them: those in the ledger, and those whose process died before
 * it could write there and which stand as open intents. One order may have several lines.
 */
export function ordersOnTheBooks(root: string): Set<string> {
  const open = filesBelow(join(root, '.upscale', 'v1', 'intents')).map(file => {
    const { key, record } = JSON.parse(readFileSync(file, 'utf8')).body
    return `${key} ${record.attempt}`
  })
  const told = readLedger(root)
    .filter(({ event }) => event === 'charged' || event === 'uncertain')
    .map(({ key, attempt }) => `${key} ${attempt}`)
  return new Set([...open, ...told])
}

export function makeFolder(...parts: string[]): string {
  const folder = join(...parts)
  mkdirSync(folder, { recursive: true })
  return folder
}
