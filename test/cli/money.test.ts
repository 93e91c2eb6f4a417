import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import sharp from 'sharp'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Gateway, startGateway } from '../services/gateway/index.ts'
import { paint } from '../support/pictures.ts'
import { look, makeProject, type Project } from './command.ts'

const KEY = 'lmnfl_canary.c0ffee0ddba11'

let gateway: Gateway
let project: Project
let env: Record<string, string>

beforeAll(async () => {
  gateway = await startGateway({ key: KEY, workMs: 300 })
  env = { LUMENFALL_API_KEY: KEY, LUMENFALL_BASE_URL: gateway.url }
})
afterAll(() => gateway.close())

beforeEach(async () => {
  gateway.reset()
  project = await makeProject()
})
afterEach(() => project.remove())

const ARGS = ['in', '--out', 'out', '--engine', 'lumenfall']

async function paintAll(...names: string[]): Promise<void> {
  await Promise.all(names.map(name => paint(project.root, name)))
}

describe('a paid engine', () => {
  test('is paid once for each picture, and the price is told', async () => {
    await paintAll('in/a.png', 'in/b.png')
    const dry = await project.run([...ARGS, '--dry-run'], { env })
    expect(dry.stdout).toContain('2 pictures planned, US$0.12 for what is missing')
    expect(gateway.orders).toHaveLength(0)
    const first = await project.run(ARGS, { env })
    expect(first.stdout).toContain('2 upscaled, US$0.12 spent')
    expect(first.code).toBe(0)
    const beforehand = 'before the first paid call: 2 pictures are not in the cache, US$0.12 (budget US$1.00)'
    expect(first.stderr).toContain(beforehand)
    const second = await project.run([...ARGS, '--format', 'webp'], { env })
    expect(second.stdout).toContain('US$0.00 spent')
    expect(gateway.orders).toHaveLength(2)
    expect(`${first.stdout}${first.stderr}`).not.toContain(KEY)
  })

  test('stops at the budget with code 3, and what was paid for is there', async () => {
    await paintAll('in/a.png', 'in/b.png', 'in/c.png')
    const { code, stdout, stderr } = await project.run([...ARGS, '--budget', '0.13'], { env })
    expect(code).toBe(3)
    expect(stderr).toContain('BUDGET_EXCEEDED')
    expect(stdout).toContain('2 upscaled, 1 failed')
    expect(gateway.orders).toHaveLength(2)
    expect(await readdir(project.path('out'))).toHaveLength(2)
  })

  test.each([
    ['--frozen', [...ARGS, '--frozen'], {}],
    ['CI', ARGS, { CI: 'true' }],
  ])('is not called under %s: code 3, unless the picture is there', async (_, args, more) => {
    await paintAll('in/a.png')
    const missed = await project.run(args, { env: { ...env, ...more } })
    expect(missed.code).toBe(3)
    expect(missed.stderr).toContain('FROZEN_MISS')
    expect(gateway.orders).toHaveLength(0)
    await project.run([...ARGS, '--no-frozen'], { env: { ...env, ...more } })
    const hit = await project.run(args, { env: { ...env, ...more } })
    expect(hit.code).toBe(0)
    expect(gateway.orders).toHaveLength(1)
  })

  test('may be replaced by a stand-in', async () => {
    await paintAll('in/a.png')
    gateway.respondWith('unauthorized')
    const failed = await project.run(ARGS, { env })
    expect(failed.code).toBe(1)
    const { code, stdout, stderr } = await project.run([...ARGS, '--fallback', 'resize'], { env })
    expect(code).toBe(0)
    expect(stdout).toContain('1 replaced by a stand-in')
    expect(stderr).toContain('notice: ')
    expect(await look(project.path('out/a.png'))).toBe('40x24 png')
  })

  test('may be replaced by the original in a page, which never claims to be twice as large', async () => {
    await paintAll('dist/a.png')
    const auto = '<main><img src="a.png"></main>'
    await project.write('dist/auto.html', auto)
    await project.write('dist/list.html', '<img srcset="a.png?upscale=2&amp;as=srcset">')
    await project.write('dist/tag.html', '<img src="a.png?upscale=2">')
    const args = ['html', 'dist', '--auto', 'main', '--engine', 'lumenfall', '--frozen']
    const frozen = await project.run(args, { env })
    expect(frozen.code).toBe(3)
    expect(await project.read('dist/tag.html')).toContain('?upscale=2')
    const { code, stdout } = await project.run([...args, '--fallback', 'original'], { env })
    expect(code).toBe(0)
    expect(stdout).toContain('1 replaced by a stand-in')
    expect(await project.read('dist/auto.html')).toBe(auto)
    expect(await project.read('dist/list.html')).toBe('<img srcset="a.png 1x">')
    expect(await project.read('dist/tag.html')).toMatch(/^<img src="a-1x-[0-9a-f]{10}\.png">$/)
  })

  test('without a key is a mistake that names the variable', async () => {
    await paintAll('in/a.png')
    const { code, stderr } = await project.run(ARGS)
    expect(code).toBe(1)
    expect(stderr).toContain('LUMENFALL_API_KEY')
  })
})

