import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import upscale from 'unplugin-upscale/vite'
import { build, type InlineConfig, type Plugin } from 'vite'
import { afterEach, expect, test } from 'vitest'
import { UPSCALE } from '../support/hosts.ts'
import { paint, SIZE } from '../support/pictures.ts'
import { readTree, type Site, writeSite } from '../support/site.ts'

// Projects whose folders and addresses are told to Vite in its own words.

let site: Site | undefined
afterEach(() => site?.remove())

/** Builds a project, and gives the built pages by name and the widths of all built pictures. */
async function buildSite(
  files: Readonly<Record<string, string>>,
  pictures: readonly string[],
  config: InlineConfig,
): Promise<{ root: string; html: string; widths: Record<string, number> }> {
  site = await writeSite(files)
  const { root } = site
  await Promise.all(pictures.map(picture => paint(root, picture)))
  await build({
    configFile: false,
    logLevel: 'silent',
    ...config,
    root: join(root, config.root ?? '.'),
    plugins: [upscale({ ...UPSCALE, include: [] }), ...(config.plugins ?? [])],
    build: { assetsInlineLimit: 0, outDir: join(root, 'dist'), emptyOutDir: true },
  })
  const tree = [...(await readTree(join(root, 'dist')))]
  const made = tree.filter(([name]) => /-2x/.test(name))
  const widths = await Promise.all(
    made.map(
      async ([name, bytes]) =>
        [name.replace(/-[\w-]{8}\./, '.'), (await sharp(bytes).metadata()).width] as const,
    ),
  )
  return {
    root,
    html: await readFile(join(root, 'dist/index.html'), 'utf8'),
    widths: Object.fromEntries(widths),
  }
}

const WIDE = 2 * SIZE.width

test('%BASE_URL% and %VITE_…% are put in before the picture is looked for', async () => {
  const { html, widths } = await buildSite(
    {
      '.env': 'VITE_BRAND=acme\n',
      'index.html': `<!doctype html><link rel="icon" href="%BASE_URL%icon.png?upscale=2">
<img src="./img/%VITE_BRAND%.png?upscale=2">
<img srcset="./img/%VITE_BRAND%.png 1x, %BASE_URL%set.png?upscale=2 2x">
<p>%MODE%</p>`,
    },
    ['public/icon.png', 'public/set.png', 'img/acme.png'],
    { base: '/sub/' },
  )
  expect(widths).toEqual({
    'assets/icon-2x.png': WIDE,
    'assets/acme-2x.png': WIDE,
    'assets/set-2x.png': WIDE,
  })
  expect(html).toMatch(/href="\/sub\/assets\/icon-2x-[\w-]+\.png"/)
  expect(html).toMatch(/src="\/sub\/assets\/acme-2x-[\w-]+\.png"/)
  expect(html).toContain('<p>production</p>')
  expect(html).not.toContain('%VITE_')
})

test('a picture that a page names by its own <base href> is found in the public folder, one beside the page before', async () => {
  const { html, widths } = await buildSite(
    {
      'index.html': `<!doctype html><base href="%BASE_URL%img/">
<img src="hero.png?upscale=2"><img srcset="./set%20one.png?upscale=2 2x"><img src="./own.png?upscale=2">`,
    },
    ['public/img/hero.png', 'public/img/set one.png', 'public/img/own.png', 'own.png'],
    { base: '/sub/' },
  )
  expect(widths).toEqual({
    'assets/hero-2x.png': WIDE,
    'assets/set-one-2x.png': WIDE,
    'assets/own-2x.png': WIDE,
  })
  expect(html).toMatch(/src="\/sub\/assets\/hero-2x-[\w-]+\.png"/)
})

test('a whole address is named where the page says that it is of its own server, and left to another one', async () => {
  const page = (server: string): Record<string, string> => ({
    'index.html': `<!doctype html>
<link rel="canonical" href="https://example.com/">
<meta property="og:image" content="https://${server}/hero.png?upscale=2">`,
  })
  await buildSite(page('images.example.org'), ['public/hero.png'], {})
  await site?.remove()
  await expect(buildSite(page('example.com'), ['public/hero.png'], {})).rejects.toThrow(
    /LEFTOVER_REFERENCE[\s\S]*index\.html:3[\s\S]*upscale html --base https:\/\/example\.com\//,
  )
})

test('a picture whose name has percent signs and no variable is itself', async () => {
  const { widths } = await buildSite(
    { 'index.html': '<!doctype html><img src="./50%25off%25.png?upscale=2">' },
    ['50%off%.png'],
    {},
  )
  expect(Object.values(widths)).toEqual([WIDE])
})

