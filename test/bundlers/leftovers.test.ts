import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rspack } from '@rspack/core'
import sharp from 'sharp'
import type { UpscaleOptions } from 'unplugin-upscale'
import upscale from 'unplugin-upscale/vite'
import { createBuilder, type InlineConfig } from 'vite'
import { afterEach, describe, expect, test } from 'vitest'
import webpack from 'webpack'
import { buildVite, buildWebpack, UPSCALE, webpackConfig } from '../support/hosts.ts'
import { buildRspack, HOSTS, rspackConfig } from '../support/more-hosts.ts'
import { paint, SIZE } from '../support/pictures.ts'
import { readTree, type Site, writeSite } from '../support/site.ts'

/*
 * What no bundler reads is named with its place in the source; what only looks like a reference is left alone; and what
 * a page can do, a worker can.
 */

const sites: Site[] = []
afterEach(async () => {
  await Promise.all(sites.splice(0).map(site => site.remove()))
})

async function project(files: Readonly<Record<string, string>>, ...pictures: string[]): Promise<Site> {
  const site = await writeSite(files)
  sites.push(site)
  await Promise.all(pictures.map(picture => paint(site.root, picture)))
  return site
}

const PAGE =
  '<!doctype html>\n<html><body><script type="module" src="./src/main.js"></script></body></html>\n'

/** A picture of the project, so that a tool that would inline it has one. */
const PICTURE = 'src/hero.png'

const BUILDS: Readonly<Record<string, (site: Site) => Promise<void>>> = {
  'Vite 8': site => buildVite(site, join(site.root, 'dist'), UPSCALE),
  'Vite 6': site => buildVite(site, join(site.root, 'dist'), UPSCALE, {}, '6'),
  webpack: async site => {
    await buildWebpack(webpackConfig(site, join(site.root, 'dist'), UPSCALE))
  },
  rspack: site => HOSTS.rspack.build(site, join(site.root, 'dist'), UPSCALE),
  rollup: site => HOSTS.rollup.build(site, join(site.root, 'dist'), UPSCALE),
  esbuild: site => HOSTS.esbuild.build(site, join(site.root, 'dist'), UPSCALE),
}

async function failureOf(build: Promise<unknown>): Promise<string> {
  return build.then(
    () => 'the build did not fail',
    (error: unknown) => String(error),
  )
}

/** The code of `src/main.js`, with the reference in its third line. */
const UNREAD: readonly (readonly [form: string, code: string])[] = [
  [
    'a style object',
    'Object.assign(document.body.style, {\n  backgroundImage:\n    "url(\'./hero.png?upscale=2\')" })',
  ],
  [
    'a tagged template',
    "const css = String.raw\ndocument.title = css`\n  a { background: url('./hero.png?upscale=2') no-repeat }`",
  ],
  [
    'a style sheet made by code',
    "const sheet = new CSSStyleSheet()\n\nsheet.replaceSync('a{background:url(./hero.png?upscale=2)}')",
  ],
  [
    'a gradient',
    "document.body.style.background =\n  // below\n  'linear-gradient(red, blue), url(./hero.png?upscale=2)'",
  ],
  ['a srcset', "document.images[0].srcset =\n\n  './small.png 1x, ./hero.png?upscale=2 2x'"],
  [
    'data in a string',
    'const data =\n  // as a server has it\n  \'{"image":"./hero.png?upscale=2"}\'\ndocument.title = JSON.parse(data).image',
  ],
  ['markup', "document.body.innerHTML =\n  '<p>' +\n  '<img src=\"./hero.png?upscale=2\">'"],
  ['Markdown', "globalThis.show(\n  // as a blog has it\n  '# Hi\\n![a hero](./hero.png?upscale=2)')"],
]

describe.each(Object.entries(BUILDS))('%s names what it does not read', (_, build) => {
  test.each(UNREAD)('%s', async (_, code) => {
    const files = { 'index.html': PAGE, 'src/index.html': '<p></p>', 'src/main.js': code }
    const failure = await failureOf(build(await project(files, PICTURE, 'src/small.png')))
    expect(failure).toContain('LEFTOVER_REFERENCE')
    expect(failure).toMatch(/"\.\/hero\.png\?upscale=2" in \S*src\/main\.js:3\b/)
    expect(failure).toMatch(/write import hero from '\.\/hero\.png\?upscale=2'/)
  })
})

