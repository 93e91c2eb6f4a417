import { join } from 'node:path'
import { createRsbuild } from '@rsbuild/core'
import { build as esbuild } from 'esbuild'
import { type InputOptions, type OutputOptions, rolldown } from 'rolldown'
import { type RollupOptions, rollup } from 'rollup'
import sharp from 'sharp'
import upscaleEsbuild from 'unplugin-upscale/esbuild'
import upscaleRolldown from 'unplugin-upscale/rolldown'
import upscaleRollup from 'unplugin-upscale/rollup'
import upscaleRsbuild from 'unplugin-upscale/rsbuild'
import { afterEach, describe, expect, test } from 'vitest'
import { buildVite, buildWebpack, UPSCALE, type VITES, webpackConfig } from '../support/hosts.ts'
import { buildRspack, HOSTS, rspackConfig } from '../support/more-hosts.ts'
import { paint, SIZE } from '../support/pictures.ts'
import { readTree, type Site, writeSite } from '../support/site.ts'

/*
 * What a project says about paths holds for a picture as for its source: it lands where the source would, and neither the
 * names nor the texts of an output show the cache.
 */

const sites: Site[] = []
afterEach(async () => {
  await Promise.all(sites.splice(0).map(site => site.remove()))
})

const PICTURES = ['hero', 'plain', 'back', 'set'].map(name => `src/img/${name}.png`)

async function project(files: Readonly<Record<string, string>>): Promise<Site> {
  const site = await writeSite({ ...PAGES, ...files })
  sites.push(site)
  await Promise.all(PICTURES.map(picture => paint(site.root, picture)))
  return site
}

const PAGES = {
  'index.html':
    '<!doctype html><html><body><script type="module" src="./src/main.js"></script></body></html>',
  'src/index.html': '<p></p>',
  'src/style.css': '.a { background: url(./img/back.png?upscale=2) }',
}

const IMPORTS = `import hero from './img/hero.png?upscale=2'
import webp from './img/hero.png?upscale=2&format=webp'
import plain from './img/plain.png'
import set from './img/set.png?upscale=2&as=srcset'
globalThis.shown = [hero, webp, plain, set]
`

const PAGE = `import './style.css'\n${IMPORTS}`

/** Where the pictures land when names follow the folders below `src`; of the kinds of pictures that a host has. */
const IN_JS = ['hero-2x.png', 'hero-2x.webp', 'plain.png', 'set-2x.png', 'set.png']
const IN_CSS = ['back-2x.png']

