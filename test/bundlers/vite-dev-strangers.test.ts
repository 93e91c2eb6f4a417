import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { lumenfall } from 'unplugin-upscale'
import { afterEach, describe, expect, test } from 'vitest'
import { type Gateway, startGateway } from '../services/gateway/index.ts'
import { findChromium, launchChromium } from '../support/chromium.ts'
import { startDevServer, type ViteVersion } from '../support/dev-server.ts'
import { type GatedEngine, gatedEngine } from '../support/gated-engine.ts'
import { paint } from '../support/pictures.ts'
import { writeSite } from '../support/site.ts'
import { type Pages, serveStranger } from '../support/stranger.ts'

/*
 * Ways in which a page of a stranger, or a program that is none of the project's, reaches a dev server that may buy pictures:
 * those that a browser has beside images, frames and scripts, and those that no browser writes. None of them buys one.
 */

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

interface Target {
  readonly origin: string
  readonly port: number
  readonly gateway: Gateway
  /** The engine "free", which costs time alone. */
  readonly free: GatedEngine
}

/**
 * A project whose pictures are paid for in development too, unless told otherwise. No module has the picture that these
 * tests ask for.
 */
async function startTarget(version?: ViteVersion, dev: 'auto' | 'full' = 'full'): Promise<Target> {
  const site = await writeSite({
    'index.html': '<html data-ready><script type="module" src="./main.js"></script></html>',
    'main.js': 'if (import.meta.hot) import.meta.hot.accept()',
  })
  cleanups.push(() => site.remove())
  await paint(site.root, 'src/hero.png')
  const gateway = await startGateway({ key: 'lmnfl_test' })
  cleanups.push(() => gateway.close())
  const paid = lumenfall({ apiKey: 'lmnfl_test', baseURL: gateway.url })
  const free = gatedEngine()
  free.open()
  const options = { engine: 'resize', engines: { paid, free: free.engine }, dev, frozen: false } as const
  const server = await startDevServer(site, options, {}, version)
  cleanups.push(() => server.close())
  const { origin, port } = new URL(server.url)
  return { origin, port: Number(port), gateway, free }
}

const QUERY = 'upscale=2&engine=paid&prompt=theirs'

/** What a service worker, a page, and the page in a frame without an origin do with addresses. */
const WAYS = `
export async function go(addresses) {
  const put = (name, attributes) => new Promise(done => {
    const element = Object.assign(document.createElement(name), attributes)
    element.onload = element.onerror = done
    document.head.append(element)
  })
  const script = (type, text) => {
    const element = Object.assign(document.createElement('script'), { type, textContent: text })
    document.head.append(element)
  }
  script('speculationrules', JSON.stringify({
    prefetch: [{ source: 'list', urls: addresses, eagerness: 'immediate' }],
    prerender: [{ source: 'list', urls: addresses, eagerness: 'immediate' }],
  }))
  const all = addresses.flatMap(address => [
    put('link', { rel: 'modulepreload', href: address }),
    put('link', { rel: 'prefetch', href: address }),
    put('link', { rel: 'prerender', href: address }),
    put('link', { rel: 'manifest', href: address }),
    put('img', { src: address }),
    put('script', { src: address }),
    put('script', { type: 'module', src: address }),
    ...['GET', 'HEAD', 'POST'].map(method => fetch(address, { method, mode: 'no-cors', credentials: 'include' }).catch(() => {})),
    ...['PUT', 'DELETE', 'GET'].map(method => fetch(address, { method, headers: { Range: 'bytes=0-9' } }).catch(() => {})),
    new Promise(done => {
      const worker = new Worker(URL.createObjectURL(new Blob([
        'importScripts(' + JSON.stringify(address) + ')'], { type: 'text/javascript' })))
      worker.onerror = worker.onmessage = done
    }),
    new Promise(done => {
      const socket = new WebSocket(address.replace('http', 'ws'), 'vite-hmr')
      socket.onopen = () => {
        socket.send(JSON.stringify({ type: 'custom', event: 'upscale:make', data: [address] }))
        socket.close()
      }
      socket.onerror = socket.onclose = done
    }),
    new Promise(done => {
      const events = new EventSource(address)
      events.onerror = () => { events.close(); done() }
    }),
  ])
  await Promise.race([Promise.all(all), new Promise(done => setTimeout(done, 1500))])
  for (const [at, action] of addresses.entries()) {
    const form = Object.assign(document.createElement('form'), { method: 'POST', enctype: 'text/plain', action, target: 'form' + at })
    // What a form sends as plain text may be JSON.
    const input = Object.assign(document.createElement('input'), { name: '{"ids":"free","a":"', value: '"}' })
    form.append(input)
    document.body.append(Object.assign(document.createElement('iframe'), { name: 'form' + at }), form)
    form.submit()
  }
  open(addresses[1], 'opened')
  await new Promise(done => setTimeout(done, 500))
}
`