test.each([['../public'], ['../assets/shown']])(
  'root src and publicDir %s: the public folder is inside, and the cache is the package’s',
  async publicDir => {
    const { root, widths } = await buildSite(
      {
        'src/index.html':
          '<!doctype html><img src="/hero.png?upscale=2"><script type="module" src="./main.js"></script>',
        'src/main.js': "import own from '../shared/own.png?upscale=2'\nwindow.own = own\n",
      },
      [join('src', publicDir, 'hero.png'), 'shared/own.png'],
      { root: 'src', publicDir },
    )
    expect(widths).toEqual({ 'assets/hero-2x.png': WIDE, 'assets/own-2x.png': WIDE })
    expect(existsSync(join(root, 'src/node_modules'))).toBe(false)
    expect(existsSync(join(root, 'node_modules/.cache/upscale'))).toBe(true)
  },
)

test('what is neither in the package nor in the public folder is still outside', async () => {
  await expect(
    buildSite(
      {
        'src/package.json': '{ "type": "module" }',
        'src/index.html':
          '<!doctype html><img src="/hero.png?upscale=2"><img src="../secret/a.png?upscale=2">',
      },
      ['public/hero.png', 'secret/a.png'],
      { root: 'src', publicDir: '../public' },
    ),
  ).rejects.toThrow('SOURCE_OUTSIDE_ROOT')
})

test.each([
  ['pnpm-workspace.yaml', 'packages: [packages/*]\n'],
  ['package.json', '{ "private": true, "workspaces": ["packages/*"] }'],
])('packages of a workspace by its %s are inside, and the cache is the package’s', async (file, text) => {
  const { root, widths } = await buildSite(
    {
      [file]: text,
      'packages/app/package.json': '{ "name": "app", "type": "module" }',
      'packages/app/index.html': '<!doctype html><script type="module" src="./main.js"></script>',
      'packages/app/main.js':
        "import './style.css'\nimport own from '../design/own.png?upscale=2'\nwindow.own = own\n",
      'packages/app/style.css': 'a { background: url(../design/css.png?upscale=2) }',
    },
    ['packages/design/own.png', 'packages/design/css.png'],
    { root: 'packages/app' },
  )
  expect(widths).toEqual({ 'assets/own-2x.png': WIDE, 'assets/css-2x.png': WIDE })
  expect(existsSync(join(root, 'packages/app/node_modules/.cache/upscale'))).toBe(true)
})

/** As Nuxt does: its own public folder, of which Vite knows nothing, and modules that give addresses in it. */
function ownPublicFolder(prefix = 'virtual:public?'): Plugin {
  return {
    name: 'own-public-folder',
    resolveId: {
      order: 'post',
      handler: id => (id.startsWith('/img/') ? prefix + encodeURIComponent(id) : undefined),
    },
    load: id => (id.startsWith(prefix) ? `export default ${JSON.stringify(id)}` : undefined),
  }
}

test.each([
  ['public', 'app', 'virtual:public?'],
  ['static', 'app', '\0virtual:public?'],
  // A part of the project that has both an app and a public folder, as a layer of Nuxt.
  ['layers/base/public', 'layers/base/app', 'virtual:public?'],
])(
  'a picture of a folder %s that a framework serves itself is upscaled, from a script and a style sheet in %s',
  async (folder, part, prefix) => {
    const { widths } = await buildSite(
      {
        'app/index.html': `<!doctype html><script type="module">import "../${part}/main.js"</script>`,
        [`${part}/main.js`]:
          "import './main.css'\nimport hero from '/img/hero.png?upscale=2'\nwindow.hero = hero\n",
        [`${part}/main.css`]: 'body { background: url("/img/other.png?upscale=2") }\n',
      },
      [join(folder, 'img/hero.png'), join(folder, 'img/other.png')],
      { root: 'app', publicDir: false, plugins: [ownPublicFolder(prefix)] },
    )
    expect(widths).toEqual({ 'assets/hero-2x.png': WIDE, 'assets/other-2x.png': WIDE })
  },
)

test('a picture that is in no such folder is named, with its place', async () => {
  await expect(
    buildSite(
      {
        'app/index.html': '<!doctype html><script type="module" src="./main.js"></script>',
        'app/main.js': "\nimport hero from '/img/hero.png?upscale=2'\nwindow.hero = hero\n",
      },
      [],
      { root: 'app', publicDir: false, plugins: [ownPublicFolder()] },
    ),
  ).rejects.toThrow(/app\/img\/hero\.png: there is no such file[\s\S]*main\.js:2/)
})