describe.each(['Vite 8', 'webpack', 'rspack', 'esbuild'])('%s', name => {
  const build = BUILDS[name] as (site: Site) => Promise<void>

  test('addresses in an imported JSON file are named with the line of that file', async () => {
    const items = Array.from({ length: 20 }, (_, id) => ({
      id,
      image: './hero.png?upscale=2',
      title: `text ${id}`,
    }))
    const files = {
      'index.html': PAGE,
      'src/index.html': '<p></p>',
      'src/main.js': "import d from './data.json'\ndocument.title = d.items.map(i => i.image).join()",
      'src/data.json': JSON.stringify({ items }, undefined, 1),
    }
    const failure = await failureOf(build(await project(files, PICTURE)))
    expect(failure).toMatch(/"\.\/hero\.png\?upscale=2" in \S*data\.json:5\b/)
    expect(failure).toContain('LEFTOVER_REFERENCE')
  })

  test('names and what is shown are no references', async () => {
    const code = [
      "document.body.className = 'p-4 bg-[url(./hero.png?upscale=2)]'",
      "document.body.id = './hero.png?upscale=2'",
      "document.body.title = './hero.png?upscale=2'",
      "document.body.textContent = './hero.png?upscale=2'",
      "document.title = 'Write background: url(./hero.png?upscale=2) in CSS'",
    ].join('\n')
    await build(
      await project({ 'index.html': PAGE, 'src/index.html': '<p></p>', 'src/main.js': code }, PICTURE),
    )
  })
})

describe.each(['Vite 8', 'Vite 6', 'webpack'])('%s', name => {
  const build = BUILDS[name] as (site: Site) => Promise<void>

  test('an error has the line of the reference, not of another one that ends like it', async () => {
    const css = [
      '/* line 1 */',
      '.a { background: url(./superhero.png?upscale=2) }',
      '.b { color: red }',
      '.c { color: blue }',
      '.d { background: url(hero.png?upscale=2) }',
    ].join('\n')
    const files = {
      'index.html': PAGE,
      'src/index.html': '<p></p>',
      'src/main.js': "import './style.css'",
      'src/style.css': css,
    }
    const failure = await failureOf(build(await project(files, 'src/superhero.png')))
    expect(failure).toContain('SOURCE_NOT_FOUND')
    expect(failure).toMatch(/style\.css:5:2\d\b/)
  })

  test('a wrong directive is told in our words, with its line', async () => {
    const files = {
      'index.html': PAGE,
      'src/index.html': '<p></p>',
      'src/main.js':
        "const one = 1\nimport hero from './hero.png?upscale=9&as=metadata'\ndocument.title = [one, hero]",
    }
    const failure = await failureOf(build(await project(files, PICTURE)))
    expect(failure).toMatch(/the factor is "9".*\[BAD_DIRECTIVE\][\s\S]*main\.js:2\b/)
    expect(failure).not.toContain('Module not found')
  })
})

const out = (site: Site): string => join(site.root, 'dist')

