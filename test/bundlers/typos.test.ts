import { dirname, join } from 'node:path'
import { Writable } from 'node:stream'
import { build as esbuild } from 'esbuild'
import HtmlWebpackPlugin from 'html-webpack-plugin'
import { rolldown } from 'rolldown'
import { rollup } from 'rollup'
import upscaleEsbuild from 'unplugin-upscale/esbuild'
import upscaleRolldown from 'unplugin-upscale/rolldown'
import upscaleRollup from 'unplugin-upscale/rollup'
import upscale from 'unplugin-upscale/vite'
import { build, createLogger } from 'vite'
import { afterEach, expect, test, vi } from 'vitest'
import { createDevServer } from '../support/dev-server.ts'
import { buildWebpack, UPSCALE, webpackConfig } from '../support/hosts.ts'
import { buildRspack, HOSTS, rspackConfig } from '../support/more-hosts.ts'
import { paint } from '../support/pictures.ts'
import { type Site, writeSite } from '../support/site.ts'

// Slips of the keyboard, which are told once and with what was meant.

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  vi.restoreAllMocks()
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

async function siteOf(files: Readonly<Record<string, string>>): Promise<Site> {
  const site = await writeSite({
    'index.html': '<!doctype html><script type="module" src="./main.js"></script>',
    ...files,
  })
  cleanups.push(() => site.remove())
  await paint(site.root, 'hero.png')
  return site
}

