import { readFile, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { lumenfall, type UpscaleOptions } from 'unplugin-upscale'
import type { InlineConfig, ViteDevServer } from 'vite'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { startGateway } from '../services/gateway/index.ts'
import { findChromium, launchChromium } from '../support/chromium.ts'
import { createDevServer, type ViteVersion } from '../support/dev-server.ts'
import { expectPage, type Form } from '../support/expectations.ts'
import { expectSoon, FIVE_FORMS, FIVE_FORMS_SITE, oppositeOf } from '../support/five-forms.ts'
import { picturesOf, VITE_FORMS } from '../support/forms.ts'
import { gatedEngine } from '../support/gated-engine.ts'
import { paint, type Swatch, swatchOf } from '../support/pictures.ts'
import { readPage } from '../support/read-page.ts'
import { makeSite, type Site, writeSite } from '../support/site.ts'

const cleanups: (() => Promise<unknown>)[] = []
let browser: Browser

beforeAll(async () => {
  if (findChromium() !== undefined) browser = await launchChromium()
})
afterAll(() => browser?.close())
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

/** A dev server and what it said. */
interface Dev {
  readonly server: ViteDevServer
  /** Address of the site, without a slash at the end. */
  readonly origin: string
  readonly lines: string[]
}

/** A server that doesn't listen yet. */
async function create(
  ...[site, options, more, version]: Parameters<typeof createDevServer>
): Promise<Omit<Dev, 'origin'>> {
  const made = await createDevServer(site, options, more, version)
  cleanups.push(() => made.server.close())
  return made
}

async function start(
  site: Site,
  options: UpscaleOptions = {},
  more: InlineConfig = {},
  version: ViteVersion = '8',
): Promise<Dev> {
  const { server, lines } = await create(site, options, more, version)
  await server.listen()
  const address = server.httpServer?.address()
  if (typeof address !== 'object' || address === null) throw new Error('the server has no port')
  return { server, origin: `http://127.0.0.1:${address.port}`, lines }
}

async function project(files: Readonly<Record<string, string>>, ...pictures: string[]): Promise<Site> {
  const site = await writeSite(files)
  cleanups.push(() => site.remove())
  await Promise.all(pictures.map(picture => paint(site.root, picture)))
  return site
}

const fiveForms = (): Promise<Site> => project(FIVE_FORMS_SITE, ...picturesOf(FIVE_FORMS))

async function open(url: string): Promise<Page> {
  const page = await browser.newPage()
  cleanups.push(() => page.close())
  await page.goto(url)
  await page.waitForSelector('html[data-ready]')
  return page
}

describe.skipIf(findChromium() === undefined)('in a page', () => {
  test.each(['/', '/sub/'])('every form is upscaled with base %s', async base => {
    const site = await makeSite('vite', picturesOf(VITE_FORMS))
    cleanups.push(() => site.remove())
    const { origin } = await start(site, {}, { base })
    // A page may load again while it is looked at, until its last picture is there.
    const look = async (): Promise<void> => expectPage(await readPage(browser, origin + base), VITE_FORMS)
    await vi.waitFor(look, { timeout: 60_000, interval: 500 })
  })

  test.each(['8', '7', '6'] as const)('it is ready while the engine works, in Vite %s', async version => {
    const gated = gatedEngine()
    const { origin } = await start(await fiveForms(), { engine: gated.engine }, {}, version)
    const page = await open(origin)
    await expectSoon(page, swatchOf)
    gated.open()
    await expectSoon(page, oppositeOf)
    expect(gated.calls).toBe(FIVE_FORMS.length)
  })

  test.each(['8', '7', '6'] as const)('a style sheet has inlined pictures, in Vite %s', async version => {
    const gated = gatedEngine()
    const forms: Form[] = ['css', 'partial', 'alias', 'style'].map(form => [form, `src/${form}.png`, 2])
    const inlined = (form: string): string =>
      `[data-form=${form}] { background-image: url(./${form}.png?upscale=2&inline) }`
    const site = await project(
      {
        'index.html': `<html data-ready><link rel="stylesheet" href="./src/main.css">
<style>[data-form=style] { background-image: url("./src/style.png?inline&upscale=2") }</style>
${forms.map(([form]) => `<div data-form="${form}"></div>`).join('\n')}
<script type="module" src="./src/main.js"></script></html>`,
        'src/main.css': inlined('css'),
        'src/main.js': "import './more.css'",
        'src/more.css': `@import './part/partial.css';
[data-form=alias] { background-image: url("@/alias.png?upscale=2&inline") }`,
        'src/part/partial.css': inlined('partial').replace('./', '../'),
      },
      ...picturesOf(forms),
    )
    const { origin } = await start(site, { engine: gated.engine }, {}, version)
    const page = await open(origin)
    await expectSoon(page, swatchOf, forms)
    gated.open()
    await expectSoon(page, oppositeOf, forms)
    const images = await page.evaluate<string[]>(
      "[...document.querySelectorAll('div')].map(div => getComputedStyle(div).backgroundImage.slice(0, 10))",
    )
    expect(images).toEqual(forms.map(() => 'url("data:'))
    const swatch: Swatch = { left: [250, 0, 130], right: [0, 200, 60] }
    const turned: Swatch = { left: [5, 255, 125], right: [255, 55, 195] }
    await Promise.all(picturesOf(forms).map(picture => paint(site.root, picture, swatch)))
    await expectSoon(page, () => turned, forms)
  })

  test('it shows an edited image in every form', async () => {
    const site = await fiveForms()
    const { origin } = await start(site)
    const page = await open(origin)
    await expectSoon(page, swatchOf)
    const swatch: Swatch = { left: [250, 0, 130], right: [0, 200, 60] }
    await Promise.all(picturesOf(FIVE_FORMS).map(picture => paint(site.root, picture, swatch)))
    await expectSoon(page, () => swatch)
  })

  test('it tells of a failure, in the terminal and over the page', async () => {
    const site = await project(
      { 'index.html': '<html data-ready><img src="./bad.png?upscale=2"><script type="module"></script>' },
      'bad.png',
    )
    const bytes = await readFile(join(site.root, 'bad.png'))
    await writeFile(join(site.root, 'bad.png'), bytes.subarray(0, 60))
    const { origin, lines } = await start(site)
    const page = await open(origin)
    await page.waitForSelector('vite-error-overlay')
    const text = await page.evaluate("document.querySelector('vite-error-overlay').shadowRoot.textContent")
    expect(text).toContain('[SOURCE_CORRUPT]')
    await page.reload()
    await page.waitForSelector('html[data-ready]')
    expect(lines.filter(line => line.includes('[SOURCE_CORRUPT]'))).toHaveLength(1)
  })
})

describe('an address', () => {
  const page = {
    'index.html':
      '<html><img src="./a.png?upscale=2"><img src="./a.png?upscale=9"><img src="./gone.png?upscale=2"></html>',
  }

  test('of a finished picture is answered with a validator', async () => {
    const { origin } = await start(await project(page, 'a.png'))
    const url = `${origin}/a.png?upscale=2`
    await expect.poll(async () => (await fetch(url)).headers.get('cache-control')).toBe('no-cache')
    const first = await fetch(url)
    expect(first.headers.get('content-type')).toBe('image/png')
    const etag = first.headers.get('etag') ?? ''
    expect(etag).toMatch(/^"[\da-f]{64}"$/)
    const second = await fetch(url, { headers: { 'if-none-match': `"other", W/${etag}` } })
    expect([second.status, await second.text()]).toEqual([304, ''])
    const head = await fetch(url, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length')]).toEqual([
      200,
      String((await first.arrayBuffer()).byteLength),
    ])
  })

  test('of a picture that is not finished gives a placeholder that nobody keeps', async () => {
    const gated = gatedEngine()
    const { origin } = await start(await project(page, 'a.png'), { engine: gated.engine })
    const stub = await fetch(`${origin}/a.png?upscale=2`)
    expect(stub.headers.get('cache-control')).toBe('no-store')
    expect(stub.headers.get('etag')).toBe(null)
    expect(gated.calls).toBe(1)
    gated.open()
  })

  test('outside of what Vite serves is refused', async () => {
    const site = await project(page, 'a.png')
    const outside = await project({}, 'secret.png')
    const { origin } = await start(site, {}, { server: { fs: { strict: true, allow: [site.root] } } })
    expect((await fetch(`${origin}/@fs${outside.root}/secret.png?upscale=2`)).status).toBe(403)
    expect((await fetch(`${origin}/@fs${site.root}/a.png?upscale=2`)).status).toBe(200)
    expect(await rawStatus(origin, `/../${outside.root.split('/').at(-1)}/secret.png?upscale=2`)).toBe(403)
  })

  test('with a wrong directive is answered with the reason', async () => {
    const { origin, lines } = await start(await project(page, 'a.png'))
    const answer = await fetch(`${origin}/a.png?upscale=9`)
    expect([answer.status, await answer.text()]).toEqual([500, expect.stringContaining('the factor is "9"')])
    expect(lines.join()).toContain('the factor is "9"')
  })

  test('of no file is left to Vite, with a word about it', async () => {
    const { origin, lines } = await start(await project(page))
    await fetch(`${origin}/gone.png?upscale=2`)
    expect(lines.join()).toContain('/gone.png?upscale=2: there is no such file')
  })

  test('without a tag is none of ours', async () => {
    const { origin } = await start(await project(page, 'a.png'))
    const plain = await fetch(`${origin}/a.png?w=3`)
    expect((await plain.arrayBuffer()).byteLength).toBeGreaterThan(0)
    expect(plain.headers.get('cache-control')).toBe('no-cache')
    expect(plain.headers.get('etag')).toMatch(/^W\//)
  })
})

describe('a paid engine', () => {
  const files = {
    'index.html': '<html><img src="./a.png?upscale=2"></html>',
    'package.json': '{ "type": "module" }',
  }

  test('is not called, and what it made before is shown', async () => {
    const gateway = await startGateway({ key: 'lmnfl_test' })
    cleanups.push(() => gateway.close())
    const site = await project(files)
    await paint(site.root, 'a.png')
    const engine = lumenfall({ apiKey: 'lmnfl_test', baseURL: gateway.url })
    const auto = await start(site, { engine, onError: 'resize' })
    const miss = await fetch(`${auto.origin}/a.png?upscale=2`)
    expect([miss.status, miss.headers.get('cache-control')]).toEqual([200, 'no-store'])
    await fetch(`${auto.origin}/a.png?upscale=3`)
    expect(gateway.requests).toEqual([])
    const told = auto.lines.filter(line => line.includes('plainly resampled'))
    expect(told).toHaveLength(1)
    expect(told[0]).toMatch(/a\.png: .*set dev: "full"/)
    expect(told[0]).not.toContain('frozen: false')

    const full = await start(site, { engine, dev: 'full', frozen: false })
    const url = '/a.png?upscale=2'
    await expect
      .poll(async () => (await fetch(full.origin + url)).headers.get('cache-control'), { timeout: 20_000 })
      .toBe('no-cache')
    expect(gateway.charges).toHaveLength(1)
    await expect
      .poll(async () => (await fetch(auto.origin + url)).headers.get('cache-control'))
      .toBe('no-cache')
    expect(gateway.charges).toHaveLength(1)
  })

  test('no engine is called where dev is off', async () => {
    const gated = gatedEngine()
    gated.open()
    const { origin, lines } = await start(await project(files, 'a.png'), { engine: gated.engine, dev: 'off' })
    expect((await fetch(`${origin}/a.png?upscale=2`)).headers.get('cache-control')).toBe('no-store')
    expect(gated.calls).toBe(0)
    expect(lines.join()).toContain('dev is "off"')
  })
})

describe('around the server', () => {
  test('a wrong option stops it before it starts', async () => {
    const site = await project({})
    await expect(start(site, { dev: 'on' as 'off' })).rejects.toThrow('dev is "on"')
    await expect(start(site, { engine: 'resise' })).rejects.toThrow('UNKNOWN_ENGINE')
  })

  test('Vite’s bundled dev server is said to show originals', async () => {
    const { lines } = await create(
      await project({ 'index.html': '' }),
      {},
      { experimental: { bundledDev: true } },
    )
    expect(
      lines.filter(line => line.includes('experimental.bundledDev bundles images as they are')),
    ).toHaveLength(1)
    const plain = await create(await project({ 'index.html': '' }))
    expect(plain.lines.join()).not.toContain('bundledDev')
  })

  test('its end is the end of the upscaler', async () => {
    const ended: string[] = []
    const { engine } = gatedEngine()
    const close = async (): Promise<void> => void ended.push('engine')
    const { server } = await start(await project({ 'index.html': '' }), { engine: { ...engine, close } })
    await server.close()
    expect(ended).toEqual(['engine'])
  })

  test('it works inside another server, and after a restart', async () => {
    const site = await project({ 'index.html': '' }, 'a.png')
    const { server } = await create(site, {}, { server: { middlewareMode: true } })
    const parent = createHttpServer(server.middlewares)
    cleanups.push(async () => parent.close())
    await new Promise<void>(resolve => parent.listen(0, '127.0.0.1', resolve))
    const { port } = parent.address() as AddressInfo
    const type = async (origin: string): Promise<string | null> =>
      (await fetch(`${origin}/a.png?upscale=2`)).headers.get('content-type')
    expect(await type(`http://127.0.0.1:${port}`)).toMatch(/^image\//)

    const dev = await start(site)
    await dev.server.restart()
    expect(await type(dev.origin)).toMatch(/^image\//)
  })
})

/** The status of a request whose path is sent as it stands; `fetch` would tidy it up. */
function rawStatus(origin: string, path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get(origin, { path }, response => {
      response.resume()
      resolve(response.statusCode)
    }).on('error', reject)
  })
}
