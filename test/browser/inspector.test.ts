import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { lumenfall, type UpscaleOptions } from 'unplugin-upscale'
import type { InlineConfig, Plugin } from 'vite'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Gateway, startGateway } from '../services/gateway/index.ts'
import { findChromium, launchChromium } from '../support/chromium.ts'
import { type DevServer, startDevServer } from '../support/dev-server.ts'
import { gatedEngine } from '../support/gated-engine.ts'
import { paint, SIZE } from '../support/pictures.ts'
import { type Site, writeSite } from '../support/site.ts'

const KEY = 'lmnfl_inspector_test'
const cleanups: (() => Promise<unknown>)[] = []
let browser: Browser

beforeAll(async () => {
  if (findChromium() !== undefined) browser = await launchChromium()
})
afterAll(() => browser?.close())
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

async function project(files: Readonly<Record<string, string>>, ...pictures: string[]): Promise<Site> {
  const site = await writeSite({ 'index.html': '<html></html>', ...files })
  cleanups.push(() => site.remove())
  await Promise.all(pictures.map(picture => paint(site.root, picture)))
  return site
}

async function start(
  site: Site,
  options: UpscaleOptions = {},
  more: InlineConfig = {},
  version: '8' | '7' | '6' = '8',
): Promise<DevServer> {
  const server = await startDevServer(site, options, more, version)
  cleanups.push(() => server.close())
  return server
}

async function gateway(): Promise<Gateway> {
  const made = await startGateway({ key: KEY })
  cleanups.push(() => made.close())
  return made
}

/** A page that shows the inspector; what went wrong in it is thrown at the end of the test. */
async function open(url: string): Promise<Page> {
  const page = await browser.newPage()
  const failures: string[] = []
  page.on('pageerror', error => failures.push(error.message))
  page.on('console', message => {
    // The browser itself notes every answer above 399; the page shows those.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      failures.push(message.text())
  })
  cleanups.push(async () => {
    await page.close()
    expect(failures).toEqual([])
  })
  await page.goto(`${url}__upscale/`)
  return page
}

/** What `@vitejs/devtools-kit` adds to the type of a plugin. */
interface DevtoolsPlugin {
  readonly devtools?: { setup(context: unknown): void }
}

interface Row {
  readonly name: string
  readonly state: string
  readonly text: string
}

/** The rows that are not hidden. Evaluated from outside, since the page's own policy forbids to run texts. */
function rowsOf(page: Page): Promise<Row[]> {
  return page.evaluate<Row[]>(`[...document.querySelectorAll('.card:not([hidden])')].map(card => ({
    name: card.querySelector('h2').textContent,
    state: card.dataset.state,
    text: card.innerText.replace(/\\s+/g, ' '),
  }))`)
}

const statesOf = async (page: Page): Promise<Record<string, string>> =>
  Object.fromEntries((await rowsOf(page)).map(({ name, state }) => [name, state]))

/** The token in the page, as its own script finds it. */
async function tokenOf({ url }: DevServer): Promise<string> {
  const text = await (await fetch(`${url}__upscale/`)).text()
  return /data-token="(\w+)"/.exec(text)?.[1] ?? ''
}

async function idsOf({ url }: DevServer): Promise<string[]> {
  const state = (await (await fetch(`${url}__upscale/pictures.json`)).json()) as { cards: { id: string }[] }
  return state.cards.map(({ id }) => id)
}

/** Asks for pictures as the page does, or otherwise where `headers` say so. */
async function order(
  server: DevServer,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ status: number; text: string }> {
  const response = await fetch(`${server.url}__upscale/make`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      origin: new URL(server.url).origin,
      'x-upscale-token': await tokenOf(server),
      ...headers,
    },
    body: JSON.stringify(body),
  })
  return { status: response.status, text: await response.text() }
}

