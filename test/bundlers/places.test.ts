import { rm } from 'node:fs/promises'
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
import { makePlainSite } from '../support/plain-site.ts'
import { readTree, type Site, writeSite } from '../support/site.ts'

/*
 * What a project says about paths holds for a picture as for its source: it lands where the source would, and neither the
 * names nor the texts of an output show the cache.
 */

const sites: Site[] = []
afterEach(async () => {
  await Promise.all(sites.splice(0).map(site => site.remove()))
})

const PICTURES = ['hero', 'plain', 'back', 'set', 'far'].map(name => `src/img/${name}.png`)

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

const PAGE = `import './style.css'\nimport far from '@/img/far.png?upscale=2'\nglobalThis.far = far\n${IMPORTS}`

/** Where the pictures land when names follow the folders below `src`. */
const IN_JS = ['hero-2x.png', 'hero-2x.webp', 'plain.png', 'set-2x.png', 'set.png']
const WITH_CSS_AND_ALIASES = ['back-2x.png', 'far-2x.png']

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
      {
        build: { assetsInlineLimit: 0, manifest: true, ssrManifest: true, rollupOptions: { output: ruled } },
      },
      version,
    )

interface PlaceHost {
  /** Has style sheets, and aliases without plugins. */
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
          resolve: { alias: { '@': join(site.root, 'src') } },
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
        alias: { '@': join(site.root, 'src') },
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
  const cache = /\.cache[\\/]|[\\/]slots[\\/]|unplugin-upscale/
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
    const expected = [
      ...IN_JS.filter(name => css || name !== 'plain.png'),
      ...(css ? WITH_CSS_AND_ALIASES : []),
    ]
    expect(inFolder(tree)).toEqual(expected.map(name => `img/${name}`).sort())
    const [hero] = [...tree].filter(([name]) => name.endsWith('img/hero-2x.png'))
    expect((await sharp(hero?.[1]).metadata()).width).toBe(2 * SIZE.width)
  })
})

describe.each(['8', '7', '6'] as const)('Vite %s', version => {
  const dist = (site: Site): string => join(site.root, 'dist')

  test('modules that are kept as files lie where the source does', async () => {
    const site = await project({
      'src/main.js': `${PAGE}export { default } from './img/hero.png?upscale=2&v=3'\n`,
      'package.json': '{ "name": "library", "type": "module" }',
    })
    await buildVite(
      site,
      dist(site),
      UPSCALE,
      {
        build: {
          lib: {
            entry: join(site.root, 'src/main.js'),
            formats: ['es'],
            fileName: (_, name) => `${name}.js`,
          },
          minify: false,
          rollupOptions: { output: { preserveModules: true } },
        },
      },
      version,
    )
    const names = [...(await builtBy(site)).keys()]
    expect(names).toEqual(
      expect.arrayContaining(['main.js', 'img/hero-2x.png.js', 'img/plain.png.js', 'img/far-2x.png.js']),
    )
  })

  test('limits and chunks are told the path beside the source, and manifests name the source', async () => {
    const site = await project({
      'src/main.js': `${PAGE}import('./img/back.png?upscale=2').then(back => { globalThis.back = back })\n`,
    })
    const limited: string[] = []
    const chunked: string[] = []
    await buildVite(
      site,
      dist(site),
      UPSCALE,
      {
        build: {
          manifest: true,
          ssrManifest: true,
          minify: false,
          assetsInlineLimit: file => {
            limited.push(file.slice(site.root.length + 1))
            return file.endsWith('/src/img/set.png')
          },
          rollupOptions: {
            output: {
              manualChunks: (id: string) => {
                if (/\.(?:png|webp)/.test(id)) chunked.push(id.slice(site.root.length + 1))
                return /\/src\/img\/.*\.png$/.test(id) ? 'pictures' : undefined
              },
            },
          },
        },
      },
      version,
    )
    const tree = await builtBy(site)
    expect(new Set(limited)).toEqual(new Set(PICTURES))
    expect(new Set(chunked)).toEqual(new Set(chunked.filter(id => id.startsWith('src/img/'))))
    expect(chunked).toEqual(expect.arrayContaining(['src/img/hero-2x.png', 'src/img/far-2x.png']))
    const names = [...tree.keys()].map(name => name.replace(/-[\w-]{8}\./, '.'))
    expect(names).toEqual(expect.arrayContaining(['assets/pictures.js', 'assets/hero-2x.png']))
    // Both pictures of it are under the limit that its path sets.
    expect(names.filter(name => name.startsWith('assets/set'))).toEqual([])
    const manifest = JSON.parse(String(tree.get('.vite/manifest.json')))
    expect(Object.keys(manifest)).toEqual(
      expect.arrayContaining([
        'src/img/hero.png?upscale=2',
        'src/img/hero.png?upscale=2&format=webp',
        'src/img/plain.png',
      ]),
    )
    const keys = Object.values<{ dynamicImports?: string[]; imports?: string[] }>(manifest).flatMap(
      ({ dynamicImports = [], imports = [] }) => [...dynamicImports, ...imports],
    )
    expect(Object.keys(manifest)).toEqual(expect.arrayContaining(keys))
    expect(Object.keys(JSON.parse(String(tree.get('.vite/ssr-manifest.json'))))).toEqual(
      expect.arrayContaining(['src/img/hero.png?upscale=2', 'src/img/plain.png']),
    )
  })

  test.each([
    ['by its extension', /\.png/],
    ['by its folder', (id: string) => id.includes('/src/img/')],
  ])('a picture that is declared external %s fails the build', async (_, external) => {
    const site = await project({
      'src/main.js': "import hero from './img/hero.png?upscale=2'\nexport default hero",
    })
    await expect(
      buildVite(
        site,
        dist(site),
        UPSCALE,
        {
          build: {
            lib: { entry: join(site.root, 'src/main.js'), formats: ['es'] },
            rollupOptions: { external },
          },
        },
        version,
      ),
    ).rejects.toThrow(/LEFTOVER_REFERENCE[\s\S]*main\.js:1\b/)
  })
})