describe('Ctrl-C', () => {
  test('keeps what is under way, ends with 130, and the next run pays only for the rest', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `in/${index}.png`)
    await paintAll(...names)
    const running = project.start([...ARGS, '--jobs', '2'], { env })
    await running.said(/\[1\]/)
    running.child.kill('SIGINT')
    const { code, stdout, stderr } = await running.end
    expect(code).toBe(130)
    expect(stderr).toContain('Ctrl-C again leaves at once')
    expect(stdout).toMatch(/\d upscaled.* not begun/)
    const paid = gateway.charges.length
    expect(paid).toBeLessThan(12)
    const rest = await project.run(ARGS, { env })
    expect(rest.code).toBe(0)
    expect(gateway.charges).toHaveLength(12)
    expect(await readdir(project.path('out'))).toHaveLength(12)
  })

  test('twice leaves at once', async () => {
    await paintAll('in/a.png')
    gateway.respondWith('hang')
    const running = project.start(ARGS, { env })
    await expect.poll(() => gateway.orders.length, { timeout: 20_000 }).toBe(1)
    running.child.kill('SIGINT')
    await running.said(/Ctrl-C again/)
    // Repeats within half a second are taken for one press.
    await sleep(700)
    running.child.kill('SIGINT')
    expect((await running.end).code).toBe(130)
  })
})

test('a killed run of some hundred pictures goes on where it was, and does nothing twice', async () => {
  await mkdir(project.path('in'))
  const pictures = Array.from({ length: 200 }, (_, index) => project.path(`in/${index}.png`))
  await Promise.all(pictures.map(noise))
  const args = ['in', '--out', 'out', '--engine', 'resize', '--json']
  const running = project.start(args)
  await running.said(/\[60\]/)
  running.child.kill('SIGKILL')
  const { stderr } = await running.end
  const finished = stderr.match(/\[\d+\]/g)?.length ?? 0
  const early = await stamps(project.path('out'))
  expect(early.size).toBeGreaterThanOrEqual(finished)
  const { code, stdout } = await project.run(args)
  expect(code).toBe(0)
  const { counts } = JSON.parse(stdout) as { counts: Record<string, number> }
  expect(counts.unchanged).toBe(early.size)
  expect(counts.cache).toBeGreaterThanOrEqual(early.size)
  const late = await stamps(project.path('out'))
  expect(late.size).toBe(200)
  for (const [name, stamp] of early) expect([name, late.get(name)]).toEqual([name, stamp])
  const sample = await Promise.all(
    ['0.png', '100.png', '199.png'].map(name => look(project.path(`out/${name}`))),
  )
  expect(sample).toEqual(['32x32 png', '32x32 png', '32x32 png'])
})

/** A picture unlike any other, so that no two share an answer. */
async function noise(file: string): Promise<void> {
  await sharp(randomBytes(16 * 16 * 3), { raw: { width: 16, height: 16, channels: 3 } })
    .png()
    .toFile(file)
}

/** The whole pictures of a folder: which file it is and when it was written. */
async function stamps(folder: string): Promise<Map<string, string>> {
  const names = (await readdir(folder)).filter(name => !name.startsWith('.'))
  const pairs = names.map(async name => {
    const { ino, mtimeMs } = await stat(join(folder, name))
    expect((await readFile(join(folder, name))).subarray(-8, -4).toString()).toBe('IEND')
    return [name, `${ino} ${mtimeMs}`] as const
  })
  return new Map(await Promise.all(pairs))
}
