import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser } from 'playwright-core'
import sharp from 'sharp'
import type { UpscaleOptions } from 'unplugin-upscale'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { makeProject } from '../cli/command.ts'
import { findChromium, launchChromium } from '../support/chromium.ts'
import { buildVite, buildWebpack, UPSCALE, webpackConfig } from '../support/hosts.ts'
import { HOSTS } from '../support/more-hosts.ts'
import { paint, SIZE } from '../support/pictures.ts'
import { type Site, writeSite } from '../support/site.ts'

const REPORT = 'reports/pictures.html'
const cleanups: (() => Promise<unknown>)[] = []
let browser: Browser

beforeAll(async () => {
  if (findChromium() !== undefined) browser = await launchChromium()
})
afterAll(() => browser?.close())
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

async function project(main: string, ...pictures: string[]): Promise<Site> {
  const page = '<!doctype html><html><body><script type="module" src="./main.js"></script></body></html>'
  const site = await writeSite({
    'src/main.js': main,
    'src/index.html': '<!doctype html><html></html>',
    'index.html': page.replace('./main.js', './src/main.js'),
  })
  cleanups.push(() => site.remove())
  await Promise.all(pictures.map(picture => paint(site.root, picture)))
  return site
}

type Build = (site: Site, outDir: string, options: UpscaleOptions) => Promise<unknown>

const BUILDS: Readonly<Record<string, Build>> = {
  vite: (site, outDir, options) => buildVite(site, outDir, options),
  webpack: (site, outDir, options) => buildWebpack(webpackConfig(site, outDir, options)),
  ...Object.fromEntries(Object.entries(HOSTS).map(([name, { build }]) => [name, build])),
}

/** What a browser shows of a file on disk, and all that went wrong or was asked for meanwhile. */
async function openFile(
  file: string,
): Promise<{ states: Record<string, string>; images: number[][]; noise: string[] }> {
  const page = await browser.newPage()
  const noise: string[] = []
  page.on('request', request => {
    if (!/^(?:file|data):/.test(request.url())) noise.push(request.url())
  })
  page.on('console', message => noise.push(message.text()))
  page.on('pageerror', error => noise.push(error.message))
  try {
    await page.goto(pathToFileURL(file).href)
    const states = await page.evaluate<Record<string, string>>(
      "Object.fromEntries([...document.querySelectorAll('.card')].map(card => [card.querySelector('h2').textContent, card.dataset.state]))",
    )
    const images = await page.evaluate<number[][]>(
      `Promise.all([...document.querySelectorAll('.card img')].map(async image => {
        image.loading = 'eager'
        await image.decode()
        return [image.naturalWidth, image.naturalHeight, image.width, image.height]
      }))`,
    )
    const slider = page.getByRole('slider').first()
    if ((await slider.count()) > 0) {
      await slider.focus()
      await page.keyboard.press('End')
      expect(await slider.inputValue()).toBe('100')
    }
    expect(await page.getByRole('button', { name: /Upscale/ }).count()).toBe(0)
    return { states, images, noise }
  } finally {
    await page.close()
  }
}

describe.skipIf(findChromium() === undefined)('a report', () => {
  test.each(Object.keys(BUILDS))('of a build by %s opens from disk and needs nothing else', async name => {
    const site = await project("import a from './a.png?upscale=2'\ndocument.title = a\n", 'src/a.png')
    await BUILDS[name]?.(site, join(site.root, 'dist'), { ...UPSCALE, report: REPORT })
    const file = join(site.root, REPORT)
    const { states, images, noise } = await openFile(file)
    expect(states).toEqual({ 'src/a.png': 'finished' })
    const [width, height] = [SIZE.width * 2, SIZE.height * 2]
    expect(images).toEqual([
      [width, height, width, height],
      [SIZE.width, SIZE.height, width, height],
    ])
    expect(noise).toEqual([])
    const text = (await readFile(file, 'utf8')).replaceAll('<wbr>', '')
    expect(text).toContain('>src/main.js<')
    expect(text).not.toContain(site.root)
    expect(await readdir(join(site.root, 'reports'))).toEqual(['pictures.html'])
  })

  test('of large pictures shows the same middle of both, pixel by pixel, and stays small', async () => {
    const imports = Array.from(
      { length: 2 },
      (_, index) => `import a${index} from './${index}.png?upscale=2'`,
    )
    const uses = imports.map((_, index) => `document.title += a${index}`)
    const site = await project([...imports, ...uses].join('\n'))
    for (const index of imports.keys()) {
      const size = { width: 701, height: 501, channels: 3 as const, background: 'gray' }
      const noise = { type: 'gaussian' as const, mean: 128, sigma: 20 + index }
      await mkdir(join(site.root, 'src'), { recursive: true })
      const picture = sharp({ create: { ...size, noise } }).png({ compressionLevel: 1 })
      await writeFile(join(site.root, `src/${index}.png`), await picture.toBuffer())
    }
    await buildVite(site, join(site.root, 'dist'), { ...UPSCALE, report: REPORT })
    const file = join(site.root, REPORT)
    const { images } = await openFile(file)
    expect(images.slice(0, 2)).toEqual([
      [640, 480, 640, 480],
      [320, 240, 640, 480],
    ])
    expect(await readFile(file, 'utf8')).toContain('The middle 640 × 480 of 1402 × 1002 pixels')
    // Noise is the worst that there is to encode; forty such pictures are still a file that a browser opens.
    expect((await stat(file)).size).toBeLessThan(2 * 400_000)
  })

  test('of a project is written by the command line', async () => {
    const cli = await makeProject()
    cleanups.push(() => cli.remove())
    await paint(cli.root, 'src/a.png')
    await cli.write('src/main.js', "import a from './a.png?upscale=2'\nimport b from './b.png?upscale=2'\n")
    const { code, stdout, stderr } = await cli.run(['report', '--html', 'pictures.html'])
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toContain('2 pictures in pictures.html')
    const { states, noise } = await openFile(cli.path('pictures.html'))
    expect(states).toEqual({ 'src/a.png': 'missing', './b.png?upscale=2': 'wrong' })
    expect(noise).toEqual([])
    expect((await cli.run(['report', '--html', 'src/main.js'])).code).toBe(2)
  })
})

test.each(['report', 5, 'pictures.txt', ''])('a report at %j is no option', async report => {
  const site = await project('')
  await expect(
    buildVite(site, join(site.root, 'dist'), { ...UPSCALE, report: report as string }),
  ).rejects.toThrow('report is')
})

test('a report that cannot be written stops the build with the reason', async () => {
  const site = await project("import a from './a.png?upscale=2'\ndocument.title = a\n", 'src/a.png')
  const report = 'package.json/report.html'
  await expect(buildVite(site, join(site.root, 'dist'), { ...UPSCALE, report })).rejects.toThrow(
    "the report can't be written",
  )
})