/** What is written by no module: the message says where all the same. */
describe('the place of a reference', () => {
  const CONFIG = { HERO: JSON.stringify('./hero.png?upscale=2') }
  const DEFINING: Readonly<Record<string, (site: Site) => Promise<unknown>>> = {
    'Vite 8': site => buildVite(site, out(site), UPSCALE, { define: CONFIG }),
    webpack: site =>
      buildWebpack(webpackConfig(site, out(site), UPSCALE, { plugins: [new webpack.DefinePlugin(CONFIG)] })),
    rspack: site =>
      buildRspack(rspackConfig(site, out(site), UPSCALE, { plugins: [new rspack.DefinePlugin(CONFIG)] })),
  }
  test.each(Object.entries(DEFINING))('%s: in a config that defines it', async (_, build) => {
    const files = {
      'index.html': PAGE,
      'src/index.html': '<p></p>',
      'src/main.js': 'document.body.dataset.hero = HERO',
      'bundler.config.js': `export default {\n  HERO: './hero.png?upscale=2',\n}\n`,
    }
    const failure = await failureOf(build(await project(files, PICTURE)))
    expect(failure).toMatch(/LEFTOVER_REFERENCE[\s\S]*bundler\.config\.js:2:\d/)
  })

  test('Vite: in the environment', async () => {
    const files = {
      '.env': "# of the site\nVITE_HERO='/hero.png?upscale=2'\n",
      'index.html': PAGE,
      'src/main.js': 'document.body.dataset.hero = import.meta.env.VITE_HERO',
    }
    const site = await project(files, 'public/hero.png')
    const failure = await failureOf(buildVite(site, out(site), UPSCALE))
    expect(failure).toMatch(/LEFTOVER_REFERENCE[\s\S]*\.env:2:12\b/)
  })

  test('Rspack: in a page that is copied, and in a template that nothing reads', async () => {
    const markup = '<!doctype html>\n<body>\n<img src="./hero.png?upscale=2"></body>'
    for (const name of ['static/page.html', 'src/page.html']) {
      const site = await project({ 'src/main.js': '', [name]: markup }, PICTURE)
      const file = join(site.root, name)
      const plugins = name.startsWith('src')
        ? [new rspack.HtmlRspackPlugin({ template: file })]
        : [new rspack.CopyRspackPlugin({ patterns: [file] })]
      const failure = await failureOf(buildRspack(rspackConfig(site, out(site), UPSCALE, { plugins })))
      expect(failure).toMatch(new RegExp(`LEFTOVER_REFERENCE[\\s\\S]*${name}:3:\\d`))
    }
  })

  const PARTIAL = {
    'index.html': PAGE,
    'src/index.html': '<p></p>',
    'src/main.js': "import './style.scss'",
    'src/style.scss': "@use 'parts/image';\na { background: url(image.$hero) }",
    'src/parts/_image.scss': "\n$hero: './hero.png?upscale=2';",
  }
  const LOOKED_FROM = /SOURCE_NOT_FOUND[\s\S]*_image\.scss:2:9\b[\s\S]*looks from, \S*style\.scss/
  test('Vite: in a variable of a partial', async () => {
    for (const version of ['8', '6'] as const) {
      const site = await project(PARTIAL, 'src/parts/hero.png')
      const failure = await failureOf(buildVite(site, out(site), UPSCALE, {}, version))
      expect(failure).toMatch(LOOKED_FROM)
      expect(failure).not.toContain('NaN')
    }
  })

  test('webpack: in a variable of a partial', async () => {
    const site = await project(PARTIAL, 'src/parts/hero.png')
    const loaders = ['style-loader', 'css-loader', 'sass-loader']
    const use = loaders.map(name => fileURLToPath(import.meta.resolve(name)))
    const rules = [{ test: /\.scss$/, use }]
    const config = webpackConfig(site, out(site), UPSCALE, { module: { rules } })
    expect(await failureOf(buildWebpack(config))).toMatch(LOOKED_FROM)
  })

  test('Vite: in a service worker and a web manifest, which are copied', async () => {
    const files = {
      'index.html':
        '<!doctype html><link rel="manifest" href="./site.webmanifest"><script type="module" src="./src/main.js"></script>',
      'src/main.js': "navigator.serviceWorker.register(new URL('./sw.js', import.meta.url))",
      'src/sw.js': "// line 1\nfetch(new URL('./hero.png?upscale=2', import.meta.url))",
      'site.webmanifest': '{}',
      'public/sw.js': '',
    }
    const build = async (more: Readonly<Record<string, string>>): Promise<string> => {
      const site = await project({ ...files, ...more }, PICTURE, 'public/hero.png')
      return failureOf(buildVite(site, out(site), UPSCALE, { build: { assetsInlineLimit: 0 } }))
    }
    expect(await build({})).toMatch(/src\/sw\.js:2:\d+[\s\S]*copies this script as it is[\s\S]*\?worker&url/)
    const ours = { 'src/sw.js': '', 'public/sw.js': "\n\ncache.add('/hero.png?upscale=2')" }
    expect(await build(ours)).toMatch(/public\/sw\.js:3:\d+[\s\S]*copies this script as it is/)
    const manifest = {
      'src/sw.js': '',
      'site.webmanifest': '{\n"icons": [{ "src": "./src/hero.png?upscale=2" }] }',
    }
    expect(await build(manifest)).toMatch(/LEFTOVER_REFERENCE[\s\S]*\/site\.webmanifest:2:\d/)
  })

  test('Vite: in a sheet that another one composes, which Vite 8.4 reads', async () => {
    const files = {
      'index.html': PAGE,
      'src/main.js': "import { a } from './a.module.css'\ndocument.title = a",
      'src/a.module.css': ".a { composes: b from './b/b.module.css' }",
      'src/b/b.module.css': '.b {\n  background: url(./hero.png?upscale=2) }',
    }
    const site = await project(files, 'src/b/hero.png')
    const failure = await failureOf(buildVite(site, out(site), UPSCALE, {}, '7'))
    expect(failure).toMatch(/b\.module\.css:2:19\b/)
    expect(failure).not.toContain('NaN')
    await buildVite(site, out(site), UPSCALE, { build: { assetsInlineLimit: 0 } })
    const [picture] = [...(await readTree(out(site)))].filter(([name]) => name.endsWith('.png'))
    expect((await sharp(picture?.[1]).metadata()).width).toBe(SIZE.width * 2)
  })
})

