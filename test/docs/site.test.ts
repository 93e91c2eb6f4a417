import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, posix } from 'node:path'
import { promisify } from 'node:util'
import type { Browser, Page as Tab } from 'playwright-core'
import { OPTION_NAMES } from 'upscale-core/internal'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findChromium, launchChromium } from '../support/chromium.ts'
import { type StaticServer, serve } from '../support/serve.ts'
import { DOCS } from './pages.ts'

let outDir: string
let said: string
/** Path of each page, from the root of the site. */
let pages: readonly string[]

beforeAll(async () => {
  outDir = await mkdtemp(join(tmpdir(), 'upscale-site-'))
  const run = async (tool: string, ...args: string[]): Promise<string> => {
    const env = { ...process.env, CI: 'true', NO_COLOR: '1' }
    const { stdout, stderr } = await promisify(execFile)(join(DOCS, 'node_modules/.bin', tool), args, {
      cwd: DOCS,
      env,
    })
    return stdout + stderr
  }
  said = await run('tsx', '--tsconfig', '../tsconfig.json', 'generate/index.ts')
  said += await run('vitepress', 'build', '--outDir', outDir)
  const files = await readdir(outDir, { recursive: true })
  pages = files.map(file => file.replaceAll('\\', '/')).filter(file => file.endsWith('.html'))
}, 300_000)
afterAll(() => rm(outDir, { recursive: true, force: true }))

test('the site builds without a warning, with its reference', () => {
  expect(said).not.toMatch(/warn|error/i)
  for (const page of ['index', 'start/vite', 'errors', 'reference/options', 'reference/api/upscale-core']) {
    expect(pages).toContain(`${page}.html`)
  }
})