/** A name that follows the source's folder, in the words of Rollup. */
const byOriginal = ({ originalFileNames }: { readonly originalFileNames: readonly string[] }): string =>
  originalFileNames[0]?.replace(/^.*?src\//, '') ?? '[name][extname]'

const ruled = { assetFileNames: byOriginal, entryFileNames: '[name].js', chunkFileNames: '[name].js' }

const vite =
  (version: keyof typeof VITES) =>
  (site: Site): Promise<void> =>
    buildVite(
      site,
      join(site.root, 'dist'),
      UPSCALE,
      { build: { assetsInlineLimit: 0, manifest: true, ssrManifest: true, rollupOptions: { output: ruled } } },
      version,
    )

interface PlaceHost {
  readonly css: boolean
  /** Builds with names that follow the folders. */
  build(site: Site): Promise<unknown>
}

const IMAGES = { test: /\.(?:png|webp)$/, type: 'asset/resource' as const }

const PLACE_HOSTS: Readonly<Record<string, PlaceHost>> = {
  'Vite 8': { css: true, build: vite('8') },
  'Vite 7': { css: true, build: vite('7') },
  'Vite 6': { css: true, build: vite('6') },
  webpack: {
    css: true,
    build: site =>
      buildWebpack(
        webpackConfig(site, join(site.root, 'dist'), UPSCALE, {
          module: { rules: [{ ...IMAGES, generator: { filename: '[path][name][ext]' } }] },
        }),
      ),
  },
  rspack: {
    css: true,
    build: site =>
      buildRspack(
        rspackConfig(site, join(site.root, 'dist'), UPSCALE, {
          module: { rules: [{ ...IMAGES, generator: { filename: '[path][name][ext]' } }] },
        }),
      ),
  },
  rsbuild: {
    css: true,
    async build(site) {
      const instance = await createRsbuild({
        cwd: site.root,
        config: {
          logLevel: 'silent',
          source: { entry: { index: './src/main.js' } },
          output: {
            distPath: { root: join(site.root, 'dist'), image: '' },
            filename: { image: '[path][name][ext]' },
            dataUriLimit: 0,
            manifest: true,
          },
          plugins: [upscaleRsbuild(UPSCALE)],
        },
      })
      const { close } = await instance.build()
      await close()
    },
  },
  esbuild: {
    css: true,
    build: site =>
      esbuild({
        entryPoints: ['src/main.js'],
        absWorkingDir: site.root,
        outdir: 'dist',
        outbase: 'src',
        bundle: true,
        format: 'esm',
        assetNames: '[dir]/[name]',
        logLevel: 'silent',
        plugins: [upscaleEsbuild(UPSCALE)],
      }),
  },
  rollup: {
    css: false,
    build: site => bundleWithRollup(site, {}, ruled),
  },
  rolldown: {
    css: false,
    build: site => bundleWithRolldown(site, {}, ruled),
  },
}

async function bundleWithRollup(site: Site, input: RollupOptions, output: object): Promise<void> {
  const bundle = await rollup({
    input: join(site.root, 'src/main.js'),
    onLog: () => {},
    ...input,
    plugins: [upscaleRollup({ root: site.root, ...UPSCALE })],
  })
  await bundle.write({ dir: join(site.root, 'dist'), format: 'es', ...output })
  await bundle.close()
}

async function bundleWithRolldown(site: Site, input: InputOptions, output: OutputOptions): Promise<void> {
  const bundle = await rolldown({
    input: join(site.root, 'src/main.js'),
    onLog: () => {},
    ...input,
    plugins: [upscaleRolldown({ root: site.root, ...UPSCALE })],
  })
  await bundle.write({ dir: join(site.root, 'dist'), format: 'es', ...output })
  await bundle.close()
}

/** The output by names; fails where a name or a text shows the cache. */
async function builtBy(site: Site): Promise<Map<string, Buffer>> {
  const tree = await readTree(join(site.root, 'dist'))
  const cache = /\.cache|[\\/]slots[\\/]|unplugin-upscale/
  for (const [name, bytes] of tree) {
    expect(name).not.toMatch(cache)
    if (!/\.(?:png|webp)$/.test(name)) expect(`${name}: ${bytes}`).not.toMatch(cache)
  }
  return tree
}

/** Names of pictures below `img`, without the part that tells another format from the first. */
const inFolder = (tree: ReadonlyMap<string, Buffer>): string[] =>
  [...tree.keys()]
    .filter(name => /\.(?:png|webp)$/.test(name))
    .map(name => name.replace(/^.*?\bimg\//, 'img/').replace(/-[0-9a-f]{6}(?=\.webp$)/, ''))
    .sort()

describe.each(Object.entries(PLACE_HOSTS))('%s', (_, { css, build }) => {
  test('names of outputs that follow the folders of sources do so for pictures', async () => {
    // Rollup alone knows no images; what it is not asked to enlarge, another plugin would load.
    const code = css ? PAGE : IMPORTS.replace(/^.*plain\.png.*\n/m, '').replace('plain, ', '')
    const site = await project({ 'src/main.js': code })
    await build(site)
    const tree = await builtBy(site)
    const expected = [...IN_JS.filter(name => css || name !== 'plain.png'), ...(css ? IN_CSS : [])]
    expect(inFolder(tree)).toEqual(expected.map(name => `img/${name}`).sort())
    const [hero] = [...tree].filter(([name]) => name.endsWith('img/hero-2x.png'))
    expect((await sharp(hero?.[1]).metadata()).width).toBe(2 * SIZE.width)
  })
})
