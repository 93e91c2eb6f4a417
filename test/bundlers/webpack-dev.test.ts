import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Configuration as RspackConfig, rspack } from '@rspack/core'
import type { Browser, Page } from 'playwright-core'
import sharp from 'sharp'
import { lumenfall, type UpscaleOptions } from 'unplugin-upscale'
import upscaleWebpack from 'unplugin-upscale/webpack'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Configuration, webpack } from 'webpack'
import { startGateway } from '../services/gateway/index.ts'
import { findChromium, launchChromium } from '../support/chromium.ts'
import { DEV_SERVERS, type DevServer } from '../support/dev-servers.ts'
import { expectSoon, FAMILY_FORMS, FAMILY_SITE, oppositeOf } from '../support/five-forms.ts'
import { picturesOf } from '../support/forms.ts'
import { gatedEngine } from '../support/gated-engine.ts'
import { rspackConfig } from '../support/more-hosts.ts'
import { paint, type Swatch, swatchOf } from '../support/pictures.ts'
import { type Site, writeSite } from '../support/site.ts'

/** In the page: where its images come from. */
const ADDRESSES = `Array.from(document.images, image => image.currentSrc).filter(address => /^http/.test(address))`

const cleanups: (() => Promise<unknown>)[] = []
let browser: Browser

beforeAll(async () => {
  if (findChromium() !== undefined) browser = await launchChromium()
})
afterAll(() => browser?.close())
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

describe.skipIf(findChromium() === undefined).each(Object.entries(DEV_SERVERS))('%s', (_, server) => {
  test('a page is ready while the engine works, and shows the pictures when they are made', async () => {
    const gated = gatedEngine()
    const page = await open(server, await familySite(server), { engine: gated.engine })
    await expectSoon(page, swatchOf, server.forms)
    gated.open()
    await expectSoon(page, oppositeOf, server.forms)
    expect(gated.calls).toBe(server.forms.length)
  })

  test('a page shows an edited image in every form', async () => {
    const site = await familySite(server)
    const page = await open(server, site, { engine: 'resize' })
    await expectSoon(page, swatchOf, server.forms)
    const swatch: Swatch = { left: [250, 0, 130], right: [0, 200, 60] }
    const pictures = picturesOf(server.forms)
    await Promise.all(pictures.map(picture => paint(join(site.root, 'src'), picture, swatch)))
    await expectSoon(page, () => swatch, server.forms)
  })
})

// Rsbuild puts pictures of this size into the page.
describe.skipIf(findChromium() === undefined).each([
  ['webpack', DEV_SERVERS.webpack],
  ['rspack', DEV_SERVERS.rspack],
])('%s', (_, server) => {
  test('a placeholder is served after the picture is made, for the page that was on its way', async () => {
    const gated = gatedEngine()
    const page = await open(server, await familySite(server), { engine: gated.engine })
    await expectSoon(page, swatchOf, server.forms)
    const addresses = await page.evaluate<string[]>(ADDRESSES)
    expect(addresses.length).toBeGreaterThan(1)
    gated.open()
    await expectSoon(page, oppositeOf, server.forms)
    const answers = await Promise.all(
      addresses.map(async address => [address, (await fetch(address)).status]),
    )
    expect(answers.filter(([, status]) => status !== 200)).toEqual([])
  })
})

async function familySite({ forms }: DevServer): Promise<Site> {
  const html = FAMILY_SITE['src/index.html']
  const hasHtml = forms.some(([form]) => form === 'html')
  const site = await writeSite({
    ...FAMILY_SITE,
    'src/index.html': hasHtml ? html : html.replace(/<img data-form="html" .*>\n/, ''),
  })
  cleanups.push(() => site.remove())
  await Promise.all(picturesOf(FAMILY_FORMS).map(picture => paint(join(site.root, 'src'), picture)))
  return site
}