describe.skipIf(findChromium() === undefined)('a page of a stranger', () => {
  /** Has a page of a site with a name of its own looked at, as by TLS, until it says that it is ready. */
  async function visit(pages: Pages, name = 'stranger.example'): Promise<void> {
    const stranger = await serveStranger(pages)
    cleanups.push(() => stranger.close())
    const address = `http://${name}:${stranger.port}`
    const browser = await launchChromium([
      `--host-resolver-rules=MAP *.example 127.0.0.1`,
      `--unsafely-treat-insecure-origin-as-secure=${address}`,
    ])
    cleanups.push(() => browser.close())
    const page = await browser.newPage()
    await page.goto(`${address}/`)
    await page.waitForSelector('html[data-ready]')
  }

  const addressesOf = ({ origin }: Target): string[] => [
    `${origin}/src/hero.png?${QUERY}&seed=1`,
    `${origin}/src/hero.png?import&inline&${QUERY}&seed=2`,
    `${origin}/src/hero.png?import&as=metadata&${QUERY}&seed=3`,
    `${origin}/@id/data:text/javascript,import ${encodeURIComponent(`'/src/hero.png?inline&${QUERY}&seed=4'`)}`,
    `${origin}/src/hero.png?upscale=3&engine=free`,
    `${origin}/__upscale/make`,
  ]
  const page = (addresses: readonly string[], before = ''): string =>
    `<!doctype html><html><head></head><body>${before}<script type="module">
import { go } from '/ways.js'
await go(${JSON.stringify(addresses)})
document.documentElement.dataset.ready = ''
</script></body></html>`

  test.each([
    ['another site', 'full', 'stranger.example'],
    ['another port of this machine', 'full', '127.0.0.1'],
    ['another site', 'auto', 'stranger.example'],
    ['another port of this machine', 'auto', '127.0.0.1'],
  ] as const)(
    'of %s, with dev: %s, starts no engine by links, rules, workers, methods, forms, sockets and windows',
    async (_, dev, name) => {
      const target = await startTarget(undefined, dev)
      await visit({ '/': page(addressesOf(target)), '/ways.js': WAYS }, name)
      expect(target.gateway.requests).toEqual([])
      expect(target.free.calls).toBe(0)
    },
  )

  test('buys nothing from a frame without an origin', async () => {
    const target = await startTarget()
    const inner = `<script type="module">${WAYS.replace('export ', '')}
await go(${JSON.stringify(addressesOf(target))})
parent.postMessage('done', '*')
</script>`
    const outer = `<!doctype html><html><body><iframe sandbox="allow-scripts allow-forms allow-popups" srcdoc="${inner.replaceAll('&', '&amp;').replaceAll('"', '&quot;')}"></iframe>
<script>onmessage = () => { document.documentElement.dataset.ready = '' }</script></body></html>`
    await visit({ '/': outer })
    expect(target.gateway.requests).toEqual([])
  })

  test('buys nothing by its service worker', async () => {
    const target = await startTarget()
    const addresses = addressesOf(target)
    const worker = `
onactivate = event => event.waitUntil(clients.claim())
onmessage = event => event.waitUntil((async () => {
  for (const address of ${JSON.stringify(addresses)})
    for (const init of [{ mode: 'no-cors' }, {}, { mode: 'no-cors', method: 'POST' }, { referrerPolicy: 'no-referrer', mode: 'no-cors' }])
      await fetch(address, init).catch(() => {})
  const cache = await caches.open('a')
  await cache.addAll(${JSON.stringify(addresses)}).catch(() => {})
  event.source.postMessage('done')
})())
onfetch = event => { if (event.request.url.includes('/image')) event.respondWith(fetch(${JSON.stringify(addresses[0])}, { mode: 'no-cors' })) }
`
    const outer = `<!doctype html><html><body><script type="module">
await navigator.serviceWorker.register('/worker.js')
const { active } = await navigator.serviceWorker.ready
const done = new Promise(resolve => { navigator.serviceWorker.onmessage = resolve })
active.postMessage('go')
await done
const image = new Image()
await new Promise(resolve => { image.onload = image.onerror = resolve; image.src = '/image' })
document.documentElement.dataset.ready = ''
</script></body></html>`
    await visit({ '/': outer, '/worker.js': worker })
    expect(target.gateway.requests).toEqual([])
  })

  test('buys nothing under a name of its own that leads to this machine', async () => {
    const target = await startTarget()
    const browser = await launchChromium(['--host-resolver-rules=MAP *.example 127.0.0.1'])
    cleanups.push(() => browser.close())
    const opened = await browser.newPage()
    const rebound = { ...target, origin: `http://rebound.example:${target.port}` }
    for (const address of [...addressesOf(rebound), `${rebound.origin}/`, `${rebound.origin}/__upscale/`]) {
      const response = await opened.goto(address).catch(() => null)
      expect([address, response?.status()]).toEqual([address, 403])
    }
    expect(target.gateway.requests).toEqual([])
  })
})

