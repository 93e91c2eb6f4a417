import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Command } from 'commander'
import { createUpscaler, isUpscaleError, type ResolvedOptions } from 'upscale-core'
import { freeBytes, loadSharp, openRemoteStore } from 'upscale-core/internal'
import { type Config, loadConfig } from '../config.ts'
import { EXIT } from '../exit-codes.ts'
import { type CommonFlags, withCommonFlags, withExamples } from '../flags.ts'
import { createPrinter, messageOf } from '../print.ts'
import { hostEngines, mergeOptions } from '../session.ts'
import { printBytes, printTable } from '../table.ts'

/** One thing that was looked at. */
interface Check {
  readonly name: string
  readonly state: 'ok' | 'note' | 'wrong'
  readonly text: string
}

const KEYS = ['LUMENFALL_API_KEY', 'FAL_KEY']

/** Less than this on the disk, and a run of some hundred pictures may not end well. */
const LITTLE_ROOM = 1e9

/** `upscale doctor`: would a run work here? */
export function addDoctor(program: Command): void {
  const command = program
    .command('doctor')
    .description(
      'Check Node, the decoder, the configuration, keys (never shown), the cache folders, and the remote cache.',
    )
  withCommonFlags(command)
  withExamples(command, ['upscale doctor', 'upscale doctor --json'])
  command.action(async (flags: CommonFlags) => {
    process.exitCode = await doctor(flags)
  })
}

async function doctor(flags: CommonFlags): Promise<number> {
  const print = createPrinter(flags)
  const checks = [checkNode(), await checkSharp(), ...(await checkProject(flags)), await checkServer()]
  const marks = {
    ok: print.paint.green('ok'),
    note: print.paint.yellow('note'),
    wrong: print.paint.red('wrong'),
  }
  print.result(printTable(checks.map(({ name, state, text }) => [marks[state], name, text])))
  const isWell = checks.every(({ state }) => state !== 'wrong')
  print.document({ ok: isWell, checks })
  return isWell ? EXIT.ok : EXIT.failed
}

function checkNode(): Check {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const fits = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22
  const text = `Node ${process.versions.node} on ${process.platform} ${process.arch}`
  return {
    name: 'node',
    state: fits ? 'ok' : 'wrong',
    text: fits ? text : `${text}; needed is ^20.19 or >=22.12`,
  }
}

async function checkSharp(): Promise<Check> {
  try {
    const sharp = await loadSharp()
    const grey = { width: 1, height: 1, channels: 3 as const, background: '#777' }
    await sharp({ create: grey }).png().toBuffer()
    return {
      name: 'decoder',
      state: 'ok',
      text: `sharp ${sharp.versions.sharp}, libvips ${sharp.versions.vips}`,
    }
  } catch (error) {
    return {
      name: 'decoder',
      state: 'wrong',
      text: `sharp fails: ${messageOf(error)}; install again on this system`,
    }
  }
}

async function checkProject(flags: CommonFlags): Promise<Check[]> {
  try {
    const config = await loadConfig(flags.config)
    const upscaler = createUpscaler(mergeOptions(config, flags, []), {
      root: config.root,
      env: config.env,
      engines: hostEngines(config.options),
    })
    const { options } = upscaler
    return [
      checkConfig(config),
      checkEngine(options),
      ...checkKeys(config.env),
      ...(await checkFolders(options)),
      await checkRemote(options),
    ]
  } catch (error) {
    // A key under a public prefix arrives here as well, with its remedy.
    return [{ name: 'config', state: 'wrong', text: messageOf(error) }]
  }
}

function checkConfig({ file }: Config): Check {
  return { name: 'config', state: 'ok', text: file ?? 'none; defaults and flags decide' }
}

function checkEngine({ engine, engines, frozen, budgetMicros }: ResolvedOptions): Check {
  const chosen = engines.get(engine)
  const money =
    chosen?.billing === 'paid'
      ? `, paid${frozen ? ', frozen' : ''}, budget US$${budgetMicros / 1e6} a run`
      : ', free'
  return { name: 'engine', state: 'ok', text: `${engine} (${chosen?.model})${money}` }
}

/** Says which keys are there; what they are is nobody's business. */
function checkKeys(env: Readonly<Record<string, string | undefined>>): Check[] {
  return KEYS.map(name => {
    const isSet = env[name] !== undefined && env[name] !== ''
    return {
      name: 'key',
      state: isSet ? 'ok' : 'note',
      text: `${name} is ${isSet ? 'set' : 'not set; only paid engines need it'}`,
    }
  })
}

async function checkFolders({ cacheDir, scratchDir }: ResolvedOptions): Promise<Check[]> {
  return Promise.all([checkFolder('cache', cacheDir), checkFolder('scratch', scratchDir)])
}

async function checkFolder(name: string, folder: string): Promise<Check> {
  let there = folder
  while (!existsSync(there) && dirname(there) !== there) there = dirname(there)
  const probe = join(there, `.upscale-${randomUUID()}`)
  try {
    await writeFile(probe, '')
    await rm(probe)
    const free = await freeBytes(there)
    if (free === undefined) return { name, state: 'ok', text: `${folder} can be written` }
    const text = `${folder} can be written, ${printBytes(free)} free`
    return { name, state: free < LITTLE_ROOM ? 'note' : 'ok', text }
  } catch (error) {
    return { name, state: 'wrong', text: `${folder} can't be written: ${messageOf(error)}` }
  }
}

/** Whether the remote cache answers, and takes and gives back what is stored; one that may only be read is only asked. */
async function checkRemote({ remoteCache }: ResolvedOptions): Promise<Check> {
  const name = 'remote cache'
  if (remoteCache === undefined)
    return { name, state: 'note', text: 'none; machines share nothing but the repository' }
  const store = openRemoteStore(remoteCache)
  const key = `upscale:v1:probes:${randomUUID()}`
  const probe = Buffer.from('upscale doctor')
  try {
    if (remoteCache.readOnly) {
      await store.has(key)
      return { name, state: 'ok', text: `${remoteCache.name} answers; it is only read here` }
    }
    await store.put(key, probe, 60)
    const back = await store.get(key, 1000)
    await store.remove(key)
    return back !== undefined && probe.equals(back)
      ? { name, state: 'ok', text: `${remoteCache.name} can be read and written` }
      : { name, state: 'wrong', text: `${remoteCache.name} does not give back what was stored` }
  } catch (error) {
    return {
      name,
      state: 'wrong',
      text: `${remoteCache.name}: ${isUpscaleError(error) ? error.problem : messageOf(error)}`,
    }
  } finally {
    await store.close()
  }
}

async function checkServer(): Promise<Check> {
  try {
    await import('upscale-server')
    return { name: 'server', state: 'ok', text: 'upscale-server is installed' }
  } catch {
    return {
      name: 'server',
      state: 'note',
      text: 'upscale-server is not installed; only "upscale serve" needs it',
    }
  }
}
