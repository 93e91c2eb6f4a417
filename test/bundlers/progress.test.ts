import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { paint } from '../support/pictures.ts'
import { type Site, writeSite } from '../support/site.ts'

/** The `script` of util-linux gives a process a terminal. */
const canHaveTerminal = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes(
  'util-linux',
)

const SCRIPT = fileURLToPath(new URL('../support/run-build.mjs', import.meta.url))
const HOSTS = ['vite', 'webpack', 'rspack', 'rsbuild', 'rollup', 'rolldown', 'esbuild', 'farm'] as const
const PICTURES = ['a.png', 'b.png', 'c.png', 'd.png', 'e.png']

const sites: Site[] = []
afterEach(async () => {
  await Promise.all(sites.splice(0).map(site => site.remove()))
})

async function project(): Promise<Site> {
  const imports = PICTURES.map((picture, at) => `import p${at} from './${picture}?upscale=2'`)
  const site = await writeSite({
    'src/main.js': `${imports.join('\n')}\nconsole.log(${PICTURES.map((_, at) => `p${at}`)})`,
    'index.html':
      '<!doctype html><html><body><script type="module" src="./src/main.js"></script></body></html>',
  })
  sites.push(site)
  await Promise.all(PICTURES.map(picture => paint(join(site.root, 'src'), picture)))
  return site
}

/** Everything that a build wrote, as it was written. */
async function build(
  host: string,
  { root }: Site,
  milliseconds: number,
  more: { isTerminal?: boolean; env?: Record<string, string> } = {},
): Promise<string> {
  const { CI: _, NO_COLOR: __, FORCE_COLOR: ___, ...env } = process.env
  const command = [process.execPath, SCRIPT, host, root, String(milliseconds)]
  const terminal = `stty cols 60 rows 24; ${command.map(word => `'${word}'`).join(' ')}`
  const [program = '', ...args] = more.isTerminal ? ['script', '-qec', terminal, '/dev/null'] : command
  const child = spawn(program, args, {
    cwd: root,
    env: { ...env, TERM: 'xterm', ...more.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', data => (output += data))
  await once(child, 'close')
  return output
}

/** What is left on a terminal's screen: text drawn over is gone. */
function screenOf(output: string): string[] {
  const lines: string[] = []
  let line = ''
  let isAtStart = false
  for (const token of output.match(TOKEN) ?? []) {
    if (token === '\n') {
      lines.push(line)
      line = ''
    } else if (token === '\r' || token === `${ESC}[1G`) isAtStart = true
    else if ([`${ESC}[K`, `${ESC}[0K`, `${ESC}[2K`].includes(token)) line = ''
    else if (!token.startsWith(ESC)) {
      line = isAtStart ? token + line.slice(token.length) : line + token
      isAtStart = false
    }
  }
  return [...lines, line]
}

const ESC = '\u001b'
/** An escape sequence, a move, or text. */
const TOKEN = new RegExp(`${ESC}\\[[\\d;?]*[A-Za-z]|\\r|\\n|[^${ESC}\\r\\n]+`, 'g')
const DRAWN = new RegExp(`\\r${ESC}\\[2K\\[upscale\\] \\d/\\d [^\\r\\n${ESC}]*`, 'g')
const PROGRESS = /\[?upscale\]? .*?\d\/\d/

test.each(HOSTS)('%s names the pictures that were refused', async host => {
  const site = await project()
  await writeFile(join(site.root, 'src/b.png'), 'no picture')
  const output = await build(host, site, 0)
  expect(output).toMatch(/1 refused \(src\/b\.png\), US\$0\.00 spent/)
})

describe.skipIf(!canHaveTerminal)('on a terminal', () => {
  test.each(HOSTS)('%s draws one line, takes it away, and ends with a summary', async host => {
    const site = await project()
    // Four are made at a time, so the fifth takes another second.
    const output = await build(host, site, 1000, { isTerminal: true })
    const drawn = output.match(DRAWN) ?? []
    expect(drawn.length, output).toBeGreaterThan(3)
    expect(drawn.every(line => line.length < 60 + `\r${ESC}[2K`.length)).toBe(true)
    expect(drawn.join()).toMatch(/\[upscale\] [1-4]\/[2-5] [a-e]\.png/)
    const screen = screenOf(output)
    expect(screen.filter(line => PROGRESS.test(line))).toEqual([])
    expect(screen.filter(line => line.includes('5 upscaled, 0 from the cache, US$0.00 spent'))).toHaveLength(
      1,
    )
  })

  test.each([{ CI: 'true' }, { TERM: 'dumb' }])(
    'nothing is drawn with %j, but lines are written',
    async env => {
      const output = await build('vite', await project(), 500, { isTerminal: true, env })
      expect(output).not.toContain(`${ESC}[2K[upscale]`)
      expect(output).toMatch(/\[upscale\] \d\/5 [a-e]\.png\r?\n/)
    },
  )
})

test('without a terminal a plain line is written now and then', async () => {
  const output = await build('webpack', await project(), 500)
  expect(output).not.toContain(ESC)
  expect(
    output.split('\n').filter(line => PROGRESS.test(line)),
    output,
  ).toHaveLength(1)
})
