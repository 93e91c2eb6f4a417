import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createBundleHandler, Logger, resolveConfig } from '@farmfe/core'
import { rspack } from '@rspack/core'
import { context } from 'esbuild'
import { watch as rolldownWatch } from 'rolldown'
import { watch as rollupWatch } from 'rollup'
import sharp from 'sharp'
import upscaleEsbuild from 'unplugin-upscale/esbuild'
import upscaleFarm from 'unplugin-upscale/farm'
import upscaleRolldown from 'unplugin-upscale/rolldown'
import upscaleRollup from 'unplugin-upscale/rollup'
import { expect, test } from 'vitest'
import { gatedEngine } from '../support/gated-engine.ts'
import { UPSCALE } from '../support/hosts.ts'
import { rspackConfig } from '../support/more-hosts.ts'
import { paint, SIZE } from '../support/pictures.ts'
import { readTree, type Site, writeSite } from '../support/site.ts'

type Form = 'js' | 'url' | 'css' | 'srcset'
/** `onFailure` is called after each build that failed. */
type Watch = (site: Site, outDir: string, onFailure: () => void) => Promise<() => Promise<unknown>>

const CODE: Readonly<Record<Form, string>> = {
  js: "import js from './js.png?upscale=2'\nconsole.log(js)",
  url: "console.log(new URL('./url.png?upscale=2', import.meta.url).href)",
  css: "import './style.css'",
  srcset: "import srcset from './srcset.png?upscale=2&as=srcset'\nconsole.log(srcset)",
}

/** Each starts to watch, and gives what ends it. */
const WATCHES: readonly (readonly [host: string, forms: readonly Form[], watch: Watch])[] = [
  [
    'rollup',
    ['js', 'url', 'srcset'],
    async (site, dir, onFailure) => {
      const watcher = rollupWatch({
        input: join(site.root, 'src/main.js'),
        plugins: [upscaleRollup({ ...UPSCALE, root: site.root })],
        output: { dir, format: 'es' },
        watch: { buildDelay: 50 },
        onLog: () => {},
      })
      watcher.on('event', ({ code }) => {
        if (code === 'ERROR') onFailure()
      })
      return () => watcher.close()
    },
  ],
  [
    'rolldown',
    ['js', 'url', 'srcset'],
    async (site, dir, onFailure) => {
      const watcher = rolldownWatch({
        input: join(site.root, 'src/main.js'),
        plugins: [upscaleRolldown({ ...UPSCALE, root: site.root })],
        output: { dir, format: 'es' },
        onLog: () => {},
      })
      watcher.on('event', ({ code }) => {
        if (code === 'ERROR') onFailure()
      })
      return () => watcher.close()
    },
  ],
  [
    'esbuild',
    ['js', 'css', 'srcset'],
    async (site, outdir, onFailure) => {
      const watching = await context({
        entryPoints: ['src/main.js'],
        absWorkingDir: site.root,
        outdir,
        bundle: true,
        format: 'esm',
        logLevel: 'silent',
        plugins: [
          upscaleEsbuild(UPSCALE),
          {
            name: 'failures',
            setup: ({ onEnd }) => onEnd(({ errors }) => void (errors.length > 0 && onFailure())),
          },
        ],
      })
      await watching.watch()
      return () => watching.dispose()
    },
  ],
  [
    'rspack',
    ['js', 'url', 'css', 'srcset'],
    async (site, outDir, onFailure) => {
      const compiler = rspack(rspackConfig(site, outDir, UPSCALE))
      const watching = compiler.watch({ aggregateTimeout: 50 }, (_, stats) => {
        if (stats?.hasErrors()) onFailure()
      })
      return () =>
        new Promise(resolve => {
          if (watching === undefined) resolve(undefined)
          else watching.close(() => compiler.close(resolve))
        })
    },
  ],
  [
    'farm',
    ['js', 'css', 'srcset'],
    async (site, path) => {
      const logger = new Logger()
      const config = {
        root: site.root,
        configFile: false,
        compilation: {
          input: { index: './index.html' },
          output: { path, publicPath: '/' },
          persistentCache: false,
          presetEnv: false,
          progress: false,
          sourcemap: false,
          minify: false,
        },
        plugins: [upscaleFarm(UPSCALE)],
      } as Parameters<typeof resolveConfig>[0]
      // What its `watch()` does, which can't be ended.
      const resolved = await resolveConfig(config, 'development', logger, false)
      const watcher = await createBundleHandler(resolved, logger, true)
      return async () => {
        await watcher?.getInternalWatcher().close()
      }
    },
  ],
]