describe.skipIf(findChromium() === undefined)('on the page', () => {
  const files = {
    'index.html': '<html data-ready>\n<img src="./page.png?upscale=2">\n</html>',
    'src/main.js': "import a from '@/a.png?upscale=3'\nimport b from './gone.png?upscale=2'\n",
    'src/style.css': 'a { background: url(./a.png?upscale=3) }',
  }

  test.each(['8', '7', '6'] as const)(
    'a picture is found with its places and made at the press of a button, in Vite %s',
    async version => {
      const server = await start(await project(files, 'page.png', 'src/a.png'), {}, {}, version)
      const page = await open(server.url)
      await expect
        .poll(() => statesOf(page))
        .toEqual({ 'page.png': 'missing', 'src/a.png': 'missing', './gone.png?upscale=2': 'wrong' })
      const row = (await rowsOf(page)).find(({ name }) => name === 'src/a.png')
      expect(row?.text).toContain(
        `${SIZE.width} × ${SIZE.height} → after: ${SIZE.width * 3} × ${SIZE.height * 3} px`,
      )
      expect(row?.text).toContain('resize')
      expect(row?.text).toContain('src/main.js:1 src/style.css:1')

      await page.getByRole('button', { name: 'Upscale now src/a.png' }).press('Enter')
      await expect.poll(() => statesOf(page), { timeout: 20_000 }).toMatchObject({ 'src/a.png': 'finished' })
      expect(await statesOf(page)).toMatchObject({ 'page.png': 'missing' })
      await page.getByRole('button', { name: /Upscale all free ones/ }).click()
      await expect.poll(() => statesOf(page), { timeout: 20_000 }).toMatchObject({ 'page.png': 'finished' })

      const natural = `[...document.querySelectorAll('.card img')].map(async image => {
        image.loading = 'eager'
        await image.decode()
        return [image.className, image.naturalWidth, image.width]
      })`
      expect(await page.evaluate(`Promise.all(${natural})`)).toEqual([
        ['after', SIZE.width * 2, SIZE.width * 2],
        ['before', SIZE.width, SIZE.width * 2],
        ['after', SIZE.width * 3, SIZE.width * 3],
        ['before', SIZE.width, SIZE.width * 3],
      ])
    },
  )

  test('the line between before and after follows the arrow keys', async () => {
    const server = await start(await project(files, 'page.png', 'src/a.png'))
    const page = await open(server.url)
    await page.getByRole('button', { name: /Upscale all free ones/ }).click()
    const slider = page.getByRole('slider', { name: /page\.png/ })
    await slider.waitFor({ timeout: 20_000 })
    const cut = (): Promise<number> =>
      page.evaluate(
        "parseFloat(getComputedStyle(document.querySelector('.stage')).getPropertyValue('--cut'))",
      )
    expect(await cut()).toBe(SIZE.width)
    await slider.focus()
    for (let presses = 0; presses < 10; presses++) await page.keyboard.press('ArrowLeft')
    expect(await slider.inputValue()).toBe('40')
    expect(await cut()).toBeCloseTo(SIZE.width * 2 * 0.4)
    await page.keyboard.press('Home')
    expect(await cut()).toBe(0)
  })

  test('pictures are filtered by state and by name', async () => {
    const server = await start(await project(files, 'page.png', 'src/a.png'))
    const page = await open(server.url)
    await page.getByRole('radio', { name: /^Wrong/ }).check()
    expect(Object.keys(await statesOf(page))).toEqual(['./gone.png?upscale=2'])
    await page.getByRole('radio', { name: /^All/ }).check()
    await page.getByRole('searchbox').fill('PAGE')
    expect(Object.keys(await statesOf(page))).toEqual(['page.png'])
  })

  test('a place is opened in the editor by the server, and the page stays', async () => {
    const site = await project(files, 'page.png', 'src/a.png')
    const server = await start(site, {}, { base: '/sub/' })
    const page = await open(server.url)
    const asked: string[] = []
    await page.route('**/__open-in-editor**', route => {
      asked.push(route.request().url())
      return route.fulfill({ status: 200 })
    })
    await page.getByRole('link', { name: 'src/style.css:1' }).click()
    const file = encodeURIComponent(`${join(site.root, 'src/style.css')}:1`)
    await expect.poll(() => page.getByRole('status').textContent()).toContain('Opening src/style.css:1')
    await expect.poll(() => asked).toEqual([`${server.url}__open-in-editor?file=${file}`])
    expect(page.url()).toBe(`${server.url}__upscale/`)
  })

  test('work that a page of the site began is seen, and so is a picture that no source spells out', async () => {
    const gated = gatedEngine()
    const site = await project({ 'src/main.js': "export default '/built.pngTAG'" }, 'built.png')
    const tagging = { name: 'tagging', transform: (code: string) => code.replace('TAG', '?upscale=2') }
    const server = await start(site, { engine: gated.engine }, { plugins: [tagging] })
    const page = await open(server.url)
    expect(await rowsOf(page)).toEqual([])
    await fetch(`${server.url}src/main.js`)
    await fetch(`${server.url}built.png?upscale=2`)
    await expect.poll(() => statesOf(page), { timeout: 10_000 }).toEqual({ 'built.png': 'working' })
    expect(await page.getByRole('status').textContent()).toBe('1 in work')
    gated.open()
    await expect.poll(() => statesOf(page), { timeout: 10_000 }).toEqual({ 'built.png': 'finished' })
  })

  test('a paid picture is bought after its price was confirmed, and not before', async () => {
    const service = await gateway()
    const engine = lumenfall({ apiKey: KEY, baseURL: service.url })
    const site = await project({ 'src/main.js': "import a from './a.png?upscale=2'" }, 'src/a.png')
    const server = await start(site, { engine, frozen: false })
    const page = await open(server.url)
    const buy = page.getByRole('button', { name: 'Upscale now for US$0.06 src/a.png' })
    await buy.click()
    const dialog = page.getByRole('dialog')
    expect(await dialog.textContent()).toContain('src/a.png costs US$0.06')
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    await buy.click()
    await page.keyboard.press('Escape')
    expect(service.requests).toEqual([])

    await buy.click()
    await dialog.getByRole('button', { name: 'Pay US$0.06' }).click()
    await expect.poll(() => statesOf(page), { timeout: 20_000 }).toEqual({ 'src/a.png': 'finished' })
    expect(service.charges).toHaveLength(1)
    expect((await rowsOf(page))[0]?.text).toContain('Paid so far US$0.06')
    expect(await page.content()).not.toContain(KEY)
  })
})