/** Writes a request as no browser would, and waits for its answer. */
function send(
  port: number,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, method, path, headers }, response => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0))
    })
    request.on('error', reject)
    request.end(method === 'POST' || method === 'PUT' ? '{}' : undefined)
  })
}

/** A text as a frame of a web socket, masked as those of clients are. */
function frameOf(text: string): Buffer {
  const payload = Buffer.from(text)
  const head = Buffer.from([0x81, 0x80 | 126, payload.length >> 8, payload.length & 255, 0, 0, 0, 0])
  return Buffer.concat([head, payload])
}

describe('a program that is none of the project', () => {
  test('buys nothing, however it writes its request', async () => {
    const { port, gateway } = await startTarget()
    const paths = [
      '/src/hero.png',
      '//src/hero.png',
      '/./src/hero.png',
      '/src/%68ero.png',
      '/%73rc/hero.png',
      '/src%2fhero.png',
      '/a/%2e%2e/src/hero.png',
      '/a/../src/hero.png',
      '/@id//src/hero.png',
      '/@fs/src/hero.png',
      '/src/hero.png%00',
    ]
    const queries = [
      `?${QUERY}`,
      `?${QUERY}?import`,
      `??${QUERY}`,
      `?a?${QUERY}`,
      `?import&${QUERY}`,
      `?import&url&${QUERY}`,
      `?import&inline&${QUERY}`,
      `?import&raw&${QUERY}`,
      `?import&worker&${QUERY}`,
      `?import&as=metadata&${QUERY}`,
      `?import&as=srcset&${QUERY}`,
      `?${QUERY}&${QUERY}`,
      `?${QUERY}#${QUERY}`,
      `?t=1&import&inline&${QUERY}`,
      `%3F${QUERY}`,
      `;${QUERY}`,
    ]
    const ways = [
      ['GET', {}],
      ['HEAD', {}],
      ['POST', { 'Content-Type': 'application/json' }],
      ['PUT', {}],
      ['OPTIONS', {}],
      ['GET', { Range: 'bytes=0-1', 'If-Range': '"a"' }],
      ['GET', { Origin: 'null' }],
      [
        'GET',
        { 'Sec-Fetch-Site': 'same-origin', 'Sec-Fetch-Dest': 'script', Origin: `http://127.0.0.1:${port}` },
      ],
      ['GET', { 'X-Forwarded-Host': `127.0.0.1:${port}`, Referer: `http://127.0.0.1:${port}/main.js` }],
      ['GET', { 'X-HTTP-Method-Override': 'POST', 'Sec-Purpose': 'prefetch;prerender' }],
    ] as const
    let seed = 0
    for (const path of paths)
      for (const query of queries)
        for (const [method, headers] of ways)
          await send(port, method, `${path}${query.replaceAll('theirs', `theirs${seed++}`)}`, headers)
    expect(gateway.requests).toEqual([])
  })

  test('is refused under any other name of the machine', async () => {
    const { port, gateway } = await startTarget()
    for (const host of [
      'rebound.example',
      `rebound.example:${port}`,
      '127.0.0.1.rebound.example',
      '0x7f.rebound.example',
    ]) {
      expect([host, await send(port, 'GET', `/src/hero.png?${QUERY}`, { Host: host })]).toEqual([host, 403])
    }
    expect(gateway.requests).toEqual([])
  })

  test.each(['8', '7', '6'] as const)(
    'buys nothing by what it tells the socket of Vite %s',
    async version => {
      const { port, gateway } = await startTarget(version)
      const socket = connect(port, '127.0.0.1')
      cleanups.push(async () => socket.destroy())
      socket.write(
        `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: vite-hmr\r\n\r\n',
      )
      let heard = ''
      socket.on('data', data => {
        heard += data.toString('latin1')
      })
      await expect.poll(() => heard).toContain('connected')
      const ids = [
        `/src/hero.png?inline&${QUERY}`,
        `/src/hero.png?as=metadata&${QUERY}`,
        `/src/hero.png?import&${QUERY}`,
        `data:text/javascript,import ${encodeURIComponent(`'/src/hero.png?inline&${QUERY}'`)}`,
      ]
      ids.forEach((id, at) => {
        const data = { name: 'fetchModule', id: `send:${at}`, data: [id, undefined, {}] }
        socket.write(frameOf(JSON.stringify({ type: 'custom', event: 'vite:invoke', data })))
      })
      await expect.poll(() => heard, { timeout: 5000 }).toContain(`response:${ids.length - 1}`)
      expect(gateway.requests).toEqual([])
    },
  )
})
