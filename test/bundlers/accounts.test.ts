import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Plugin as EsbuildPlugin, build as esbuild } from 'esbuild'
import { rolldown } from 'rolldown'
import { rollup } from 'rollup'
import sharp from 'sharp'
import upscaleEsbuild from 'unplugin-upscale/esbuild'
import upscaleRolldown from 'unplugin-upscale/rolldown'
import upscaleRollup from 'unplugin-upscale/rollup'
import { afterEach, describe, expect, test } from 'vitest'
import { buildVite, buildWebpack, UPSCALE, webpackConfig } from '../support/hosts.ts'
import { buildRspack, HOSTS, rspackConfig } from '../support/more-hosts.ts'
import { paint, SIZE } from '../support/pictures.ts'
import { readTree, type Site, writeSite } from '../support/site.ts'

/*
 * A small picture that something else inlined has lost its tag, so that nothing of it can be seen in the output. It is named
 * all the same, by what the sources say. And loaders that a request names don't turn ours off.
 */

const sites: Site[] = []
afterEach(async () => {
  await Promise.all(sites.splice(0).map(site => site.remove()))
})

async function project(files: Readonly<Record<string, string>>): Promise<Site> {
  const site = await writeSite({
    'src/index.html': '<p></p>',
    'index.html': '<!doctype html><script type="module" src="./src/code.js"></script>',
    ...files,
  })
  sites.push(site)
  await paint(site.root, 'src/hero.png')
  return site
}

const dist = (site: Site): string => join(site.root, 'dist')

const IMAGES = { test: /\.png$/, type: 'asset/resource' as const }

/** A loader that inlines the original before anybody else sees the reference. */
const INLINER = `const { readFileSync } = require('node:fs')
const { join } = require('node:path')
module.exports = function (code) {
  const data = readFileSync(join(this.context, 'hero.png')).toString('base64')
  return code.replace('./hero.png?upscale=2', 'data:image/png;base64,' + data)
}
`

const transform =
  (site: Site) =>
  async (code: string): Promise<string> => {
    const data = (await readFile(join(site.root, 'src/hero.png'))).toString('base64')
    return code.replace(/import hero from .*/, `const hero = 'data:image/png;base64,${data}'`)
  }

const INLINED: Readonly<Record<string, (site: Site) => Promise<unknown>>> = {
  webpack: site =>
    buildWebpack(
      webpackConfig(site, dist(site), UPSCALE, {
        module: { rules: [IMAGES, { test: /sheet\.css$/, use: [join(site.root, 'inliner.cjs')] }] },
      }),
    ),
  'webpack, in a page that a plugin compiles': site =>
    buildWebpack(
      webpackConfig(site, dist(site), UPSCALE, {
        module: { rules: [IMAGES, { test: /index\.html$/, use: [join(site.root, 'inliner.cjs')] }] },
      }),
    ),
  rspack: site =>
    buildRspack(
      rspackConfig(site, dist(site), UPSCALE, {
        module: { rules: [IMAGES, { test: /sheet\.css$/, use: [join(site.root, 'inliner.cjs')] }] },
      }),
    ),
  rollup: async site => {
    const bundle = await rollup({
      input: join(site.root, 'src/code.js'),
      plugins: [
        { name: 'inliner', transform: transform(site) },
        upscaleRollup({ ...UPSCALE, root: site.root }),
      ],
    })
    await bundle.write({ dir: dist(site) })
  },
  rolldown: async site => {
    const bundle = await rolldown({
      input: join(site.root, 'src/code.js'),
      plugins: [
        { name: 'inliner', transform: transform(site) },
        upscaleRolldown({ ...UPSCALE, root: site.root }),
      ],
    })
    await bundle.write({ dir: dist(site) })
  },
  esbuild: site => {
    const taker: EsbuildPlugin = {
      name: 'taker',
      setup: ({ onResolve }) =>
        onResolve({ filter: /\.png\?/ }, ({ resolveDir }) => ({ path: join(resolveDir, 'hero.png') })),
    }
    return esbuild({
      entryPoints: ['src/code.js'],
      absWorkingDir: site.root,
      outdir: 'dist',
      bundle: true,
      loader: { '.png': 'dataurl' },
      logLevel: 'silent',
      plugins: [taker, upscaleEsbuild(UPSCALE)],
    })
  },
  farm: site =>
    HOSTS.farm.build(site, dist(site), UPSCALE, [
      {
        name: 'inliner',
        transform: {
          filters: { resolvedPaths: ['code\\.js$'] },
          executor: async ({ content }) => ({ content: await transform(site)(content) }),
        },
      },
    ]),
}

test.each(Object.entries(INLINED))(
  '%s: a small picture that was inlined without its tag is named',
  async (name, build) => {
    const site = await project({
      'inliner.cjs': INLINER,
      'src/main.js': name.includes('page') ? '' : "import './sheet.css'\n",
      ...(name.includes('page') ? { 'src/index.html': '<p>\n<img src="./hero.png?upscale=2">\n</p>' } : {}),
      'src/sheet.css': 'a { color: red }\nb { background: url(./hero.png?upscale=2) }\n',
      'src/code.js':
        "// The second line has it.\nimport hero from './hero.png?upscale=2'\nconsole.log(hero)\n",
    })
    const file = name.includes('page') ? 'index.html' : /pack$/.test(name) ? 'sheet.css' : 'code.js'
    const failure = await build(site).then(
      () => 'the build did not fail',
      (error: unknown) => String(error),
    )
    expect(failure).toContain('LEFTOVER_REFERENCE')
    expect(failure).toContain('ships as it is')
    expect(failure).toContain(`${file}:2`)
  },
)

