import { hash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createRsbuild } from '@rsbuild/core'
import { rspack } from '@rspack/core'
import { build as esbuild } from 'esbuild'
import { rolldown } from 'rolldown'
import { rollup } from 'rollup'
import sharp from 'sharp'
import upscaleEsbuild from 'unplugin-upscale/esbuild'
import upscaleRolldown from 'unplugin-upscale/rolldown'
import upscaleRollup from 'unplugin-upscale/rollup'
import upscaleRsbuild from 'unplugin-upscale/rsbuild'
import upscaleRspack from 'unplugin-upscale/rspack'
import upscaleVite from 'unplugin-upscale/vite'
import upscaleWebpack from 'unplugin-upscale/webpack'
import { createBuilder } from 'vite'
import { afterEach, describe, expect, test } from 'vitest'
import { webpack } from 'webpack'
import { buildVite, buildWebpack, UPSCALE } from '../support/hosts.ts'
import { buildRspack, HOSTS, rspackConfig } from '../support/more-hosts.ts'
import { paint, SIZE } from '../support/pictures.ts'
import { readTree, type Site, writeSite } from '../support/site.ts'

/*
 * Code runs in workers of several kinds and on servers, and a process may build several bundles at a time. In each, every
 * form is upscaled, or named where the host copies the code unread.
 */

const sites: Site[] = []
afterEach(async () => {
  await Promise.all(sites.splice(0).map(site => site.remove()))
})

/** Ways in which the main script starts a module. */
const STARTS = {
  plain: (file: string) => `import './${file}'`,
  worker: (file: string) => `new Worker(new URL('./${file}', import.meta.url), { type: 'module' })`,
  shared: (file: string) => `new SharedWorker(new URL('./${file}', import.meta.url), { type: 'module' })`,
  service: (file: string) => `navigator.serviceWorker.register(new URL('./${file}', import.meta.url))`,
  '?worker': (file: string) => `import A from './${file}?worker'\nnew A()`,
  '?worker&inline': (file: string) => `import B from './${file}?worker&inline'\nnew B()`,
  '?worker&url': (file: string) => `import c from './${file}?worker&url'\nnew Worker(c)`,
  '?sharedworker': (file: string) => `import D from './${file}?sharedworker'\nnew D()`,
} as const
type Start = keyof typeof STARTS

const nameOf = (start: Start): string => start.replaceAll(/\W+/g, '-').replace(/^-/, 'vite-')

/** Each environment has pictures of its own in each form, so that one that is missing is seen. */
const FORMS = ['import', 'dynamic', 'new-url', 'srcset'] as const

const codeOf = (name: string): string => `
import a from './${name}-import.png?upscale=2'
import d from './${name}-srcset.png?upscale=2&as=srcset'
const c = new URL('./${name}-new-url.png?upscale=2', import.meta.url).href
import('./${name}-dynamic.png?upscale=2').then(b => { globalThis.shown = [a, b.default, c, d] })
`

/** A project whose main script starts each of these, and a worker that starts another one. */
async function projectOf(
  starts: readonly Start[],
  files: Readonly<Record<string, string>> = {},
): Promise<Site> {
  const isNested = starts.includes('worker')
  const names = [...starts.map(nameOf), ...(isNested ? ['nested'] : [])]
  const code = Object.fromEntries(names.map(name => [`src/${name}.js`, codeOf(name)]))
  const nested = STARTS.worker('nested.js')
  const main = starts.map(start => STARTS[start](`${nameOf(start)}.js`)).join('\n')
  const page = '<!doctype html>\n<script type="module" src="./main.js"></script>\n'
  const site = await writeSite({
    ...code,
    ...(isNested ? { 'src/worker.js': `${codeOf('worker')}${nested}\n` } : {}),
    'src/main.js': `${main}\n`,
    'src/index.html': page,
    'index.html': page.replace('./main', './src/main'),
    ...files,
  })
  sites.push(site)
  await Promise.all(names.flatMap(name => FORMS.map(form => paint(site.root, `src/${name}-${form}.png`))))
  return site
}

const dist = (site: Site, ...more: string[]): string => join(site.root, 'dist', ...more)

/** The distinct pictures of an output by their width, in files, in code and in code that stands in code. */
async function widthsIn(site: Site): Promise<Record<number, number>> {
  const pictures = new Map<string, Buffer>()
  const note = (bytes: Buffer): void => void pictures.set(hash('sha256', bytes), bytes)
  const read = (text: string): void => {
    for (const [, data = ''] of text.matchAll(/data:image\/png;base64,([\w+/=]+)/g)) {
      note(Buffer.from(data, 'base64'))
    }
  }
  for (const [name, bytes] of await readTree(dist(site))) {
    if (name.endsWith('.png')) note(bytes)
    else read(String(bytes))
  }
  const counts: Record<number, number> = {}
  for (const bytes of pictures.values()) {
    const { width } = await sharp(bytes).metadata()
    counts[width] = (counts[width] ?? 0) + 1
  }
  return counts
}

