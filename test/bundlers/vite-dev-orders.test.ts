import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser } from 'playwright-core'
import { lumenfall, type UpscaleOptions } from 'unplugin-upscale'
import type { InlineConfig } from 'vite'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Gateway, startGateway } from '../services/gateway/index.ts'
import { findChromium, launchChromium } from '../support/chromium.ts'
import { startDevServer } from '../support/dev-server.ts'
import { gatedEngine } from '../support/gated-engine.ts'
import { paint } from '../support/pictures.ts'
import { writeSite } from '../support/site.ts'

/*
 * Addresses of a dev server can be opened by any page in the developer's browser, and by any program of the machine. What
 * they ask for is made only where the project's own files ask for the same.
 */

const cleanups: (() => Promise<unknown>)[] = []
let browser: Browser

beforeAll(async () => {
  if (findChromium() !== undefined)
    browser = await launchChromium(['--host-resolver-rules=MAP stranger.example 127.0.0.1'])
})
afterAll(() => browser?.close())
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

const SITE = {
  'index.html': '<html data-ready><img src="./src/hero.png?upscale=2&amp;engine=paid"></html>',
  'package.json': '{ "type": "module" }',
}

async function start(
  files: Readonly<Record<string, string>>,
  options: UpscaleOptions,
  more: InlineConfig = {},
): Promise<{ readonly origin: string; readonly lines: string[] }> {
  const site = await writeSite(files)
  cleanups.push(() => site.remove())
  await paint(site.root, 'src/hero.png')
  const server = await startDevServer(site, options, more)
  cleanups.push(() => server.close())
  return { origin: server.url.replace(/\/$/, ''), lines: server.lines }
}

/** A project whose pictures are paid for in development too. */
async function startFull(
  files: Readonly<Record<string, string>> = SITE,
  more: InlineConfig = {},
): Promise<{ readonly origin: string; readonly gateway: Gateway }> {
  const gateway = await startGateway({ key: 'lmnfl_test' })
  cleanups.push(() => gateway.close())
  const paid = lumenfall({ apiKey: 'lmnfl_test', baseURL: gateway.url })
  const { origin } = await start(
    files,
    { engine: 'resize', engines: { paid }, dev: 'full', frozen: false },
    more,
  )
  return { origin, gateway }
}

/** Every way in which an address can ask for what no module asks for. */
function inventionsOf(origin: string): string[] {
  const query = (at: number): string =>
    `upscale=2&engine=paid&seed=${at}&prompt=${encodeURIComponent(`an attacker's ${at}`)}`
  return [
    ...Array.from({ length: 16 }, (_, at) => `${origin}/src/hero.png?${query(at)}`),
    `${origin}/src/hero.png?import&as=metadata&${query(20)}`,
    `${origin}/src/hero.png?import&inline&${query(21)}`,
    `${origin}/src/hero.png?import&${query(22)}`,
    `${origin}/@id/data:text/javascript,${encodeURIComponent(`import '/src/hero.png?inline&${query(23)}'`)}`,
    `${origin}/@id/data:text/css,${encodeURIComponent(`a{background:url(/src/hero.png?inline&${query(24)})}`)}`,
  ]
}

/** A page that asks for addresses in every way that a page has but frames, and is ready when each has come to an end. */
function pageOf(addresses: readonly string[], referrer = 'unsafe-url'): string {
  return `<!doctype html><meta name="referrer" content="${referrer}"><body><script type="module">
const put = (name, attributes) => new Promise(done => {
  const element = Object.assign(document.createElement(name), attributes)
  element.onload = element.onerror = element.onsuspend = done
  document.body.append(element)
})
const socket = address => new Promise(done => {
  const opened = new WebSocket(address.replace('http', 'ws'))
  opened.onopen = opened.onerror = done
})
await Promise.all(${JSON.stringify(addresses)}.flatMap(address => [
  new Promise(done => { const image = new Image(); image.onload = image.onerror = done; image.src = address }),
  fetch(address, { mode: 'no-cors' }).catch(() => {}),
  import(address).catch(() => {}),
]))
const others = ${JSON.stringify(addresses.slice(-3))}.flatMap(address => [
  put('video', { poster: address }),
  put('link', { rel: 'stylesheet', href: address }),
  put('link', { rel: 'preload', as: 'image', href: address }),
  put('link', { rel: 'icon', href: address }),
  put('div', { style: 'height: 9px; background: url(' + JSON.stringify(address) + ')' }),
  fetch(address, { method: 'POST', mode: 'no-cors', body: 'x' }).catch(() => {}),
  socket(address).catch(() => {}),
  navigator.sendBeacon(address),
])
// Not all of these tell of their end.
await Promise.race([Promise.all(others), new Promise(done => setTimeout(done, 1000))])
document.documentElement.dataset.ready = 'true'
</script>`
}