test('assistants get a list of all pages, and all pages as one text', async () => {
  const list = await readFile(join(outDir, 'llms.txt'), 'utf8')
  const named = [...list.matchAll(/\]\(\.\/([^)]+)\)/g)].map(([, page = '']) => page)
  expect(named).toEqual(expect.arrayContaining(['start/vite.html', 'reference/options.html']))
  expect(named.filter(page => !pages.includes(page))).toEqual([])
  const full = await readFile(join(outDir, 'llms-full.txt'), 'utf8')
  expect(full).toContain("import upscale from 'unplugin-upscale/webpack'")
  expect(full).not.toMatch(/^```.*not-run/m)
})

test('the reference has every option of the plugin', async () => {
  const html = await readFile(join(outDir, 'reference/options.html'), 'utf8')
  const missing = [...OPTION_NAMES, 'leftovers', 'dev', 'onReport', 'report', 'dts'].filter(
    name => !html.includes(`<code>${name}</code>`),
  )
  expect(missing).toEqual([])
})

test('every link leads to a page or a file, and every anchor to a heading', async () => {
  const texts = new Map(
    await Promise.all(pages.map(async page => [page, await readFile(join(outDir, page), 'utf8')] as const)),
  )
  const dead: string[] = []
  for (const [page, html] of texts) {
    for (const [, address = ''] of html.matchAll(/<(?:a|link|script|img)\b[^>]*?\s(?:href|src)="([^"]*)"/g)) {
      if (/^(?:[a-z]+:|\/\/)/i.test(address)) continue
      const [path = '', anchor = ''] = decodeURI(address.replaceAll('&amp;', '&')).split('#')
      const target =
        path === ''
          ? page
          : fileOf(posix.join('/', posix.dirname(page), path.startsWith('/') ? '' : path), path)
      if (!existsSync(join(outDir, target))) dead.push(`${page}: ${address}`)
      else if (anchor !== '' && !texts.get(target)?.includes(`id="${anchor}"`))
        dead.push(`${page}: ${address}`)
    }
  }
  expect(dead).toEqual([])
})

/** The file of an address: of a relative one its place in the site is given first. */
function fileOf(joined: string, path: string): string {
  const place = (path.startsWith('/') ? path : joined).slice(1)
  if (place === '' || place.endsWith('/')) return `${place}index.html`
  return /\.\w+$/.test(place) ? place : `${place}.html`
}

test('the pictures of the site are those of the engine: twice the size of the sources', async () => {
  const assets = await readdir(join(outDir, 'assets'))
  for (const name of ['poster', 'editor', 'lake']) {
    // By the default engine, the fast network, and resampling.
    expect(
      assets.filter(asset => asset.startsWith(`${name}-2x.`) || asset.startsWith(`${name}-2x-`)),
    ).toHaveLength(3)
  }
})

describe.skipIf(findChromium() === undefined)('opened in Chromium', () => {
  let browser: Browser
  let server: StaticServer
  beforeAll(async () => {
    browser = await launchChromium()
    server = await serve(outDir, '/')
  })
  afterAll(async () => {
    await browser.close()
    await server.close()
  })

  /** A tab of this width, and what went wrong in it. */
  async function openTab(width: number, scheme: 'light' | 'dark'): Promise<{ tab: Tab; wrong: string[] }> {
    const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme: scheme })
    const tab = await context.newPage()
    const wrong: string[] = []
    tab.on('pageerror', error => wrong.push(error.message))
    tab.on('console', message => {
      if (['error', 'warning'].includes(message.type())) wrong.push(message.text())
    })
    tab.on('response', response => {
      if (response.status() >= 400) wrong.push(`${response.status()} ${response.url()}`)
    })
    tab.on('request', request => {
      const url = request.url()
      if (!url.startsWith(server.url) && !url.startsWith('data:')) wrong.push(`leaves the site: ${url}`)
    })
    return { tab, wrong }
  }

  test.each([
    [1280, 'light'],
    [390, 'dark'],
  ] as const)(
    'at %s pixels, %s, no page has an error, a dead picture, or scrolls sideways',
    async (width, scheme) => {
      const failures: string[] = []
      const { tab, wrong } = await openTab(width, scheme)
      for (const path of pages.filter(page => page !== '404.html')) {
        await tab.goto(server.url + path, { waitUntil: 'load' })
        await tab.evaluate('document.querySelectorAll("img").forEach(image => { image.loading = "eager" })')
        await tab.waitForFunction('[...document.images].every(image => image.complete)')
        const dead = await tab.evaluate(
          '[...document.images].filter(one => one.naturalWidth === 0).map(one => one.src)',
        )
        const overflow = await tab.evaluate('document.documentElement.scrollWidth - innerWidth')
        if (overflow !== 0) wrong.push(`${overflow} pixels too wide`)
        failures.push(...[...wrong.splice(0), ...(dead as string[])].map(one => `${path}: ${one}`))
      }
      await tab.context().close()
      expect(failures).toEqual([])
    },
    // Some seventy pages in all, on a machine that may be busy.
    400_000,
  )

  test('the slider of the landing page moves with the arrow keys, and the buttons change the picture', async () => {
    const { tab } = await openTab(1280, 'light')
    await tab.goto(server.url)
    const shown = (): Promise<unknown> =>
      tab.evaluate('getComputedStyle(document.querySelector(".before-after .after")).clipPath')
    const before = await shown()
    await tab.locator('.before-after input[type=range]').focus()
    for (let press = 0; press < 20; press++) await tab.keyboard.press('ArrowLeft')
    await tab.waitForFunction(`document.querySelector(".before-after input").value === "30"`)
    expect(await shown()).not.toBe(before)
    await tab.locator('.before-after button', { hasText: 'Lake' }).click()
    await tab.waitForFunction(`document.querySelector(".before-after .after img").src.includes("lake-2x")`)
    const sizes = await tab.evaluate(
      'Promise.all([...document.querySelectorAll(".before-after img")].map(one => one.decode().then(() => one.naturalWidth)))',
    )
    expect(sizes).toEqual([600, 1200])
    await tab.context().close()
  })

  test('the search finds an error code', async () => {
    const { tab } = await openTab(1280, 'light')
    await tab.goto(server.url)
    // The key does nothing before the page has taken its script.
    const search = tab.locator('#localsearch-input')
    const open = async (): Promise<boolean> => {
      if (!(await search.isVisible())) await tab.keyboard.press('Control+k')
      return search.isVisible()
    }
    await expect.poll(open).toBe(true)
    await search.fill('FROZEN_MISS')
    await tab.waitForSelector('.VPLocalSearchBox .result')
    const results = await tab.locator('.VPLocalSearchBox .result').allInnerTexts()
    expect(results.join('\n')).toContain('FROZEN_MISS')
    await tab.context().close()
  })
})
