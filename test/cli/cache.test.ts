import { appendFile, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Gateway, startGateway } from '../services/gateway/index.ts'
import { paint } from '../support/pictures.ts'
import { readTree } from '../support/site.ts'
import { makeProject, type Project } from './command.ts'

const KEY = 'lmnfl_canary.c0ffee0ddba11'

let gateway: Gateway
let project: Project
let env: Record<string, string>

beforeAll(async () => {
  gateway = await startGateway({ key: KEY })
  env = { LUMENFALL_API_KEY: KEY, LUMENFALL_BASE_URL: gateway.url }
})
afterAll(() => gateway.close())

beforeEach(async () => {
  gateway.reset()
  project = await makeProject()
  await Promise.all(['img/a.png', 'img/b.jpg', 'public/c.png'].map(name => paint(project.root, name)))
})
afterEach(() => project.remove())

async function document(args: readonly string[], code = 0): Promise<Record<string, unknown>> {
  const outcome = await project.run([...args, '--json'], { env })
  expect({ code: outcome.code, stderr: outcome.stderr }).toMatchObject({ code })
  return JSON.parse(outcome.stdout) as Record<string, unknown>
}

const SOURCES: Readonly<Record<string, string>> = {
  'src/app.ts':
    'import a from \'../img/a.png?upscale=2\'\nnew URL("../img/b.jpg?upscale=3&engine=resize", import.meta.url)',
  'src/page.vue': '<template><img src="/c.png?upscale=2&amp;format=webp"></template>',
  'src/text.md': '![a picture](../img/a.png?upscale=2) and again ../img/a.png?upscale=2',
  'src/main.css': 'a { background: url(../img/a.png?upscale=4&engine=resize) }',
  'index.html': '<img srcset="img/a.png?upscale=2;3&amp;as=srcset&amp;engine=resize">',
  'node_modules/x/index.js': "import '../../img/b.jpg?upscale=2'",
}

async function writeSources(): Promise<void> {
  await Promise.all(Object.entries(SOURCES).map(([name, text]) => project.write(name, text)))
}

describe('plan', () => {
  test('lists what sources of all kinds ask for, once, with price and place, and writes nothing', async () => {
    await writeSources()
    const before = await readTree(project.root)
    const { images, priceMicros, errors } = await document(['plan', '--engine', 'lumenfall'])
    const rows = (images as { source: string; factor: number; engine: string; place: { importer: object } }[])
      .map(({ source, factor, engine }) => `${source} ${factor} ${engine}`)
      .sort()
    expect(rows).toEqual([
      'img/a.png 2 lumenfall',
      'img/a.png 2 resize',
      'img/a.png 3 resize',
      'img/a.png 4 resize',
      'img/b.jpg 3 resize',
      'public/c.png 2 lumenfall',
    ])
    expect(priceMicros).toBe(120_000)
    expect(errors).toEqual([])
    expect(await readTree(project.root)).toEqual(before)
    expect(gateway.orders).toHaveLength(0)
  })

  test('ends with 3 under --frozen as long as a paid picture is missing, and with 0 afterwards', async () => {
    await writeSources()
    const missing = await project.run(['plan', '--engine', 'lumenfall', '--frozen'], { env })
    expect(missing.code).toBe(3)
    expect(missing.stdout).toContain('US$0.12 to pay')
    expect((await project.run(['warm', '--engine', 'lumenfall'], { env })).code).toBe(0)
    const there = await project.run(['plan', '--engine', 'lumenfall', '--frozen'], { env })
    expect(there.stdout).toContain('6 pictures: 0 missing, US$0.00 to pay')
    expect(there.code).toBe(0)
  })

  test('names the places of references that are wrong', async () => {
    await project.write('src/app.js', "\nimport './gone.png?upscale=2'\nimport '../img/a.png?upscale=99'")
    const { code, stderr } = await project.run(['plan', 'src'])
    expect(code).toBe(1)
    expect(stderr).toContain('"./gone.png?upscale=2" in src/app.js:2')
    expect(stderr).toContain('"../img/a.png?upscale=99" in src/app.js:3')
  })
})

describe('warm', () => {
  test('makes everything, so that the second time nothing is made or paid', async () => {
    await writeSources()
    const first = await document(['warm', '--engine', 'lumenfall'])
    expect(first).toMatchObject({ counts: { engine: 6, cache: 0 }, spentMicros: 120_000, errors: [] })
    const second = await document(['warm', '--engine', 'lumenfall', '--frozen'])
    expect(second).toMatchObject({ counts: { engine: 0, cache: 6 }, spentMicros: 0 })
    expect(gateway.orders).toHaveLength(2)
  })

  test('ends with 3 when the budget is not enough', async () => {
    await writeSources()
    const { code, stderr } = await project.run(['warm', '--engine', 'lumenfall', '--budget', '0.1'], { env })
    expect(code).toBe(3)
    expect(stderr).toContain('BUDGET_EXCEEDED')
    expect(gateway.orders).toHaveLength(1)
  })
})