async function open(server: DevServer, site: Site, options: UpscaleOptions): Promise<Page> {
  const { url, close } = await server.start(site, options)
  cleanups.push(close)
  const page = await browser.newPage()
  cleanups.push(() => page.close())
  await page.goto(url)
  await page.waitForSelector('html[data-ready]')
  return page
}

type Mode = 'development' | 'production'

/** What a test needs of a compiler of either kind. */
interface AnyCompiler {
  run(done: (error: Error | null, stats?: AnyStats) => void): void
  watch(options: object, done: (error: Error | null, stats?: AnyStats) => void): unknown
  close(done: (error?: Error | null) => void): void
}
interface AnyStats {
  toString(options: object): string
}

const COMPILERS = {
  webpack: (site: Site, mode: Mode, options: UpscaleOptions, cache: boolean) => {
    const config: Configuration = {
      mode,
      context: site.root,
      entry: './src/main.js',
      output: { path: join(site.root, 'dist'), assetModuleFilename: '[name][ext]' },
      infrastructureLogging: { level: 'none' },
      module: { rules: [{ test: /\.png$/, type: 'asset/resource' }] },
      cache: cache && { type: 'filesystem', name: 'both', cacheDirectory: join(site.root, 'cache') },
      plugins: [upscaleWebpack(options)],
    }
    return webpack(config) as unknown as AnyCompiler
  },
  rspack: (site: Site, mode: Mode, options: UpscaleOptions, cache: boolean) => {
    const storage = { type: 'filesystem' as const, directory: join(site.root, 'cache') }
    const config: RspackConfig = {
      mode,
      name: 'both',
      output: { assetModuleFilename: '[name][ext]' },
      cache: cache && { type: 'persistent', storage },
    }
    const full = rspackConfig(site, join(site.root, 'dist'), options, config)
    return rspack(full) as unknown as AnyCompiler
  },
}