describe.each(['webpack', 'rspack'] as const)('%s', name => {
  const run = (site: Site, mode: 'development' | 'production', externals = {}): Promise<unknown> => {
    const more = { mode, externals, module: { rules: [] } }
    return name === 'webpack'
      ? buildWebpack(webpackConfig(site, out(site), UPSCALE, more))
      : buildRspack(rspackConfig(site, out(site), UPSCALE, more))
  }

  test.each(['development', 'production'] as const)(
    'a picture that is external is named, for %s',
    async mode => {
      const code = "// line 1\nimport hero from './hero.png?upscale=2'\ndocument.title = hero"
      const site = await project({ 'src/index.html': '<p></p>', 'src/main.js': code }, PICTURE)
      const externals = { './hero.png?upscale=2': 'var "./hero.png?upscale=2"' }
      expect(await failureOf(run(site, mode, externals))).toMatch(/LEFTOVER_REFERENCE[\s\S]*main\.js:2:\d/)
    },
  )

  test('an import of bytes is one of bytes', async () => {
    const code = "import hero from './hero.png?upscale=2' with { type: 'bytes' }\nglobalThis.hero = hero"
    const site = await project({ 'src/index.html': '<p></p>', 'src/main.js': code }, PICTURE)
    await run(site, 'production')
    const tree = await readTree(out(site))
    expect([...tree.keys()].filter(file => file.endsWith('.png'))).toEqual([])
    const [data = ''] = /iVBORw0KGgo[\w+/=]+/.exec(String(tree.get('main.js'))) ?? []
    expect((await sharp(Buffer.from(data, 'base64')).metadata()).width).toBe(SIZE.width * 2)
  })
})