/** Of every environment: one picture for each form, and the original that a list has. */
async function expectAll(site: Site, environments: number): Promise<void> {
  expect(await widthsIn(site)).toEqual({
    [2 * SIZE.width]: environments * FORMS.length,
    [SIZE.width]: environments,
  })
}

const options = (site: Site): typeof UPSCALE => ({ ...UPSCALE, root: site.root })

const webpackOf = (site: Site, more: object = {}, outDir = dist(site)) => ({
  mode: 'production' as const,
  context: site.root,
  entry: './src/main.js',
  devtool: false as const,
  infrastructureLogging: { level: 'none' as const },
  output: { path: outDir },
  module: { rules: [{ test: /\.png$/, type: 'asset/resource' as const }] },
  ...more,
})

type Run = (site: Site) => Promise<unknown>

const URL_STARTS = ['plain', 'worker', 'shared', 'service'] as const

const WORKERS: Readonly<Record<string, readonly [starts: readonly Start[], build: Run]>> = {
  ...Object.fromEntries(
    (['8', '6'] as const).map(version => [
      `Vite ${version}`,
      [
        ['plain', 'worker', 'shared', '?worker', '?worker&inline', '?worker&url', '?sharedworker'],
        (site: Site) =>
          buildVite(
            site,
            dist(site),
            options(site),
            { root: join(site.root, 'src'), worker: { format: 'es' } },
            version,
          ),
      ],
    ]),
  ),
  webpack: [
    URL_STARTS,
    site => buildWebpack({ ...webpackOf(site), plugins: [upscaleWebpack(options(site))] }),
  ],
  rspack: [URL_STARTS, site => buildRspack(rspackConfig(site, dist(site), options(site)))],
  rsbuild: [URL_STARTS, site => HOSTS.rsbuild.build(site, dist(site), options(site))],
}