/** Longer than a path may be; webpack and Rspack make a module of it, whose name is all of it. */
const LONG_DATA = `data:image/svg+xml;charset=utf-8,${'%3Csvg%3E'.repeat(600)}`

const BUILDS: Readonly<Record<string, (site: Site) => Promise<unknown>>> = {
  webpack: site =>
    buildWebpack(webpackConfig(site, dist(site), UPSCALE, { module: { rules: [IMAGES, IMAGES_OF_DATA] } })),
  rspack: site =>
    buildRspack(rspackConfig(site, dist(site), UPSCALE, { module: { rules: [IMAGES, IMAGES_OF_DATA] } })),
  'Vite 8': site => buildVite(site, dist(site), UPSCALE),
  esbuild: site => HOSTS.esbuild.build(site, dist(site), UPSCALE),
  farm: site => HOSTS.farm.build(site, dist(site), UPSCALE),
}
const IMAGES_OF_DATA = { mimetype: 'image/svg+xml', type: 'asset/resource' as const }

test.each(Object.entries(BUILDS))(
  '%s: an address that holds a long picture itself is no path',
  async (_, build) => {
    const site = await project({
      'src/main.js': "import './sheet.css'\nimport hero from './hero.png?upscale=2'\nconsole.log(hero)\n",
      'src/code.js': "import './main.js'\n",
      'src/sheet.css': `a { background: url("${LONG_DATA}") }\n`,
    })
    await build(site)
  },
)

describe.each(['webpack', 'rspack'] as const)('%s', name => {
  const build = async (site: Site, cache: boolean = false): Promise<void> => {
    const disk = { type: 'filesystem' as const, cacheDirectory: join(site.root, 'cache') }
    const kept = {
      type: 'persistent' as const,
      storage: { type: 'filesystem' as const, directory: join(site.root, 'cache') },
    }
    if (name === 'webpack') {
      await buildWebpack(
        webpackConfig(site, dist(site), UPSCALE, {
          module: { rules: [IMAGES] },
          ...(cache ? { cache: disk } : {}),
        }),
      )
    } else {
      await buildRspack(
        rspackConfig(site, dist(site), UPSCALE, {
          module: { rules: [IMAGES] },
          ...(cache ? { cache: kept } : {}),
        }),
      )
    }
  }

  /** Widths of the pictures, those in the code among them. */
  async function widthsIn(site: Site): Promise<(number | undefined)[]> {
    const tree = await readTree(dist(site))
    const code = String(tree.get('main.js'))
    const inlined = [...code.matchAll(/data:image\/png;base64,([\w+/=]+)/g)].map(([, data = '']) => data)
    const files = [...tree].filter(([file]) => file.endsWith('.png')).map(([, bytes]) => bytes)
    const pictures = [...files, ...inlined.map(data => Buffer.from(data, 'base64'))]
    return Promise.all(pictures.map(async bytes => (await sharp(bytes).metadata()).width))
  }

  const LOADER = `module.exports = function (bytes) {
  return 'module.exports = ' + JSON.stringify('data:image/png;base64,' + bytes.toString('base64'))
}
module.exports.raw = true
`

  test.each<readonly [name: string, prefix: string]>([
    // Rspack alone then takes any picture for code, tagged or not.
    ...(name === 'webpack' ? ([['!!', '!!']] as const) : []),
    ['-!', '-!'],
    ['!', '!'],
    ['!! and a loader', '!!{loader}!'],
    ['-! and a loader', '-!{loader}!'],
  ])('a request that starts with %s is upscaled', async (_, prefix) => {
    const site = await project({ 'loader.cjs': LOADER })
    const request = `${prefix.replace('{loader}', join(site.root, 'loader.cjs'))}./hero.png?upscale=2`
    // A loader that makes code of a picture is for a module of code.
    const named = prefix.includes('{loader}') ? `./code.js!=!${request}` : request
    await writeFile(join(site.root, 'src/main.js'), `import hero from '${named}'\nconsole.log(hero)\n`)
    await build(site)
    expect(await widthsIn(site)).toEqual([2 * SIZE.width])
  })

  test('a text that is asked for in a request with loaders is refused by name', async () => {
    const site = await project({
      'src/main.js': "import hero from '!!./hero.png?upscale=2&as=srcset'\nconsole.log(hero)\n",
    })
    await expect(build(site)).rejects.toThrow('BAD_DIRECTIVE')
  })

  test('what the persistent cache keeps is no picture that nobody asked for', async () => {
    const site = await project({
      'src/main.js': "import './other.js'\nimport hero from './hero.png?upscale=2'\nconsole.log(hero)\n",
      'src/other.js': "import hero from './hero.png'\nconsole.log('small', hero)\n",
    })
    await build(site, true)
    await build(site, true)
    expect(await widthsIn(site)).toEqual(expect.arrayContaining([SIZE.width, 2 * SIZE.width]))
  })
})