test('the picture of a file that has the name of another picture is not that one', async () => {
  const site = await project({
    'src/main.js': `import made from './img/hero.png?upscale=2'
import own from './img/hero-2x.png'
globalThis.shown = [made, own]
`,
  })
  await paint(site.root, 'src/img/hero-2x.png')
  for (const name of ['Vite 8', 'esbuild']) {
    await PLACE_HOSTS[name]?.build(site)
    const tree = await builtBy(site)
    const widths = await Promise.all(
      [...tree]
        .filter(([file]) => file.endsWith('.png'))
        .map(
          async ([file, bytes]) =>
            [file.replace(/-[0-9a-f]{6}/, ''), (await sharp(bytes).metadata()).width] as const,
        ),
    )
    expect(new Set(widths.map(([, width]) => width))).toEqual(new Set([SIZE.width, 2 * SIZE.width]))
    await rm(join(site.root, 'dist'), { recursive: true })
  }
})

describe.each(['rollup', 'rolldown'] as const)('%s', name => {
  const bundle = name === 'rollup' ? bundleWithRollup : bundleWithRolldown

  test('modules that are kept as files lie where the source does', async () => {
    const site = await project({ 'src/main.js': "export { default } from './img/hero.png?upscale=2'\n" })
    await bundle(site, {}, { preserveModules: true })
    const names = [...(await builtBy(site)).keys()].filter(file => file.endsWith('.js'))
    expect(names.filter(file => file !== 'main.js')).toEqual([expect.stringMatching(/^img\/hero/)])
  })

  test('a picture that is declared external fails the build', async () => {
    const site = await project({ 'src/main.js': "export { default } from './img/hero.png?upscale=2'\n" })
    await expect(bundle(site, { external: /\.png/ }, {})).rejects.toThrow('LEFTOVER_REFERENCE')
  })
})

test.each([
  ['an address of a site', './style.css', 'a { background: url(/img/hero.png?upscale=2) }', ['/img/*']],
  ['an import', './code.js', "import hero from './img/hero.png?upscale=2'\nconsole.log(hero)", ['*.png']],
])('esbuild: %s that is declared external fails the build', async (_, file, text, external) => {
  const site = await project({ 'src/main.js': `import '${file}'\n`, [`src/${file}`]: text })
  const built = esbuild({
    entryPoints: ['src/main.js'],
    absWorkingDir: site.root,
    outdir: 'dist',
    bundle: true,
    external,
    logLevel: 'silent',
    plugins: [upscaleEsbuild(UPSCALE)],
  })
  await expect(built).rejects.toThrow(/declares this picture external[\s\S]*LEFTOVER_REFERENCE/)
})

test('esbuild names the path beside the source in its metafile', async () => {
  const site = await project({ 'src/main.js': PAGE })
  const { metafile } = await esbuild({
    entryPoints: ['src/main.js'],
    absWorkingDir: site.root,
    outdir: 'dist',
    bundle: true,
    alias: { '@': join(site.root, 'src') },
    format: 'esm',
    metafile: true,
    loader: { '.png': 'dataurl', '.webp': 'copy' },
    logLevel: 'silent',
    plugins: [upscaleEsbuild(UPSCALE)],
  })
  const inputs = Object.keys(metafile.inputs)
  expect(inputs).toEqual(expect.arrayContaining(['src/img/hero-2x.png', 'src/img/back-2x.png']))
  expect(JSON.stringify(metafile)).not.toContain('.cache')
})