describe('why', () => {
  test('finds the whole story of a file that was paid for, whatever it is called', async () => {
    await project.run(
      ['img/b.jpg', '--out', 'elsewhere/renamed.jpg', '--quality', '71', '--engine', 'lumenfall'],
      { env },
    )
    const { requestId } = gateway.charges[0]!
    const story = await document(['why', 'elsewhere/renamed.jpg'])
    expect(story).toMatchObject({
      known: true,
      output: { engine: 'lumenfall', model: 'ideogram-upscale', width: 40, height: 24, format: 'jpeg' },
      quality: 71,
      costMicros: 60_000,
      requestId,
      source: { file: 'img/b.jpg', digest: expect.stringMatching(/^[0-9a-f]{64}$/) },
    })
    const { stdout } = await project.run(['why', 'elsewhere/renamed.jpg'])
    for (const part of ['ideogram-upscale', 'US$0.06', requestId, 'img/b.jpg']) expect(stdout).toContain(part)
    expect(gateway.orders).toHaveLength(1)
  })

  test('says so when a file is not known', async () => {
    const { code, stdout } = await project.run(['why', 'img/a.png'])
    expect(code).toBe(1)
    expect(stdout).toContain('was not made by the upscaler')
    expect((await project.run(['why', 'gone.png'])).code).toBe(2)
  })
})

describe('the cache', () => {
  beforeEach(async () => {
    await project.run(['img/a.png', '--out', 'out', '--engine', 'lumenfall'], { env })
    await project.run(['img/b.jpg', '--out', 'out', '--engine', 'resize'])
  })

  test('is listed', async () => {
    const { stdout } = await project.run(['ls'])
    expect(stdout).toMatch(/durable +answer +lumenfall +ideogram-upscale +40 × 24/)
    expect(stdout).toMatch(/2 pictures, .*, US\$0\.06 paid for them/)
    const { entries } = await document(['ls', '--outputs'])
    // The answer of `resize` is not kept, only its file.
    expect(entries).toHaveLength(3)
  })

  test('is verified, and damage is named but left alone', async () => {
    expect(await document(['verify'])).toMatchObject({
      counts: {
        'durable answers': 1,
        'scratch outputs': 2,
        'durable sources': 1,
        'scratch sources': 1,
      },
      damaged: [],
    })
    const files = (await readdir(project.path('.upscale/v1/answers'), { recursive: true })).filter(name =>
      name.endsWith('.png'),
    )
    const answer = join(project.root, '.upscale/v1/answers', files[0]!)
    await appendFile(answer, 'x')
    const before = await readTree(project.root)
    const { code, stdout } = await project.run(['verify'])
    expect(code).toBe(1)
    expect(stdout).toMatch(/damaged \.upscale\/v1\/answers\/.*answer\.png has \d+ bytes instead of \d+/)
    expect(await readTree(project.root)).toEqual(before)
  })

  test('is pruned of what can be made again, and of nothing that was paid for', async () => {
    const dry = await project.run(['prune', '--dry-run'])
    expect(dry.stdout).toContain('2 pictures would be removed')
    expect(await document(['prune', '--older-than', '1h'])).toMatchObject({ removed: [], kept: 2 })
    expect(await document(['prune', '--max-size', '1GB'])).toMatchObject({ removed: [], kept: 2 })
    expect(await document(['prune'])).toMatchObject({ kept: 0 })
    expect(((await document(['ls', '--outputs'])).entries as unknown[]).length).toBe(1)
    const again = await project.run(['img/a.png', '--out', 'out', '--engine', 'lumenfall', '--frozen'], {
      env,
    })
    expect(again.code).toBe(0)
    expect(gateway.orders).toHaveLength(1)
    const refused = await project.run(['prune', '--paid'])
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain('--older-than')
  })

  test('has an account of what was paid', async () => {
    const { stdout } = await project.run(['report'])
    expect(stdout).toMatch(/lumenfall +ideogram-upscale +1 +0 +0 +US\$0\.06/)
    expect(await document(['report'])).toMatchObject({ calls: 1, costMicros: 60_000 })
  })
})