test('a build names keys that are nearly ours, each once, and those of others pass', async () => {
  const { root } = await siteOf({
    'main.js': `import one from './hero.png?upscal=2'
import two from './hero.png?upscale=2&fromat=webp'
import again from './hero.png?upscale=2&fromat=webp'
import other from './hero.png?scale=2'
console.log(one, two, again, other)
`,
  })
  const lines: string[] = []
  const customLogger = { ...createLogger('silent'), warn: (text: string) => void lines.push(text) }
  await build({ root, configFile: false, customLogger, plugins: [upscale(UPSCALE)], build: { write: false } })
  const told = lines.filter(line => line.includes('did you mean'))
  expect(told).toHaveLength(2)
  expect(told.join('\n')).toMatch(/hero\.png\?upscale=2&fromat=webp" in .*main\.js:2: "fromat".*"format"\?/)
  expect(told.join('\n')).toMatch(/hero\.png\?upscal=2" in .*main\.js:1: "upscal".*"upscale"\?/)
})

const FORMS = {
  'index.html':
    '<!doctype html>\n<img src="./hero.png?upscal=2">\n<script type="module" src="./main.js"></script>',
  'main.js': `import './style.css'
import one from './hero.png?upscal=2&v=1'
// import none from './hero.png?upscal=2&v=2'
console.log(one, new URL('./hero.png?upsacle=2', import.meta.url), './hero.png?updated=2', 'a?upscal=2')
`,
  'style.css':
    'a { color: red }\nb { background: url(./hero.png?upscale2) }\nc { background: url(./hero.png?UPSCALE=2) }\n',
}
const TOLD = ['main.js:2', 'main.js:4', 'style.css:2', 'style.css:3']

const placesIn = (text: string): string[] =>
  [
    ...text.matchAll(
      /\?(up[^"]*)" in \S*\/([\w.]+:\d+): "(up\w+)" is no key of ours, did you mean "upscale"/gi,
    ),
  ]
    .map(([, , place = '']) => place)
    .sort()

const LISTENED: Readonly<Record<string, (site: Site) => Promise<string>>> = {
  async webpack(site) {
    const lines: string[] = []
    const { plugins = [], ...config } = webpackConfig(site, join(site.root, 'dist'), UPSCALE, {
      entry: './main.js',
      infrastructureLogging: { level: 'warn', stream: listener(lines) },
    })
    await buildWebpack({ ...config, plugins: plugins.filter(one => !(one instanceof HtmlWebpackPlugin)) })
    return lines.join('')
  },
  async rspack(site) {
    const lines: string[] = []
    const infrastructureLogging = { level: 'warn' as const, stream: listener(lines) }
    await buildRspack(
      rspackConfig(site, join(site.root, 'dist'), UPSCALE, { entry: './main.js', infrastructureLogging }),
    )
    return lines.join('')
  },
  async esbuild({ root }) {
    const { warnings } = await esbuild({
      entryPoints: ['main.js'],
      absWorkingDir: root,
      outdir: 'dist',
      bundle: true,
      format: 'esm',
      loader: { '.png': 'file' },
      logLevel: 'silent',
      plugins: [upscaleEsbuild(UPSCALE)],
    })
    return warnings.map(({ text }) => text).join('\n')
  },
  async rollup(site) {
    const lines: string[] = []
    const bundle = await rollup({
      input: join(site.root, 'main.js'),
      plugins: [OTHER_FILES, upscaleRollup({ ...UPSCALE, root: site.root })],
      onLog: (_, { message }) => void lines.push(message),
    })
    await bundle.write({ dir: join(site.root, 'dist') })
    return lines.join('\n')
  },
  async rolldown(site) {
    const lines: string[] = []
    const bundle = await rolldown({
      input: join(site.root, 'main.js'),
      plugins: [OTHER_FILES, upscaleRolldown({ ...UPSCALE, root: site.root })],
      onLog: (_, { message }) => void lines.push(message),
    })
    await bundle.write({ dir: join(site.root, 'dist') })
    return lines.join('\n')
  },
  async farm(site) {
    const written = vi.spyOn(console, 'warn').mockImplementation(() => {})
    await HOSTS.farm.build(site, join(site.root, 'dist'), UPSCALE)
    return written.mock.calls.join('\n')
  },
}

/** Pictures and style sheets, which Rollup and Rolldown leave to other plugins. */
const OTHER_FILES = {
  name: 'other-files',
  resolveId: (id: string, importer: string | undefined) =>
    importer !== undefined && /\.(?:css|png)\b/.test(id) ? join(dirname(importer), id) : undefined,
  load: (id: string) =>
    /\.(?:css|png)\b/.test(id)
      ? { code: `export default ${JSON.stringify(id)}`, moduleType: 'js' as const }
      : undefined,
}

function listener(lines: string[]): NodeJS.WritableStream {
  return new Writable({
    write(chunk, _, done) {
      lines.push(String(chunk))
      done()
    },
  })
}

test.each(Object.entries(LISTENED))('%s: a misspelled tag is told of with its place', async (name, build) => {
  // Farm's page is the project's own, and counts among what the output was made of.
  const page = name === 'farm' ? ['index.html:2'] : []
  expect(placesIn(await build(await siteOf(FORMS)))).toEqual([...page, ...TOLD])
})

test.each(Object.entries(LISTENED))(
  '%s: a key beside a tag is told of once, with its place',
  async (_, build) => {
    const site = await siteOf({
      'index.html': '<!doctype html>\n<script type="module" src="./main.js"></script>',
      'main.js': "\nimport one from './hero.png?upscale=2&fromat=webp'\nconsole.log(one)\n",
    })
    const told = (await build(site)).match(/"[^"]*"[^"]*"fromat" is no key of ours/g)
    expect(told).toEqual([expect.stringMatching(/\bmain\.js:2: "fromat"/)])
  },
)

test('Rollup: a misspelled tag, which leads nowhere there, is told of beside its own error', async () => {
  const site = await siteOf({ 'main.js': "\nimport hero from './hero.png?upscal=2'\nconsole.log(hero)\n" })
  const lines: string[] = []
  const built = rollup({
    input: join(site.root, 'main.js'),
    plugins: [upscaleRollup({ ...UPSCALE, root: site.root })],
    onLog: (_, { message }) => void lines.push(message),
  })
  await expect(built).rejects.toThrow('Could not resolve "./hero.png?upscal=2"')
  expect(placesIn(lines.join('\n'))).toEqual(['main.js:2'])
})

test('Vite: a misspelled tag is told of with its place, in a build and in dev', async () => {
  const site = await siteOf(FORMS)
  const lines: string[] = []
  const customLogger = { ...createLogger('silent'), warn: (text: string) => void lines.push(text) }
  await build({
    root: site.root,
    configFile: false,
    customLogger,
    plugins: [upscale(UPSCALE)],
    build: { write: false },
  })
  const all = ['index.html:2', ...TOLD]
  expect(placesIn(lines.join('\n'))).toEqual(all)
  const { server, lines: inDev } = await createDevServer(site)
  cleanups.push(() => server.close())
  await server.listen()
  const [origin] = server.resolvedUrls?.local ?? []
  for (const path of ['/', '/main.js', '/style.css']) {
    const answer = await fetch(new URL(path, origin), {
      headers: { accept: path === '/' ? 'text/html' : '*/*' },
    })
    expect(answer.status, path).toBe(200)
  }
  expect(placesIn(inDev.join('\n'))).toEqual(all)
})

test('a wrong factor is told once in dev, however many modules lead to it', async () => {
  const names = Array.from({ length: 12 }, (_, index) => `m${index}`)
  const site = await siteOf({
    'main.js': names.map(name => `import './${name}.js'`).join('\n'),
    ...Object.fromEntries(
      names.map((name, index) => [
        `${name}.js`,
        `import '${index === 11 ? './leaf.js' : `./m${index + 1}.js`}'\n`,
      ]),
    ),
    'leaf.js': "import hero from './hero.png?upscale=99'\nconsole.log(hero)\n",
  })
  const { server, lines } = await createDevServer(site, {}, { server: { preTransformRequests: false } })
  cleanups.push(() => server.close())
  await server.listen()
  const [origin] = server.resolvedUrls?.local ?? []
  const load = (path: string): Promise<Response> => fetch(new URL(path, origin))
  for (const name of ['main', ...names, 'leaf']) expect((await load(`/${name}.js`)).status, name).toBe(200)
  const [, imported = ''] = /"(\/[^"]*upscale[^"]*)"/.exec(await (await load('/leaf.js')).text()) ?? []
  expect((await load(imported)).status).toBe(500)
  const told = lines.filter(line => line.includes('BAD_DIRECTIVE'))
  expect(told).toHaveLength(1)
  expect(told[0]).toContain(join(site.root, 'leaf.js'))
})