/**
 * False for Farm 1.7, which ends with a first build that fails, and forgets the changes that wait behind an update that
 * fails (`Compiler.update`): it shows a repaired image with the next change of any file.
 */
const survivesFailures = (host: string): boolean => host !== 'farm'

const BEGINNINGS = WATCHES.flatMap(([host, ...rest]) =>
  (['whole', 'broken'] as const)
    .filter(first => first === 'whole' || survivesFailures(host))
    .map(first => [host, first, ...rest] as const),
)

test.each(BEGINNINGS)(
  '%s that begins with a %s image shows edited ones in every form, also one that was broken for a while',
  async (host, first, forms, watch) => {
    const site = await writeSite({
      'index.html':
        '<!doctype html><html><head></head><body><script type="module" src="./src/main.js"></script></body></html>',
      'src/main.js': forms.map(form => CODE[form]).join('\n'),
      'src/style.css': 'body { background: url(./css.png?upscale=2) }',
    })
    const outDir = join(site.root, 'dist')
    const paintAll = (blue: number): Promise<unknown> =>
      Promise.all(
        forms.map((form, index) =>
          // A colour of its own for each, or one file would serve for several.
          paint(join(site.root, 'src'), `${form}.png`, { left: [index, 0, blue], right: [0, index, blue] }),
        ),
      )
    const breakAll = (): Promise<unknown> =>
      Promise.all(forms.map(form => writeFile(join(site.root, 'src', `${form}.png`), 'half of it')))
    if (first === 'whole') await paintAll(50)
    else await breakAll()
    let failures = 0
    const stop = await watch(site, outDir, () => failures++)
    try {
      const wanted = (blue: number): number[][] => forms.map((_, index) => [index, 0, blue])
      const options = { timeout: 30_000, interval: 200 }
      if (first === 'broken') {
        await expect.poll(() => failures, options).toBeGreaterThan(0)
        await paintAll(50)
      }
      await expect.poll(() => upscaledPixels(outDir), options).toEqual(expect.arrayContaining(wanted(50)))
      await paintAll(200)
      await expect.poll(() => upscaledPixels(outDir), options).toEqual(expect.arrayContaining(wanted(200)))
      if (!survivesFailures(host)) return
      const before = failures
      await breakAll()
      await expect.poll(() => failures, options).toBeGreaterThan(before)
      await paintAll(120)
      await expect.poll(() => upscaledPixels(outDir), options).toEqual(expect.arrayContaining(wanted(120)))
    } finally {
      await stop()
      await site.remove()
    }
  },
)

test('esbuild shows an image that was edited while it was upscaled', async () => {
  const site = await writeSite({ 'src/main.js': CODE.js })
  const paintBlue = (blue: number): Promise<unknown> =>
    paint(join(site.root, 'src'), 'js.png', { left: [0, 0, blue], right: [0, 0, blue] })
  await paintBlue(50)
  const outdir = join(site.root, 'dist')
  const gated = gatedEngine()
  const watching = await context({
    entryPoints: ['src/main.js'],
    absWorkingDir: site.root,
    outdir,
    bundle: true,
    logLevel: 'silent',
    plugins: [upscaleEsbuild({ ...UPSCALE, engine: gated.engine })],
  })
  try {
    await watching.watch()
    await expect.poll(() => gated.calls, { timeout: 20_000 }).toBe(1)
    await paintBlue(200)
    gated.open()
    const options = { timeout: 30_000, interval: 200 }
    await expect.poll(() => upscaledPixels(outdir), options).toContainEqual([255, 255, 55])
  } finally {
    gated.open()
    await watching.dispose()
    await site.remove()
  }
})

/** The first pixel of every upscaled picture in a folder, those of earlier rebuilds among them. */
async function upscaledPixels(outDir: string): Promise<number[][]> {
  const tree = await readTree(outDir).catch(() => new Map<string, Buffer>())
  const pictures = [...tree].filter(([name]) => name.endsWith('.png'))
  const pixels = await Promise.all(
    pictures.map(async ([, bytes]) => {
      const { data, info } = await sharp(bytes)
        .removeAlpha()
        .raw()
        .toBuffer({ resolveWithObject: true })
        // It is being written.
        .catch(() => ({ data: Buffer.alloc(0), info: { width: 0 } }))
      return info.width === SIZE.width * 2 ? [...data.subarray(0, 3)] : []
    }),
  )
  return pixels
}