describe('doctor', () => {
  test('finds a healthy project, says which keys are there, and shows none', async () => {
    const { code, stdout, stderr } = await project.run(['doctor'], { env })
    expect(code).toBe(0)
    expect(stdout).toMatch(/ok +node +Node/)
    expect(stdout).toMatch(/ok +decoder +sharp/)
    expect(stdout).toMatch(/ok +key +LUMENFALL_API_KEY is set/)
    expect(stdout).toMatch(/note +key +FAL_KEY is not set/)
    expect(stdout).toMatch(/\.upscale can be written, .* free/)
    expect(`${stdout}${stderr}`).not.toContain(KEY)
  })

  test('finds a key in the page, a wrong option, and a cache that can not be written', async () => {
    const exposed = await project.run(['doctor'], { env: { NEXT_PUBLIC_FAL_KEY: 'canary-fal-key' } })
    expect(exposed.code).toBe(1)
    expect(exposed.stdout).toContain('KEY_EXPOSED')
    expect(exposed.stdout).not.toContain('canary')
    await project.write('file', '')
    const blocked = await document(['doctor', '--cache-dir', 'file/cache'], 1)
    expect(blocked).toMatchObject({
      ok: false,
      checks: expect.arrayContaining([expect.objectContaining({ name: 'cache', state: 'wrong' })]),
    })
    await project.write('upscale.config.mjs', 'export default { factor: 99 }')
    expect((await project.run(['doctor'])).stdout).toContain('factor is 99')
  })
})

test('models lists the engines, those of the config included', async () => {
  await project.write('upscale.config.mjs', 'export default { engine: "resize" }')
  const { engines } = await document(['models'])
  expect(engines).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ name: 'resize', billing: 'free', isDefault: true }),
      expect.objectContaining({ name: 'local', billing: 'free', isDefault: false }),
      expect.objectContaining({ name: 'lumenfall', billing: 'paid', priceMicros: 60_000 }),
    ]),
  )
})

test('serve answers over the same cache, and stops on Ctrl-C', async () => {
  const running = project.start(['serve', '--port', '0', '--engine', 'resize'])
  let url = ''
  running.child.stdout.on('data', (chunk: Buffer) => {
    url ||= /http:\S+/.exec(chunk.toString())?.[0] ?? ''
  })
  await expect.poll(() => url, { timeout: 20_000 }).not.toBe('')
  const models: unknown = await (await fetch(`${url}/models`)).json()
  expect(JSON.stringify(models)).toContain('resize')
  running.child.kill('SIGINT')
  expect((await running.end).code).toBe(130)
})

describe('help', () => {
  const COMMANDS = [
    'run',
    'html',
    'check',
    'plan',
    'warm',
    'why',
    'ls',
    'verify',
    'prune',
    'doctor',
    'models',
    'report',
    'types',
    'migrate',
    'serve',
    'enqueue',
    'work',
    'queue',
  ]

  test.each(COMMANDS)('of %s has an example', async command => {
    const { code, stdout } = await project.run([command, '--help'])
    expect(code).toBe(0)
    expect(stdout).toContain('Usage: upscale')
    expect(stdout).toMatch(/Examples:\n {2}\$ upscale /)
    expect(stdout).toContain('--json')
  })

  test('and the README know the same commands and flags', async () => {
    const readme = await readFile(new URL('../../packages/cli/README.md', import.meta.url), 'utf8')
    const helps = await Promise.all(
      COMMANDS.map(async command => (await project.run([command, '--help'])).stdout),
    )
    const flagsOf = (text: string): string[] => [...new Set(text.match(/--[a-z][a-z-]+/g))].sort()
    expect(flagsOf(readme)).toEqual(flagsOf(helps.join('\n')))
    for (const command of COMMANDS.slice(1)) expect(readme).toMatch(new RegExp(`upscale ${command}\\b`))
  })

  test('lists every command and the exit codes, and a shell can complete them', async () => {
    const { stdout } = await project.run(['--help'])
    for (const command of COMMANDS) expect(stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'))
    expect(stdout).toContain('Exit codes:')
    expect((await project.run(['complete', 'bash'])).stdout).toContain('upscale')
    expect((await project.run(['complete', '--', 'ver'])).stdout).toContain('verify')
    expect((await project.run(['complete', '--', 'run', '--fallback', ''])).stdout).toContain('original')
  })
})

test('a cache folder that is gone is an empty cache', async () => {
  await rm(project.path('.upscale'), { recursive: true, force: true })
  for (const command of ['ls', 'verify', 'prune', 'report']) {
    const { code, stderr } = await project.run([command])
    expect({ command, code, stderr }).toEqual({ command, code: 0, stderr: '' })
  }
})
