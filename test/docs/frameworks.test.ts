import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BINARY } from '../cli/command.ts'
import { findChromium, launchChromium } from '../support/chromium.ts'
import { serve } from '../support/serve.ts'
import { example } from './frameworks/example.ts'
import { look, type Tagged } from './frameworks/shown.ts'

/*
 * Every example of a framework is built by its own script, and its page is opened. They show the same four pictures,
 * each referred to in another way that is usual there.
 */

const DUNES = 'img[alt="Dunes"]'
const CHART = 'img[alt="A chart"]'
const LOGO = 'img[alt="upscale"]'
const PATTERN = '[aria-label="A pattern"]'

interface Framework {
  /** Folder of the example, if it isn't the name. */
  readonly example?: string
  /** The script that builds, if it isn't `build`. */
  readonly script?: string
  /** Folder of the finished site, or the command that serves it. */
  readonly site: string | readonly [binary: string, ...args: string[]]
  /** Folders with everything that reaches browsers. */
  readonly output: readonly string[]
  readonly pictures: string
  /** The pages' HTML is written by the build, so it names the pictures. */
  readonly hasHtml: boolean
  /** Elements whose pictures the framework encodes once more. */
  readonly encodesAgain?: readonly string[]
  /** What the plugin says in a build is shown; some tools keep it to themselves. */
  readonly isTold: boolean
}

const NEXT = {
  example: 'next',
  site: ['next', 'start'],
  output: ['.next/static', '.next/server'],
  pictures: 'app/pictures',
  hasHtml: true,
  encodesAgain: [DUNES],
} as const

const FRAMEWORKS: Readonly<Record<string, Framework>> = {
  'vite-vue': { site: 'dist', output: ['dist'], pictures: 'src/pictures', hasHtml: false, isTold: true },
  'vite-react': { site: 'dist', output: ['dist'], pictures: 'src/pictures', hasHtml: false, isTold: true },
  sveltekit: { site: 'build', output: ['build'], pictures: 'src/lib/pictures', hasHtml: true, isTold: true },
  astro: {
    site: 'dist',
    output: ['dist'],
    pictures: 'src/pictures',
    hasHtml: true,
    encodesAgain: [DUNES, CHART],
    isTold: true,
  },
  vitepress: {
    site: 'docs/.vitepress/dist',
    output: ['docs/.vitepress/dist'],
    pictures: 'docs/pictures',
    hasHtml: true,
    isTold: false,
  },
  'next by Turbopack': { ...NEXT, isTold: false },
  'next by webpack': { ...NEXT, script: 'build:webpack', isTold: true },
  nuxt: {
    site: '.output/public',
    output: ['.output/public'],
    pictures: 'app/pictures',
    hasHtml: true,
    isTold: true,
  },
  rsbuild: { site: 'dist', output: ['dist'], pictures: 'src/pictures', hasHtml: false, isTold: false },
  esbuild: { site: 'dist', output: ['dist'], pictures: 'src/pictures', hasHtml: false, isTold: false },
}

let browser: Browser

beforeAll(async () => {
  if (findChromium() !== undefined) browser = await launchChromium()
})
afterAll(() => browser?.close())

function taggedIn({ pictures, encodesAgain = [] }: Framework): Tagged[] {
  const files = { [LOGO]: 'logo.png', [DUNES]: 'dunes.jpg', [CHART]: 'chart.png', [PATTERN]: 'terrazzo.png' }
  return Object.entries(files).map(([element, file]) => ({
    element,
    source: join(pictures, file),
    bytes: encodesAgain.includes(element) ? 'encoded again' : 'same',
  }))
}