/** @returns the port */
async function serveElsewhere(html: string): Promise<number> {
  const server = createHttpServer((_, response) => {
    response.setHeader('Content-Type', 'text/html').end(html)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(async () => server.close())
  return (server.address() as AddressInfo).port
}

describe.skipIf(findChromium() === undefined)('a page of a stranger', () => {
  /** Serves a page under a name, and has it looked at until it is ready. */
  async function visit(name: string, html: string): Promise<void> {
    const page = await browser.newPage()
    cleanups.push(() => page.close())
    await page.goto(`http://${name}:${await serveElsewhere(html)}/`)
    await page.waitForSelector('html[data-ready]')
  }

  test('orders nothing, whatever address it opens', async () => {
    const { origin, gateway } = await startFull()
    const addresses = [...inventionsOf(origin), `${origin}/src/hero.png?upscale=2&engine=paid`]
    // A page may leave its name out.
    for (const referrer of ['unsafe-url', 'no-referrer'])
      await visit('stranger.example', pageOf(addresses, referrer))
    expect(gateway.requests).toEqual([])
    expect(gateway.charges).toEqual([])
  })

  test('that frames the project has the pictures of its pages made, and no others', async () => {
    const { origin, gateway } = await startFull()
    const frames = [
      ...inventionsOf(origin),
      `${origin}/src/hero.png?upscale=2&engine=paid`,
      `${origin}/`,
    ].map(
      address =>
        `<iframe src="${address.replaceAll('"', '%22')}"></iframe><object data="${address.replaceAll('"', '%22')}"></object>`,
    )
    const script = `<script>onload = () => { document.documentElement.dataset.ready = 'true' }</script>`
    await visit('stranger.example', `<!doctype html><body>x${frames.join('')}${script}`)
    await expect.poll(() => gateway.charges.length).toBe(1)
    expect(gateway.orders.map(({ fields }) => [fields.prompt, fields.seed])).toEqual([[undefined, undefined]])
  })

  test('on another port of this machine orders nothing that the project does not contain', async () => {
    const { origin, gateway } = await startFull()
    await visit('127.0.0.1', pageOf(inventionsOf(origin)))
    expect(gateway.charges).toEqual([])
  })

  test('has no free engine started either', async () => {
    const gated = gatedEngine()
    gated.open()
    const files = { 'index.html': '<html><img src="./src/hero.png?upscale=2"></html>' }
    const { origin } = await start(files, { engine: gated.engine })
    const addresses = [2, 3, 4, 5.5].map(factor => `${origin}/src/hero.png?upscale=${factor}`)
    await visit('stranger.example', pageOf(addresses))
    expect(gated.calls).toBe(0)
  })

  test('gets pictures where Vite lets its site read', async () => {
    const { origin, gateway } = await startFull(SITE, {
      server: { cors: { origin: [/^http:\/\/stranger\.example:\d+$/] } },
    })
    await visit('stranger.example', pageOf([`${origin}/src/hero.png?upscale=2&engine=paid`]))
    await expect.poll(() => gateway.charges.length).toBe(1)
  })
})

describe('an address', () => {
  test('that no file of the project contains gives a placeholder, and a word about it', async () => {
    const gated = gatedEngine()
    gated.open()
    const { origin, lines } = await start({ 'index.html': '<html></html>' }, { engine: gated.engine })
    const answer = await fetch(`${origin}/src/hero.png?upscale=2`)
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store'])
    expect(gated.calls).toBe(0)
    expect(lines.join()).toContain('is in no module of the project')
  })

  test('of a program that invents requests orders nothing', async () => {
    const { origin, gateway } = await startFull()
    for (const address of inventionsOf(origin)) await (await fetch(address)).arrayBuffer()
    expect(gateway.charges).toEqual([])
    await (await fetch(`${origin}/src/hero.png?upscale=2&engine=paid`)).arrayBuffer()
    await expect.poll(() => gateway.charges.length).toBe(1)
  })

  test.each([
    ['a template of a server', 'views/page.blade.php', '<img src="/src/hero.png?upscale=2">'],
    ['a partial of Sass', 'src/_part.scss', 'a { background: url(/src/hero.png?upscale=2) }'],
    ['a script', 'src/main.js', 'image.src = "/src/hero.png?upscale=2"'],
    ['a picture list', 'src/list.json', '["/src/hero.png?upscale=2"]'],
  ])('that stands in %s is made', async (_, name, text) => {
    const gated = gatedEngine()
    gated.open()
    const { origin } = await start({ 'index.html': '', [name]: text }, { engine: gated.engine })
    await fetch(`${origin}/src/hero.png?upscale=3`)
    expect(gated.calls).toBe(0)
    await fetch(`${origin}/src/hero.png?upscale=2`)
    expect(gated.calls).toBe(1)
  })
})