describe('an order', () => {
  const files = { 'src/main.js': "import a from './a.png?upscale=2'" }

  test('from another site, or without the token of the page, is refused', async () => {
    const gated = gatedEngine()
    gated.open()
    const server = await start(await project(files, 'src/a.png'), { engine: gated.engine })
    const ids = await idsOf(server)
    const foreign: Record<string, string>[] = [
      { origin: 'http://evil.example' },
      { origin: 'http://127.0.0.1:1' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'x-upscale-token': '' },
      { 'x-upscale-token': 'f'.repeat(48) },
    ]
    for (const headers of foreign)
      expect(await order(server, { ids }, headers)).toMatchObject({ status: 403 })
    expect(await order(server, { ids }, { 'content-type': 'text/plain' })).toMatchObject({ status: 400 })
    expect(gated.calls).toBe(0)
    expect(await order(server, { ids })).toMatchObject({ status: 202 })
    await expect.poll(() => gated.calls).toBe(1)
  })

  test('that costs money needs its price, within the budget, and no freeze', async () => {
    const service = await gateway()
    const engine = lumenfall({ apiKey: KEY, baseURL: service.url })
    const site = await project(files, 'src/a.png')
    const open = await start(site, { engine, frozen: false })
    const ids = await idsOf(open)
    expect(await order(open, { ids })).toEqual({
      status: 409,
      text: 'this costs US$0.06, which was not confirmed',
    })
    expect(await order(open, { ids, confirmedMicros: 1 })).toMatchObject({ status: 409 })
    expect(await order(open, { ids: 'free', confirmedMicros: 60_000 })).toMatchObject({ status: 409 })

    const frozen = await start(site, { engine, frozen: true })
    const refused = await order(frozen, { ids, confirmedMicros: 60_000 })
    expect(refused).toMatchObject({ status: 409, text: expect.stringContaining('frozen') })

    const poor = await start(site, { engine, frozen: false, budget: 0.05 })
    const tooMuch = await order(poor, { ids, confirmedMicros: 60_000 })
    expect(tooMuch).toMatchObject({ status: 409, text: expect.stringContaining('more than the budget') })
    expect(service.requests).toEqual([])

    const full = await start(site, { engine, frozen: false, dev: 'full' })
    expect(await order(full, { ids })).toMatchObject({ status: 202 })
    await expect.poll(() => service.charges.length, { timeout: 20_000 }).toBe(1)
  })

  test('of nonsense is refused', async () => {
    const server = await start(await project(files, 'src/a.png'))
    for (const body of [
      {},
      { ids: 1 },
      { ids: [1] },
      { ids: ['nothing'] },
      { ids: [], confirmedMicros: '1' },
    ]) {
      expect((await order(server, body)).status).toBeGreaterThanOrEqual(400)
    }
  })
})