describe('Vite', () => {
  async function picturesIn(folder: string): Promise<string[]> {
    const found: string[] = []
    for (const [name, bytes] of await readTree(folder)) {
      if (name.endsWith('.png')) found.push(`${(await sharp(bytes).metadata()).width}`)
      if (!name.endsWith('.js')) continue
      for (const [, data = ''] of bytes.toString().matchAll(/data:image\/png;base64,([\w+/=]+)/g)) {
        found.push(`${(await sharp(Buffer.from(data, 'base64')).metadata()).width}`)
      }
    }
    return found.sort()
  }

  const [small, large] = [String(SIZE.width), String(SIZE.width * 2)]
  const WORKER: readonly (readonly [form: string, code: string, widths: string[]])[] = [
    ['new URL()', "postMessage(new URL('./hero.png?upscale=2', import.meta.url).href)", [large]],
    ['an import', "import hero from './hero.png?upscale=2'\npostMessage(hero)", [large]],
    ['as=metadata', "import hero from './hero.png?upscale=2&as=metadata'\npostMessage(hero)", [small, large]],
    ['as=srcset', "import hero from './hero.png?upscale=2&as=srcset'\npostMessage(hero)", [small, large]],
  ]
  const ASKED: Readonly<Record<string, string>> = {
    'new Worker()': "new Worker(new URL('./w.js', import.meta.url), { type: 'module' })",
    'a shared worker': "new SharedWorker(new URL('./w.js', import.meta.url), { type: 'module' })",
    '?worker': "import W from './w.js?worker'\nnew W()",
    '?worker&inline': "import W from './w.js?worker&inline'\nnew W()",
    '?sharedworker': "import W from './w.js?sharedworker'\nnew W()",
  }
  const PLUGINS: Readonly<Record<string, InlineConfig['worker']>> = {
    'no plugins of its own': { format: 'es' },
    'the plugin': { format: 'es', plugins: () => [upscale(UPSCALE)] },
    'the default format': {},
  }
  const forms = Object.entries(ASKED).flatMap(([form, main]) =>
    Object.entries(PLUGINS).flatMap(([plugins, worker]) =>
      WORKER.map(([inWorker, code, widths]) => ({ form, main, plugins, worker, inWorker, code, widths })),
    ),
  )
  test.each(forms)('$inWorker in $form with $plugins', async ({ main, worker, code, widths }) => {
    for (const assetsInlineLimit of [0, 4096]) {
      const site = await project({ 'index.html': PAGE, 'src/main.js': main, 'src/w.js': code }, PICTURE)
      await buildVite(site, out(site), UPSCALE, { ...(worker && { worker }), build: { assetsInlineLimit } })
      // A worker that is inlined carries its code in base64 or in a string; its pictures are files all the same.
      if (!main.includes('inline') || assetsInlineLimit === 0)
        expect([...new Set(await picturesIn(out(site)))]).toEqual(widths)
    }
  })

  test.each(['8', '7', '6'] as const)('a worker of Vite %s', async version => {
    const files = {
      'index.html': PAGE,
      'src/main.js': ASKED['?worker'] ?? '',
      'src/w.js': WORKER[0]?.[1] ?? '',
    }
    const site = await project(files, PICTURE)
    await buildVite(site, out(site), UPSCALE, { worker: { format: 'es' } }, version)
    expect(await picturesIn(out(site))).toEqual([large])
  })

  test('a glob whose pattern has the tag is named, one with a query is built', async () => {
    const code = (glob: string): string =>
      `// import.meta.glob('./none-*.png?upscale=2')\nconsole.log(${glob})`
    const build = async (glob: string): Promise<Site> => {
      const site = await project({ 'index.html': PAGE, 'src/main.js': code(glob) }, PICTURE)
      await buildVite(site, out(site), UPSCALE)
      return site
    }
    await expect(build("import.meta.glob('./*.png?upscale=2', { eager: true })")).rejects.toThrow(
      /LEFTOVER_REFERENCE[\s\S]*main\.js:2[\s\S]*import\.meta\.glob\('\.\/\*\.png', \{ query: '\?upscale=2'/,
    )
    const site = await build(
      "import.meta.glob('./*.png', { query: '?upscale=2', import: 'default', eager: true })",
    )
    expect(await picturesIn(out(site))).toEqual([large])
  })

  test('the server builds new URL() as without the tag', async () => {
    const code = (reference: string): string =>
      `export const picture = (name, at = import.meta.url) => (typeof window === 'undefined' ? at : [
        new URL('${reference}', import.meta.url).href,
        new URL(\`\${name}/\${\`\${at}\`}/${reference}\`, import.meta.url)])`
    const build = async (reference: string, options: UpscaleOptions | undefined): Promise<string> => {
      const site = await project({ 'src/entry.js': code(reference) }, PICTURE)
      await buildVite(site, out(site), options, { build: { ssr: join(site.root, 'src/entry.js') } })
      return (await readFile(join(out(site), 'entry.js'), 'utf8')).replaceAll(/upscale-site-[\w-]+/g, 'site')
    }
    expect(await build('./hero.png?upscale=2', UPSCALE)).toBe(await build('./hero.png', undefined))
  })

  test('a page, a server and a worker in one process', async () => {
    const files = {
      'index.html': PAGE,
      'src/main.js': `${ASKED['new Worker()']}\nimport './entry.js'`,
      'src/entry.js':
        "import hero from './hero.png?upscale=2&no-inline'\nexport const a = [hero, new URL('./hero.png?upscale=2', import.meta.url).href]\nglobalThis.a = a",
      'src/w.js': WORKER[0]?.[1] ?? '',
    }
    const site = await project(files, PICTURE)
    const builder = await createBuilder({
      root: site.root,
      configFile: false,
      logLevel: 'silent',
      plugins: [upscale(UPSCALE)],
      worker: { format: 'es' },
      environments: {
        client: { build: { outDir: join(out(site), 'client'), assetsInlineLimit: 0 } },
        ssr: { build: { ssr: join(site.root, 'src/entry.js'), outDir: join(out(site), 'server') } },
      },
      builder: {
        buildApp: async app =>
          void (await Promise.all(Object.values(app.environments).map(one => app.build(one)))),
      },
    })
    await builder.buildApp()
    expect(new Set(await picturesIn(out(site)))).toEqual(new Set([large]))
  })

  const PUBLIC: readonly (readonly [name: string, text: string])[] = [
    ['site.webmanifest', '{\n "icons": [{\n  "src": "./hero.png?upscale=2" }] }'],
    ['feed.xml', '<rss>\n<item>\n<enclosure url="./hero.png?upscale=2"/></item></rss>'],
    ['logo.svg', '<svg xmlns="http://www.w3.org/2000/svg">\n\n<image href="./hero.png?upscale=2"/></svg>'],
    ['data.json', '{\n\n"image": "./hero.png?upscale=2" }'],
    ['llms.txt', '# Site\n\n./hero.png?upscale=2\n'],
    ['theme.css', 'a { color: red }\n\nb { background: url(./hero.png?upscale=2) }'],
  ]
  test.each(PUBLIC)('a reference in public/%s is named', async (name, text) => {
    const site = await project(
      { 'index.html': PAGE, 'src/main.js': '', [`public/${name}`]: text },
      'public/hero.png',
    )
    const failure = await failureOf(buildVite(site, out(site), UPSCALE))
    expect(failure).toContain('LEFTOVER_REFERENCE')
    expect(failure).toContain(`public/${name}:3`)
  })

  test('a page that another plugin writes after the bundle is named', async () => {
    const site = await project({ 'index.html': PAGE, 'src/main.js': '' }, PICTURE)
    const prerender = {
      name: 'prerender',
      async closeBundle() {
        await mkdir(join(out(site), 'blog'), { recursive: true })
        await writeFile(join(out(site), 'blog/index.html'), '<p>Hi\n<img src="./hero.png?upscale=2">')
      },
    }
    const failure = await failureOf(buildVite(site, out(site), UPSCALE, { plugins: [prerender] }))
    expect(failure).toMatch(/"\.\/hero\.png\?upscale=2" in blog\/index\.html:2\b/)
  })

  test('what an earlier build left in the folder is not looked at', async () => {
    const site = await project(
      { 'index.html': PAGE, 'src/main.js': '', 'dist/old.json': '"./hero.png?upscale=2"' },
      PICTURE,
    )
    const { utimes } = await import('node:fs/promises')
    await utimes(join(out(site), 'old.json'), new Date(0), new Date(0))
    await buildVite(site, out(site), UPSCALE, { build: { emptyOutDir: false } })
  })

  test('a small picture that another plugin inlined, without its tag, is named', async () => {
    const files = {
      'index.html': PAGE,
      'src/main.js': "import './style.css'",
      'src/style.css': 'a { color: red }\nb { background: url(./hero.png?upscale=2) }',
    }
    const site = await project(files, PICTURE)
    const inliner = {
      name: 'inliner',
      enforce: 'pre' as const,
      async transform(code: string, id: string) {
        if (!id.endsWith('.css')) return null
        const data = (await readFile(join(site.root, PICTURE))).toString('base64')
        return code.replace('./hero.png?upscale=2', `data:image/png;base64,${data}`)
      },
    }
    const failure = await failureOf(buildVite(site, out(site), UPSCALE, { plugins: [inliner] }))
    expect(failure).toMatch(/ships as it is[\s\S]*style\.css:2\b/)
  })

  test('a tool that makes class names of addresses', async () => {
    const files = {
      'index.html':
        '<!doctype html><link rel="stylesheet" href="./src/style.css"><body class="bg-[url(./hero.png?upscale=2)]"></body>',
      'src/style.css': `.bg-\\[url\\(\\.\\/hero\\.png\\?upscale\\=2\\)\\] { background-image: url(./hero.png?upscale=2) }`,
    }
    const site = await project(files, PICTURE)
    await buildVite(site, out(site), UPSCALE, { build: { assetsInlineLimit: 0 } })
    expect(await picturesIn(out(site))).toEqual([large])
  })
})