test.each(Object.entries(WORKERS))(
  '%s: every form is upscaled in every worker',
  async (_, [starts, build]) => {
    const site = await projectOf(starts)
    await build(site)
    await expectAll(site, starts.length + 1)
    for (const [name, bytes] of await readTree(dist(site))) {
      if (!name.endsWith('.map')) expect(String(bytes).match(/[^"'`\s]*\.png\?upscale/), name).toBeNull()
    }
  },
)

describe('a worker that the host copies unread', () => {
  const COPIES: Readonly<Record<string, readonly [start: Start, build: Run]>> = {
    Vite: ['service', site => buildVite(site, dist(site), options(site), { root: join(site.root, 'src') })],
    Farm: ['worker', site => HOSTS.farm.build(site, dist(site), options(site))],
    'esbuild without bundling': [
      'worker',
      site =>
        esbuild({
          entryPoints: ['src/worker.js'],
          absWorkingDir: site.root,
          outdir: 'dist',
          logLevel: 'silent',
          plugins: [upscaleEsbuild(options(site))],
        }),
    ],
  }

  test.each(Object.entries(COPIES))('%s: is named with its line', async (_, [start, build]) => {
    const site = await projectOf([start])
    await expect(build(site)).rejects.toThrow(
      new RegExp(`LEFTOVER_REFERENCE.*${nameOf(start)}\\.js:\\d`, 's'),
    )
  })
})

test.each(Object.entries(WORKERS))(
  '%s: a string of a worker is named with its line',
  async (_, [, build]) => {
    const site = await projectOf(['worker'], {
      'src/nested.js': "\nglobalThis.shown = './nested-import.png?upscale=2'\n",
    })
    await expect(build(site)).rejects.toThrow(/LEFTOVER_REFERENCE.*nested\.js:2/s)
  },
)

/** Two builds at a time of one process; where a config takes one, with one plugin. */
const TWICE: Readonly<Record<string, Run>> = {
  'Vite, with environments': async site => {
    const input = join(site.root, 'src/main.js')
    const builder = await createBuilder({
      root: join(site.root, 'src'),
      configFile: false,
      logLevel: 'silent',
      plugins: [upscaleVite(options(site))],
      builder: { sharedConfigBuild: true, sharedPlugins: true },
      environments: {
        client: { build: { outDir: dist(site, 'client') } },
        ssr: {
          build: { outDir: dist(site, 'server'), ssr: true, emitAssets: true, rolldownOptions: { input } },
        },
      },
    })
    await Promise.all(Object.values(builder.environments).map(environment => builder.build(environment)))
  },
  webpack: site => {
    const plugins = [upscaleWebpack(options(site))]
    return runAll(
      webpack([
        { ...webpackOf(site), plugins },
        { ...webpackOf(site, { target: 'node' }, dist(site, 'server')), plugins },
      ]),
    )
  },
  rspack: site => {
    const plugins = [upscaleRspack(options(site))]
    return runAll(
      rspack([
        { ...rspackConfig(site, dist(site), {}), plugins },
        { ...rspackConfig(site, dist(site, 'server'), {}, { target: 'node' }), plugins },
      ]),
    )
  },
  rsbuild: async site => {
    const instance = await createRsbuild({
      cwd: site.root,
      config: {
        logLevel: 'silent',
        source: { entry: { index: './src/main.js' } },
        environments: {
          web: { output: { distPath: { root: dist(site, 'web') } } },
          node: { output: { target: 'node', distPath: { root: dist(site, 'node') } } },
        },
        plugins: [upscaleRsbuild(options(site))],
      },
    })
    await (await instance.build()).close()
  },
  rollup: async site => {
    const plugins = [upscaleRollup(options(site))]
    const inputs = ['main', 'other'].map(name => join(site.root, `src/${name}.js`))
    const bundles = await Promise.all(inputs.map(input => rollup({ input, plugins, onLog: () => {} })))
    await Promise.all(bundles.map((bundle, index) => bundle.write({ dir: dist(site, String(index)) })))
  },
  rolldown: async site => {
    const plugins = [upscaleRolldown(options(site))]
    const inputs = ['main', 'other'].map(name => join(site.root, `src/${name}.js`))
    const bundles = await Promise.all(inputs.map(input => rolldown({ input, plugins, onLog: () => {} })))
    await Promise.all(bundles.map((bundle, index) => bundle.write({ dir: dist(site, String(index)) })))
  },
  esbuild: async site => {
    const plugins = [upscaleEsbuild(options(site))]
    await Promise.all(
      ['esm', 'iife'].map(format =>
        esbuild({
          entryPoints: ['src/main.js'],
          absWorkingDir: site.root,
          outdir: `dist/${format}`,
          bundle: true,
          format: format as 'esm' | 'iife',
          logLevel: 'silent',
          plugins,
        }),
      ),
    )
  },
}

interface Stats {
  hasErrors(): boolean
  toString(options: object): string
}

async function runAll(
  compiler: {
    run(done: (error: Error | null, stats: Stats | undefined) => void): void
    close(done: () => void): void
  } | null,
): Promise<void> {
  if (compiler === null) throw new Error('there is no compiler')
  const stats = await new Promise<Stats>((resolve, reject) => {
    compiler.run((error, result) => (result === undefined ? reject(error) : resolve(result)))
  })
  await new Promise<void>(resolve => compiler.close(resolve))
  if (stats.hasErrors()) throw new Error(stats.toString({ all: false, errors: true, children: true }))
}

test.each(Object.entries(TWICE))('%s: two builds at a time', async (name, build) => {
  const site = await projectOf(['plain'])
  await writeFile(join(site.root, 'src/other.js'), "import './plain.js'\n")
  // esbuild leaves new URL() alone, which the other pictures don't need.
  if (name === 'esbuild') {
    await writeFile(join(site.root, 'src/plain.js'), codeOf('plain').replace(/new URL.*/, 'undefined'))
    await build(site)
    expect(await widthsIn(site)).toEqual({ [2 * SIZE.width]: FORMS.length - 1, [SIZE.width]: 1 })
    return
  }
  await build(site)
  await expectAll(site, 1)
})

/** Two compilers at a time, as Docusaurus has them: one for browsers, one that writes the pages. */
const BOTH: Readonly<Record<string, (site: Site, more: object) => Promise<void>>> = {
  webpack: (site, more) =>
    runAll(
      webpack(
        ['web', 'node'].map(target => ({
          ...webpackOf(site, { target }, dist(site, target)),
          plugins: [upscaleWebpack(options(site))],
          ...more,
        })),
      ),
    ),
  rspack: (site, more) =>
    runAll(
      rspack(
        (['web', 'node'] as const).map(target =>
          rspackConfig(site, dist(site, target), options(site), { target, ...more }),
        ),
      ),
    ),
}

test.each(Object.entries(BOTH))(
  '%s: what both compilers of a project take from the cache is said once',
  async (_, build) => {
    const site = await projectOf(['plain'])
    const lines: string[] = []
    const say = (...words: unknown[]): void => void lines.push(words.join(' '))
    const console = { ...globalThis.console, log: say, info: say, warn: say, error: say }
    const more = { infrastructureLogging: { level: 'info', stream: undefined, console } }
    await build(site, more)
    lines.length = 0
    await build(site, more)
    const summaries = lines.filter(line => line.includes(' from the cache'))
    expect(summaries).toHaveLength(1)
    expect(summaries[0]).toMatch(/\b0 upscaled, [1-9]/)
  },
)