describe('the address', () => {
  test('is below the base, and printed once with the others', async () => {
    const server = await start(await project({}), {}, { base: '/sub/' })
    expect(server.lines.filter(line => line.includes('__upscale'))).toEqual([
      expect.stringContaining(`${server.url}__upscale/`),
    ])
    const bare = await fetch(`${server.url}__upscale`, { redirect: 'manual' })
    expect([bare.status, bare.headers.get('location')]).toEqual([302, '/sub/__upscale/'])
    expect((await fetch(`${server.url}__upscale/`)).status).toBe(200)
  })

  test('is that of a dock of Vite DevTools, which frame it', async () => {
    const docks: { readonly type: string; readonly url: string }[] = []
    // As @vitejs/devtools calls it: with its context, once the server is configured.
    const devtools: Plugin = {
      name: 'devtools',
      configureServer:
        ({ config: viteConfig }) =>
        () => {
          const context = {
            viteConfig,
            docks: { register: (dock: (typeof docks)[number]) => docks.push(dock) },
          }
          for (const { devtools } of viteConfig.plugins as readonly DevtoolsPlugin[]) devtools?.setup(context)
        },
    }
    const server = await start(await project({}), {}, { base: '/sub/', plugins: [devtools] })
    expect(docks).toMatchObject([{ type: 'iframe', url: '/sub/__upscale/' }])
    const headers = {
      'Sec-Fetch-Site': 'same-origin',
      'Sec-Fetch-Dest': 'iframe',
      'Sec-Fetch-Mode': 'navigate',
    }
    const page = await fetch(new URL(docks[0]?.url ?? '', server.url), { headers })
    expect([page.status, page.headers.get('x-frame-options')]).toEqual([200, null])
  })

  test('serves pictures of the project and nothing else, to its own pages only', async () => {
    const server = await start(
      await project({ 'src/main.js': "import a from './a.png?upscale=2'" }, 'src/a.png'),
    )
    const [id] = await idsOf(server)
    const status = async (path: string, headers: Record<string, string> = {}): Promise<number> =>
      (await fetch(`${server.url}__upscale/${path}`, { headers })).status
    expect(await status(`before/${id}`)).toBe(200)
    expect(await status(`after/${id}`)).toBe(404)
    expect(await status('before/0123456789abcdef')).toBe(404)
    expect(await status('before/..%2f..%2fpackage.json')).toBe(404)
    expect(await status('package.json')).toBe(404)
    for (const path of ['', 'pictures.json', `before/${id}`]) {
      expect(await status(path, { 'sec-fetch-site': 'cross-site' })).toBe(403)
      const { headers } = await fetch(`${server.url}__upscale/${path}`, {
        headers: { origin: 'http://localhost:1' },
      })
      expect(headers.get('access-control-allow-origin')).toBe(null)
    }
  })

  test('shows the name of a file as text, whatever it is', async () => {
    const name = '<img src=x onerror=alert(1)>&".png'
    const address = `${encodeURIComponent(name).replace('(', '%28').replace(')', '%29')}?upscale=2`
    const server = await start(await project({ 'index.html': `<img src="/${address}">` }, name))
    await fetch(server.url)
    await fetch(server.url + address)
    await expect.poll(async () => (await idsOf(server)).length).toBe(1)
    const text = await (await fetch(`${server.url}__upscale/`)).text()
    expect(text).toContain('&lt;img src=x onerror=alert(1)&gt;&amp;&quot;.png')
    expect(text).not.toContain('<img src=x')
  })
})

test('a plugin that is loaded loads nothing of the inspector, the parsers or the decoder', () => {
  const main = fileURLToPath(import.meta.resolve('unplugin-upscale/vite'))
  const seen = new Set<string>()
  const packages = new Set<string>()
  const follow = (file: string): void => {
    if (seen.has(file)) return
    seen.add(file)
    const code = readFileSync(file, 'utf8')
    for (const [, name = ''] of code.matchAll(/^(?:import|export)\b[^'"\n]*['"]([^'"\n]+)['"]/gm)) {
      if (name.startsWith('.')) follow(join(dirname(file), name))
      else packages.add(name)
    }
  }
  follow(main)
  expect(packages).toContain('upscale-core')
  for (const lazy of [
    'upscale-toolkit/inspector',
    'upscale-toolkit/references/sources',
    'upscale-toolkit/references/elements',
    'sharp',
  ])
    expect(packages).not.toContain(lazy)
})