describe.each(Object.entries(COMPILERS))('%s', (_, compilerOf) => {
  async function project(): Promise<Site> {
    const site = await writeSite({ 'src/main.js': "import a from './a.png?upscale=2'\nconsole.log(a)" })
    cleanups.push(() => site.remove())
    await paint(join(site.root, 'src'), 'a.png')
    return site
  }

  /** Watches until the test ends or the answer is called; gives what each build said. */
  function watch(site: Site, mode: Mode, options: UpscaleOptions, cache = false) {
    const compiler = compilerOf(site, mode, options, cache)
    const builds: string[] = []
    compiler.watch({ aggregateTimeout: 50 }, (error, stats) => {
      builds.push(error === null ? (stats?.toString({ all: false, errors: true }) ?? '') : String(error))
    })
    let closed: Promise<void> | undefined
    const close = (): Promise<void> => {
      closed ??= new Promise<void>(resolve => compiler.close(() => resolve()))
      return closed
    }
    cleanups.push(close)
    return { builds, close }
  }

  async function run(site: Site, mode: Mode, options: UpscaleOptions, cache = false): Promise<void> {
    const compiler = compilerOf(site, mode, options, cache)
    const said = await new Promise<string>(resolve => {
      compiler.run((error, stats) =>
        resolve(error ? String(error) : (stats?.toString({ all: false, errors: true }) ?? '')),
      )
    })
    await new Promise<void>(resolve => compiler.close(() => resolve()))
    expect(said).toBe('')
  }

  /** The first pixel of the picture in the output, and its width. */
  async function shown({ root }: Site): Promise<number[]> {
    const bytes = await readFile(join(root, 'dist/a-2x.png'))
    const { data, info } = await sharp(bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true })
    return [...data.subarray(0, 3), info.width]
  }

  // The first one waits for the host to be loaded as well, which took 20 s on a machine that did other work.
  const near = (site: Site, { left }: Swatch) =>
    expect
      .poll(() => shown(site).catch(() => []), { timeout: 80_000, interval: 100 })
      .toEqual([...left.map(value => expect.closeTo(value, -1.2)), 40])

  test('one wave of pictures is one more build', async () => {
    const gated = gatedEngine()
    const site = await project()
    const { builds } = watch(site, 'development', { engine: gated.engine })
    await near(site, swatchOf('a.png'))
    gated.open()
    await near(site, oppositeOf('a.png'))
    await expect.poll(() => builds, { timeout: 20_000 }).toEqual(['', ''])
    // The second ring reaches nobody.
    await sleep(2500)
    expect(builds).toEqual(['', ''])
  })

  test('what is watched in production mode waits for the engine, and so does a single build', async () => {
    const gated = gatedEngine()
    const site = await project()
    const { builds } = watch(site, 'production', { engine: gated.engine })
    await expect.poll(() => gated.calls, { timeout: 30_000 }).toBe(1)
    gated.open()
    await expect.poll(() => builds, { timeout: 30_000 }).toEqual([''])
    expect(await shown(site)).toEqual([...oppositeOf('a.png').left, 40])

    const other = await project()
    const single = gatedEngine()
    const running = run(other, 'development', { engine: single.engine })
    await expect.poll(() => single.calls, { timeout: 30_000 }).toBe(1)
    single.open()
    await running
    expect(await shown(other)).toEqual([...oppositeOf('a.png').left, 40])
  })

  test('no cache of the host keeps a placeholder', async () => {
    const gated = gatedEngine()
    const site = await project()
    const first = watch(site, 'development', { engine: gated.engine }, true)
    await near(site, swatchOf('a.png'))
    await first.close()
    gated.open()
    const second = watch(site, 'development', { engine: gated.engine }, true)
    await near(site, oppositeOf('a.png'))
    await second.close()

    const fresh = await project()
    const held = gatedEngine()
    const dev = watch(fresh, 'development', { engine: held.engine }, true)
    await near(fresh, swatchOf('a.png'))
    await dev.close()
    held.open()
    await run(fresh, 'production', { engine: held.engine }, true)
    expect(await shown(fresh)).toEqual([...oppositeOf('a.png').left, 40])
  })

  test('a failure that comes late is an error of the next build', async () => {
    const gated = gatedEngine({ failure: 'out of order' })
    const site = await project()
    const { builds } = watch(site, 'development', { engine: gated.engine })
    await near(site, swatchOf('a.png'))
    gated.open()
    await expect.poll(() => builds.at(-1), { timeout: 30_000 }).toContain('out of order [ENGINE_FAILED]')
    expect(builds.at(-1)).toMatch(/src\/a\.png: [\s\S]*main\.js:1\b/)
  })

  test('a paid engine is not called, and what it made before is shown', async () => {
    const gateway = await startGateway({ key: 'lmnfl_test' })
    cleanups.push(() => gateway.close())
    const site = await project()
    const engine = lumenfall({ apiKey: 'lmnfl_test', baseURL: gateway.url })
    const before = watch(site, 'development', { engine })
    await near(site, swatchOf('a.png'))
    expect(gateway.requests).toEqual([])
    await before.close()
    await run(site, 'production', { engine, frozen: false })
    expect(gateway.charges).toHaveLength(1)
    const bought = await shown(site)
    const after = watch(site, 'development', { engine })
    await expect.poll(() => after.builds.length, { timeout: 30_000 }).toBeGreaterThan(0)
    expect([await shown(site), gateway.charges.length]).toEqual([bought, 1])
  })

  test('no engine is called where dev is off, and full calls paid ones', async () => {
    const gated = gatedEngine()
    gated.open()
    const site = await project()
    const off = watch(site, 'development', { engine: gated.engine, dev: 'off' })
    await near(site, swatchOf('a.png'))
    expect(gated.calls).toBe(0)
    await off.close()

    const gateway = await startGateway({ key: 'lmnfl_test' })
    cleanups.push(() => gateway.close())
    const engine = lumenfall({ apiKey: 'lmnfl_test', baseURL: gateway.url })
    watch(site, 'development', { engine, dev: 'full', frozen: false })
    await expect.poll(() => gateway.charges.length, { timeout: 30_000 }).toBe(1)
  })
})