describe.each(['webpack', 'rspack'] as const)('%s', name => {
  test('functions about paths, and the facts of an asset, name the path beside the source', async () => {
    const site = await project({ 'src/main.js': PAGE })
    const asked: string[] = []
    const noted = (file: string): string => file.replace(/^.*?src\//, 'src/').replace(/\?.*$/, '')
    const images = { test: /\.(?:png|webp)$/, type: 'asset/resource' as const }
    const filename = ({ filename: file = '' }: { readonly filename?: string | undefined }): string => {
      asked.push(noted(file))
      return `${noted(file)}`
    }
    const rules = [{ ...images, generator: { filename } }]
    const out = join(site.root, 'dist')
    const stats =
      name === 'webpack'
        ? await buildWebpack(webpackConfig(site, out, UPSCALE, { module: { rules } }))
        : await buildRspack(rspackConfig(site, out, UPSCALE, { module: { rules } }))
    const names = ['hero-2x', 'back-2x', 'far-2x', 'plain'].map(stem => `src/img/${stem}.png`)
    expect([...(await builtBy(site)).keys()]).toEqual(expect.arrayContaining(names))
    expect(asked).toEqual(expect.arrayContaining(names))
    const { assets = [] } = stats.toJson({ all: false, assets: true })
    const sources = assets.map(({ info }) => noted(String(info?.sourceFilename)))
    expect(sources).toEqual(expect.arrayContaining(names))
  })
})

test.each(['webpack', 'rspack'] as const)(
  '%s: forms of a picture that differ in anything are files of their own, without a digest of their bytes too',
  async name => {
    const queries = ['', '&format=webp', '&format=webp&quality=40', '&engine=local']
    const imports = queries.map((query, index) => `import p${index} from './img/hero.png?upscale=2${query}'`)
    const site = await project({
      'src/main.js': `${imports.join('\n')}
import own from './img/hero-3x.png'
import other from './img/hero.jpg?upscale=2&format=webp'
import made from './img/hero.png?upscale=3'
globalThis.shown = [${queries.map((_, index) => `p${index}`).join()}, own, other, made]
`,
    })
    await paint(site.root, 'src/img/hero-3x.png')
    await paint(site.root, 'src/img/hero.jpg')
    const images = { test: /\.(?:png|jpg|webp)$/, type: 'asset/resource' as const }
    const rules = [{ ...images, generator: { filename: 'img/[name][ext]' } }]
    const out = join(site.root, 'dist')
    if (name === 'webpack') await buildWebpack(webpackConfig(site, out, UPSCALE, { module: { rules } }))
    else await buildRspack(rspackConfig(site, out, UPSCALE, { module: { rules } }))
    const tree = await builtBy(site)
    const files = [...tree.keys()].filter(file => file.startsWith('img/'))
    expect(files).toEqual(expect.arrayContaining(['img/hero-2x.png', 'img/hero-3x.png']))
    expect(files).toHaveLength(queries.length + 3)
    expect((await sharp(tree.get('img/hero-3x.png')).metadata()).width).toBe(SIZE.width)
  },
)

test('webpack asks whether to inline a picture with the path beside its source', async () => {
  const site = await project({ 'src/main.js': PAGE })
  const dataUrlCondition = (_: unknown, { filename }: { readonly filename: string }): boolean =>
    /src[\\/]img[\\/](?:set|hero)/.test(filename)
  const rules = [{ test: /\.(?:png|webp)$/, type: 'asset' as const, parser: { dataUrlCondition } }]
  await buildWebpack(webpackConfig(site, join(site.root, 'dist'), UPSCALE, { module: { rules } }))
  const pictures = [...(await builtBy(site)).keys()].filter(file => /\.(?:png|webp)$/.test(file))
  expect(pictures).toHaveLength(['plain', 'back', 'far'].length)
})

test('no output of Farm shows the cache', async () => {
  const site = await makePlainSite(HOSTS.farm.abilities)
  sites.push(site)
  await HOSTS.farm.build(site, join(site.root, 'dist'), UPSCALE)
  const tree = await builtBy(site)
  expect([...tree.keys()].some(file => /-2x\b.*\.png$/.test(file))).toBe(true)
})
