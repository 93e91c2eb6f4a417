import { appendFile, cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { type Gateway, startGateway } from '../services/gateway/index.ts'
import { findChromium } from '../support/chromium.ts'
import { copyExample, type Example, openSite, runIn } from '../support/example.ts'
import { readTree } from '../support/site.ts'

// The recipes for static sites, each run as its README says.

/** Every page and style sheet of a built site, as one text. */
async function textOf(folder: string): Promise<string> {
  const files = [...(await readTree(folder))].filter(([name]) => /\.(?:html|css)$/.test(name))
  return files.map(([, bytes]) => bytes.toString()).join('\n')
}

const RECIPES = [
  {
    name: 'eleventy',
    folder: '_site',
    base: '/',
    pages: ['', 'notes/stone/index.html'],
    seen: [
      {
        images: {
          Terrazzo: '320x320 /pictures/terrazzo-2x-#.png',
          'A leaf': '96x96 /pictures/icon-2x-#.png',
        },
        backgrounds: ['320x320 /pictures/terrazzo-2x-#.png'],
        failures: [],
      },
      {
        images: { 'Terrazzo, once more': '320x320 /pictures/terrazzo-2x-#.webp' },
        backgrounds: ['320x320 /pictures/terrazzo-2x-#.png'],
        failures: [],
      },
    ],
  },
  {
    name: 'hugo-like',
    folder: 'dist',
    base: '/',
    pages: ['', 'posts/stone/index.html'],
    seen: [
      {
        images: {
          plain: '320x320 /images/terrazzo.#-2x-#.png',
          set: '96x96 /images/icon.#-2x-#.png',
        },
        backgrounds: ['320x320 /images/terrazzo.#-2x-#.png'],
        failures: [],
      },
      { images: { modern: '320x320 /images/terrazzo.#-2x-#.webp' }, backgrounds: [], failures: [] },
    ],
  },
  {
    name: 'jekyll-like',
    folder: 'dist',
    base: '/garden/',
    pages: ['', '2026/05/stone/index.html'],
    seen: [
      {
        images: {
          plain: '320x320 /garden/assets/terrazzo-2x-#.png',
          set: '96x96 /garden/assets/icon-2x-#.png',
        },
        backgrounds: [],
        failures: [],
      },
      {
        images: { relative: '240x240 /garden/assets/terrazzo-1.5x-#.png' },
        backgrounds: ['320x320 /garden/assets/terrazzo-2x-#.png'],
        failures: [],
      },
    ],
  },
] as const

describe.each(RECIPES)('the example $name', ({ name, folder, base, pages, seen }) => {
  let example: Example

  beforeAll(async () => {
    example = await copyExample(name)
    await example.build()
  })
  afterAll(() => example.remove())

  test.runIf(findChromium())('shows every tagged picture larger, and nothing is missing', async () => {
    expect(await openSite(join(example.root, folder), base, pages)).toEqual(seen)
  })

  test('leaves no tag behind', async () => {
    expect(await textOf(join(example.root, folder))).not.toContain('upscale=')
  })

  test('gives the same bytes again, out of the cache', async () => {
    const before = await readTree(join(example.root, folder))
    expect(await example.build()).toMatch(/0 upscaled, \d from the cache/)
    expect(await readTree(join(example.root, folder))).toEqual(before)
  })
})

describe('the workflow of examples/github-actions', () => {
  const KEY = 'lmnfl_canary.c0ffee0ddba11'
  let gateway: Gateway
  let example: Example
  let remote: string
  let steps: (job: string, env?: Readonly<Record<string, string>>) => Promise<string>

  beforeAll(async () => {
    gateway = await startGateway({ key: KEY })
    example = await copyExample('github-actions')
    remote = await mkdtemp(join(tmpdir(), 'upscale-remote-'))
    const git = (...args: string[]) => runIn(example.root, 'git', args)
    await runIn(remote, 'git', ['init', '--bare', '--quiet', '--initial-branch=main'])
    await git('init', '--quiet', '--initial-branch=main')
    await appendFile(join(example.root, '.gitignore'), 'node_modules\ndist\n')
    await git('add', '.')
    await git('-c', 'user.name=a', '-c', 'user.email=a@localhost', 'commit', '--quiet', '-m', 'Site')
    await git('push', '--quiet', '--set-upstream', remote, 'main')
    const workflow = parse(await readFile(join(example.root, '.github/workflows/site.yml'), 'utf8'))
    // Runs what a runner would run; the checkout and the installation are there.
    steps = async (job, env = {}) => {
      const output: string[] = []
      for (const { run, env: own = {} } of workflow.jobs[job].steps) {
        if (run === undefined || run === 'npm ci') continue
        const given = Object.fromEntries(Object.entries(own).filter(([name]) => !(name in env)))
        const all = { CI: 'true', LUMENFALL_BASE_URL: gateway.url, ...given, ...env }
        output.push(await runIn(example.root, 'bash', ['-e', '-c', run], all))
      }
      return output.join('\n')
    }
  })
  afterAll(async () => {
    await Promise.all([gateway.close(), example.remove(), rm(remote, { recursive: true })])
  })

  test('builds nothing unpaid in a pull request, and calls nobody', async () => {
    await expect(steps('build')).rejects.toThrow('FROZEN_MISS')
    expect(gateway.requests).toEqual([])
  })

  test('buys on the main branch, commits what was bought, and does neither twice', async () => {
    await steps('buy', { LUMENFALL_API_KEY: KEY })
    expect(gateway.orders).toHaveLength(1)
    const log = await runIn(remote, 'git', ['log', '--format=%s', '--name-only', '-1', 'main'])
    expect(log).toMatch(/^Upscaled pictures\n/)
    expect(log).toContain('.upscale/manifest.json')
    await steps('buy', { LUMENFALL_API_KEY: KEY })
    expect(gateway.orders).toHaveLength(1)
    expect(await runIn(remote, 'git', ['rev-list', '--count', 'main'])).toBe('2\n')
  })

  test.runIf(findChromium())(
    'then builds every checkout without a key, and the page shows the picture',
    async () => {
      const checkout = join(example.root, 'node_modules/.checkout')
      await runIn(remote, 'git', ['clone', '--quiet', remote, checkout])
      expect((await readdir(checkout)).includes('node_modules')).toBe(false)
      // A fresh machine has the commit and what `npm ci` installs, nothing else.
      await rm(join(example.root, 'node_modules/.cache'), { recursive: true, force: true })
      await rm(join(example.root, '.upscale'), { recursive: true })
      await mkdir(join(example.root, '.upscale'))
      await cp(join(checkout, '.upscale'), join(example.root, '.upscale'), { recursive: true })
      await steps('build')
      expect(gateway.orders).toHaveLength(1)
      expect(await openSite(join(example.root, 'dist'), '/', [''])).toEqual([
        { images: { terrazzo: '320x320 /terrazzo-2x-#.png' }, backgrounds: [], failures: [] },
      ])
    },
  )
})