/** Opens a page as a dense screen does, and closes it when the visit is over. What fails in it fails the visit. */
async function visit(url: string, see: (page: Page) => Promise<void>): Promise<void> {
  const page = await browser.newPage({ deviceScaleFactor: 2 })
  const failures: string[] = []
  page.on('pageerror', error => failures.push(error.message))
  page.on('console', message => {
    if (message.type() === 'error') failures.push(`${message.text()} ${message.location().url}`)
  })
  // Asked for by the browser itself, and no example has one.
  await page.route('**/favicon.ico', route => route.fulfill({ status: 204 }))
  try {
    await page.goto(url)
    await page.waitForSelector(LOGO)
    await see(page)
    expect(failures).toEqual([])
  } finally {
    await page.close()
  }
}

const MINUTES = 60_000

const run = promisify(execFile)

describe.skipIf(findChromium() === undefined).each(Object.entries(FRAMEWORKS))('%s', (name, framework) => {
  test('builds a page whose pictures are the engine’s, twice as large', {
    timeout: 5 * MINUTES,
  }, async () => {
    const { root, build, serve: start, texts } = example(framework.example ?? name)
    const output = await build(framework.script)
    // SvelteKit names the plugins with hooks that it has no use for.
    expect(output).not.toContain('transform_index_html_unsupported')
    const made = [...output.matchAll(/(\d+) upscaled/g)].map(([, count]) => Number(count))
    // Builds for the browser and for the server share the work.
    if (framework.isTold) expect(made.reduce((sum, count) => sum + count)).toBe(4)

    const files = (await Promise.all(framework.output.map(folder => texts(folder)))).flatMap(map => [...map])
    expect(files.filter(([, text]) => /[?&](?:amp;)?upscale\b/.test(text)).map(([file]) => file)).toEqual([])
    // Where a bundler has no hook for it, the command has the last look.
    if (name === 'next by Turbopack') {
      const check = await run(process.execPath, [BINARY, 'check', '.next'], { cwd: root })
      expect(check.stdout).toMatch(/^[1-9]\d* files searched, 0 tagged references left$/m)
    }

    const { site } = framework
    const server = typeof site === 'string' ? await serve(join(root, site), '/') : await start(...site)
    try {
      const html = (await (await fetch(server.url)).text()).replaceAll('&amp;', '&')
      const tagged = taggedIn(framework)
      await visit(server.url, async page => {
        const { problems, urls } = await look(page, root, tagged)
        expect(problems).toEqual([])
        // Backgrounds are named by a style sheet.
        const images = urls.filter((_, index) => tagged[index]?.element !== PATTERN)
        const paths = images.map(url => url.slice(new URL(url).origin.length))
        if (framework.hasHtml) expect(paths.filter(path => !html.includes(path))).toEqual([])
      })
    } finally {
      await server.close()
    }
  })
})

describe.skipIf(findChromium() === undefined).each([
  ['sveltekit', ['vite', 'dev']],
  ['astro', ['astro', 'dev']],
] as const)('the dev server of %s', (name, [binary, command]) => {
  test('shows placeholders of the right size, then the engine’s pictures', async () => {
    const { root, clear, serve: start } = example(name)
    await clear()
    const server = await start(binary, command)
    try {
      const tagged = taggedIn(FRAMEWORKS[name]!)
      const wrongSizes: string[] = []
      await visit(server.url, async page => {
        const watch = async (): Promise<string[]> => {
          const { problems } = await look(page, root, tagged)
          wrongSizes.push(...problems.filter(problem => problem.includes('made of')))
          return problems
        }
        await expect.poll(watch, { timeout: 60_000, interval: 500 }).toEqual([])
      })
      expect(wrongSizes).toEqual([])
    } finally {
      await server.close()
    }
  })
})

test.each(['next', 'astro'])('in %s a tagged import has the type of an image import', async name => {
  const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript')), 'tsc.js')
  const config = fileURLToPath(new URL(`../bundlers/fixtures/types/tsconfig.${name}.json`, import.meta.url))
  const { stdout } = await run(process.execPath, [tsc, '-p', config]).catch(error => error)
  expect(stdout).toBe('')
})
