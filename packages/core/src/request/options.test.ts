import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { resize } from '../engines/resize.ts'
import { isUpscaleError } from '../errors.ts'
import { loadEnv } from './env.ts'
import {
  completeFacts,
  type HostFacts,
  type ResolvedOptions,
  resolveOptions,
  type UpscalerOptions,
} from './options.ts'

const host: HostFacts = { root: '/project', env: {}, engines: { local: { ...resize, id: 'local' } } }

function resolveWith(options: UpscalerOptions, env: HostFacts['env'] = {}): ResolvedOptions {
  return resolveOptions(options, { ...host, env })
}

function refusal(options: unknown, env: HostFacts['env'] = {}): { code: string; message: string } {
  try {
    resolveWith(options as UpscalerOptions, env)
  } catch (error) {
    if (isUpscaleError(error)) return error
    throw error
  }
  throw new Error('accepted')
}

describe('defaults', () => {
  test('are complete and absolute', () => {
    expect(resolveWith({})).toMatchObject({
      root: resolve('/project'),
      engine: 'local',
      factor: 2,
      cacheDir: resolve('/project/.upscale'),
      scratchDir: resolve('/project/node_modules/.cache/upscale'),
      scratchAdvice: undefined,
      concurrency: 4,
      budgetMicros: 1_000_000,
      frozen: false,
      maxPixels: 67_108_864,
    })
  })

  test('come from the environment where it says something', () => {
    const env = { UPSCALE_CACHE_DIR: '/cache', UPSCALE_FROZEN: '1', UPSCALE_BUDGET: '2.5' }
    expect(resolveWith({}, env)).toMatchObject({ cacheDir: '/cache', frozen: true, budgetMicros: 2_500_000 })
    expect(resolveWith({ cacheDir: 'mine', frozen: false, budget: 0 }, env)).toMatchObject({
      cacheDir: resolve('/project/mine'),
      frozen: false,
      budgetMicros: 0,
    })
  })

  test('freeze paid engines where CI is set', () => {
    expect(resolveWith({}, { CI: 'true' }).frozen).toBe(true)
    expect(resolveWith({}, { CI: 'false' }).frozen).toBe(false)
    expect(resolveWith({}, { CI: 'true', UPSCALE_FROZEN: '0' }).frozen).toBe(false)
    expect(resolveWith({ frozen: false }, { CI: 'true' }).frozen).toBe(false)
  })

  test('fall back to the resampler, and say so, where the host brings no local engine', () => {
    const notices: string[] = []
    const resolved = resolveOptions({}, { root: '/project', env: {} }, notice => notices.push(notice))
    expect(resolved.engine).toBe('resize')
    expect(notices.join()).toContain('upscale-local')
  })
})

test('a root without a host is relative to the working folder, and its .env files are read', () => {
  const folder = mkdtempSync(join(tmpdir(), 'upscale-root-'))
  writeFileSync(join(folder, '.env'), 'UPSCALE_BUDGET=7\n')
  const options = { root: relative(process.cwd(), folder), engine: 'resize' }
  const resolved = resolveOptions(options, completeFacts(options, {}))
  expect(resolved.root).toBe(folder)
  expect(resolved.budgetMicros).toBe(7_000_000)
})

describe('invalid', () => {
  test.each([
    [{ concurency: 2 }, 'did you mean "concurrency"'],
    [{ concurrency: 0 }, 'concurrency is 0 (number), expected a whole number from 1 to 64'],
    [{ factor: '2' }, 'factor is "2" (string)'],
    [{ factor: 1 }, 'above 1'],
    [{ budget: -1 }, 'budget is -1'],
    [{ frozen: 'yes' }, 'true or false'],
    [{ presets: { 2: { factor: 2 } } }, 'must not look like a number'],
    [{ presets: { hero: { facter: 2 } } }, 'did you mean "factor"'],
    [{ engines: { mine: {} } }, 'engines.mine'],
    [{ include: [''] }, 'include'],
    [{ __proto__x: 1 }, 'unknown option'],
  ])('refuses %j', (options, part) => {
    expect(refusal(options)).toMatchObject({ code: 'BAD_OPTION', message: expect.stringContaining(part) })
  })

  test('names every wrong key at once', () => {
    expect(refusal({ factor: 99, maxPixels: 'big' }).message).toMatch(/factor.*maxPixels/)
  })

  test('refuses an engine name that nobody configured', () => {
    expect(refusal({ engine: 'lokal' })).toMatchObject({
      code: 'UNKNOWN_ENGINE',
      message: expect.stringContaining('did you mean "local"'),
    })
  })

  test.each([
    ['UPSCALE_FROZEN', 'maybe'],
    ['UPSCALE_BUDGET', 'lots'],
  ])('refuses %s=%s', (name, value) => {
    expect(refusal({}, { [name]: value }).message).toContain(name)
  })

  test('refuses a key under a name that ends up in the page, without printing it', () => {
    const error = refusal({}, { VITE_LUMENFALL_API_KEY: 'lmnfl_canary.secret' })
    expect(error.code).toBe('KEY_EXPOSED')
    expect(error.message).not.toContain('canary')
  })
})

test('env files are read in order, and the process wins', () => {
  const root = mkdtempSync(join(tmpdir(), 'upscale-env-'))
  writeFileSync(join(root, '.env'), 'A=env\nB=env\nC=env\nD=env\n')
  writeFileSync(join(root, '.env.local'), 'B=local\nC=local\nD=local\n')
  writeFileSync(join(root, '.env.production'), 'C=production\nD=production\n')
  expect(loadEnv(root, 'production', { D: 'process' })).toMatchObject({
    A: 'env',
    B: 'local',
    C: 'production',
    D: 'process',
  })
})

test('a value of an env file may name others, as Vite reads it', () => {
  const root = mkdtempSync(join(tmpdir(), 'upscale-env-'))
  writeFileSync(
    join(root, '.env'),
    ['TEAM_KEY=file', 'LUMENFALL_API_KEY=$TEAM_KEY', 'FAL_KEY=$' + '{HERE}-x', 'PLAIN=a\\$b'].join('\n'),
  )
  const env = loadEnv(root, 'production', { HERE: 'process' })
  expect(env).toMatchObject({ LUMENFALL_API_KEY: 'file', FAL_KEY: 'process-x', PLAIN: 'a$b' })
})
