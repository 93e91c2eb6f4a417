import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { asIn, installOutside, type Outside, type Packed, packAll, withNeeded } from '../support/packages.ts'
import { paint, SIZE } from '../support/pictures.ts'
import { readTree } from '../support/site.ts'

/*
 * Small projects that follow public bug reports, with the packed packages, the tools that the reports are about, and the
 * command that their authors ran. Each stands for a kind, of which test/bundlers has more members. Needs a registry.
 */

type Files = Readonly<Record<string, string>>
type Tree = Map<string, Buffer>

interface Case {
  readonly files: Files
  readonly pictures: readonly string[]
  readonly command: readonly string[]
  /** What the run that fails says; without it the run must end well. */
  readonly failure?: readonly RegExp[]
  /** The pictures of the output, by their paths without digests, and their widths. */
  readonly built?: Readonly<Record<string, number>>
  /** What the other files of the output must have. */
  holds?(tree: Tree, root: string): Promise<void> | void
}

const LARGE = 2 * SIZE.width
const SMALL = SIZE.width

const VITE = ['npx', 'vite', 'build', '--logLevel', 'error']
const PAGE = '<!doctype html><meta charset="utf-8"><script type="module" src="/main.js"></script>'

const viteConfig = (more = '', plugins = '', imports = ''): string =>
  `import upscale from 'unplugin-upscale/vite'
${imports}
export default { plugins: [upscale({ engine: 'resize' }), ${plugins}], ${more} }
`
const FILES = 'build: { assetsInlineLimit: 0 }'

const STARTS_WORKER = "new Worker(new URL('./w.js', import.meta.url), { type: 'module' })"
const OWN_PLUGINS = "worker: { format: 'es', plugins: () => [upscale({ engine: 'resize' })] }"

const workerCase = (config: string, worker: string, built: Case['built'] = {}): Case => ({
  files: { 'index.html': PAGE, 'main.js': STARTS_WORKER, 'w.js': worker, 'vite.config.js': config },
  pictures: ['hero.png'],
  command: VITE,
  built,
})

const LIST = Array.from({ length: 20 }, (_, id) => ({
  id,
  image: './hero.png?upscale=2',
  title: `text ${id}`,
}))

const IMPORTS = `import h from './src/icons/hero.png?upscale=2'
import p from './src/icons/plain.png'
window.x = [h, p]
`

/** Files that every viewer shows, whose decoder warns: each must be upscaled from the pixels that it shows. */
const JPEGS = `import { writeFileSync } from 'node:fs'
import sharp from 'sharp'
import { createUpscaler } from 'upscale-core'
const raw = Buffer.alloc(48 * 32 * 3, 0).map((_, i) => (i * 7) & 255)
const base = await sharp(raw, { raw: { width: 48, height: 32, channels: 3 } }).jpeg({ quality: 90 }).toBuffer()
const at = marker => { let i = 2; while (base[i + 1] !== marker) i += 2 + base.readUInt16BE(i + 2); return i }
const insert = (place, bytes) => Buffer.concat([base.subarray(0, place), Buffer.from(bytes), base.subarray(place)])
const files = {
  'base.jpg': base,
  'a-byte-before-a-marker.jpg': insert(at(0xda), [0]),
  'jfif-2.01.jpg': insert(2, [0xff, 0xe0, 0, 16, 0x4a, 0x46, 0x49, 0x46, 0, 2, 1, 0, 0, 1, 0, 1, 0, 0]),
  'adobe-transform-9.jpg': insert(2, [0xff, 0xee, 0, 14, 0x41, 0x64, 0x6f, 0x62, 0x65, 0, 100, 0, 0, 0, 0, 9]),
}
const upscaler = createUpscaler({ root: process.cwd(), engine: 'resize' })
const pixels = {}
for (const [name, bytes] of Object.entries(files)) {
  writeFileSync(name, bytes)
  const { file } = await upscaler.upscale(name, { factor: 2 })
  pixels[name] = (await sharp(file).raw().toBuffer()).toString('base64')
}
await upscaler.close()
if (new Set(Object.values(pixels)).size !== 1) throw new Error('the pixels differ')
`

const CASES: Readonly<Record<string, Case>> = {
  'css-in-js, a style object': {
    files: {
      'vite.config.js': viteConfig(FILES),
      'index.html': PAGE,
      'main.js':
        "const d = document.createElement('div'); Object.assign(d.style, { backgroundImage: \"url('./hero.png?upscale=2')\" }); document.body.append(d)",
    },
    pictures: ['hero.png'],
    command: VITE,
    failure: [/LEFTOVER_REFERENCE/, /main\.js:1\b/, /import hero from '\.\/hero\.png\?upscale=2'/],
  },
  'css-in-js, styled-components': {
    files: {
      'vite.config.js': viteConfig(FILES),
      'index.html': PAGE,
      'main.js':
        "import styled from 'styled-components'\nwindow.A = styled.div`background: url('./hero.png?upscale=2') no-repeat;`\n",
    },
    pictures: ['hero.png'],
    command: VITE,
    failure: [/LEFTOVER_REFERENCE/, /main\.js:2\b/, /import hero from '\.\/hero\.png\?upscale=2'/],
  },
  'tailwind-class': {
    files: {
      'vite.config.js': viteConfig(
        FILES,
        'tailwind(), react()',
        "import tailwind from '@tailwindcss/vite'\nimport react from '@vitejs/plugin-react'",
      ),
      'style.css': '@import "tailwindcss" source(".");\n',
      'index.html':
        '<!doctype html><link rel="stylesheet" href="/style.css"><body class="bg-[url(./hero.png?upscale=2)]"></body>',
    },
    pictures: ['hero.png'],
    command: VITE,
    built: { 'assets/hero-2x.png': LARGE },
    holds: tree => {
      expect(textIn(tree, '.css')).toMatch(/background-image:\s*url\("?\/assets\/hero-2x-[\w-]+\.png/)
      expect(textIn(tree, '.html')).toContain('class="bg-[url(./hero.png?upscale=2)]"')
    },
  },
  'slot-path-vite, names by the source': {
    files: {
      'vite.config.js': viteConfig(
        "build: { assetsInlineLimit: 0, rollupOptions: { output: { assetFileNames: i => i.originalFileNames?.[0]?.replace(/^src\\//, '') ?? '[name][extname]' } } }",
      ),
      'index.html': PAGE,
      'main.js': IMPORTS,
    },
    pictures: ['src/icons/hero.png', 'src/icons/plain.png'],
    command: VITE,
    built: { 'icons/hero-2x.png': LARGE, 'icons/plain.png': SMALL },
  },
  'slot-path-vite, a library': {
    files: {
      'vite.config.js': viteConfig(
        "build: { lib: { entry: 'main.js', formats: ['es'], fileName: (f, n) => n + '.js' }, rollupOptions: { output: { preserveModules: true } } }",
      ),
      'main.js': IMPORTS,
    },
    pictures: ['src/icons/hero.png', 'src/icons/plain.png'],
    command: VITE,
    holds: tree => {
      expect([...tree.keys()].sort()).toEqual([
        'main.js',
        'src/icons/hero-2x.png.js',
        'src/icons/plain.png.js',
      ])
      expect([...tree.values()].join('\n')).not.toContain('.cache')
    },
  },
  'ssr-new-url': {
    files: {
      'vite.config.js': viteConfig(FILES),
      'entry-server.js':
        "export const picture = () => (typeof window === 'undefined' ? '' : new URL('./hero.png?upscale=2', import.meta.url).href)\n",
    },
    pictures: ['hero.png'],
    command: [...VITE, '--ssr', 'entry-server.js'],
    holds: tree => expect(textIn(tree, '.js')).toMatch(/new URL\("\.\/hero\.png", import\.meta\.url\)/),
  },
  'html-env, the base': {
    files: {
      'vite.config.js': viteConfig(`base: '/sub/', ${FILES}`),
      'index.html': '<!doctype html><link rel="icon" href="%BASE_URL%icon.png?upscale=2">',
    },
    pictures: ['public/icon.png'],
    command: VITE,
    built: { 'assets/icon-2x.png': LARGE, 'icon.png': SMALL },
    holds: tree => expect(textIn(tree, '.html')).toMatch(/href="\/sub\/assets\/icon-2x-[\w-]+\.png"/),
  },
  'html-env, a variable': {
    files: {
      'vite.config.js': viteConfig(`base: '/sub/', ${FILES}`),
      '.env': 'VITE_BRAND=acme\n',
      'index.html':
        '<!doctype html><img src="./img/%VITE_BRAND%.png?upscale=2"><img src="./img/%VITE_BRAND%.png">',
    },
    pictures: ['img/acme.png'],
    command: VITE,
    built: { 'assets/acme-2x.png': LARGE, 'assets/acme.png': SMALL },
    holds: tree => expect(textIn(tree, '.html')).toMatch(/src="\/sub\/assets\/acme-2x-[\w-]+\.png"/),
  },
  'root-src-public': {
    files: {
      'vite.config.js': viteConfig(
        "root: 'src', publicDir: '../public', build: { outDir: '../dist', emptyOutDir: true, assetsInlineLimit: 0 }",
      ),
      'src/index.html': '<!doctype html><img src="/hero.png?upscale=2">',
    },
    pictures: ['public/hero.png'],
    command: VITE,
    built: { 'assets/hero-2x.png': LARGE, 'hero.png': SMALL },
    holds: (_, root) => expect(existsSync(join(root, 'src/node_modules'))).toBe(false),
  },
  'worker-text, as=metadata': workerCase(
    viteConfig("worker: { format: 'es' }"),
    "import h from './hero.png?upscale=2&as=metadata'\npostMessage(h)",
  ),
  'worker-text, plugins of the worker': workerCase(
    viteConfig(OWN_PLUGINS),
    "import h from './hero.png?upscale=2&as=metadata'\npostMessage(h)",
  ),
  'vite-worker, new URL': workerCase(
    viteConfig("worker: { format: 'es' }"),
    "fetch(new URL('./hero.png?upscale=2', import.meta.url)).then(r => r.blob()).then(createImageBitmap).then(({ width, height }) => postMessage([width, height]))",
  ),
  'json-text': {
    files: {
      'src/main.js':
        "import d from './data.json'\ndocument.body.innerHTML = d.items.map(i => '<img src=\"' + i.image + '\">').join('')\n",
      'src/data.json': JSON.stringify({ items: LIST }),
      'build.mjs': `import upscale from 'unplugin-upscale/webpack'
import path from 'node:path'
import webpack from 'webpack'
webpack({ mode: 'production', entry: './src/main.js', output: { path: path.resolve('dist') }, plugins: [upscale({ engine: 'resize' })], module: { rules: [{ test: /\\.png$/, type: 'asset/resource' }] } }, (error, stats) => {
  const said = error ?? (stats.hasErrors() ? stats.toString({ all: false, errors: true, colors: false }) : undefined)
  if (said === undefined) return
  console.error(said)
  process.exitCode = 1
})
`,
    },
    pictures: ['src/hero.png'],
    command: ['node', 'build.mjs'],
    failure: [/LEFTOVER_REFERENCE/, /src\/data\.json:1\b/, /import hero from '\.\/hero\.png\?upscale=2'/],
  },
  'jpeg-warnings': {
    files: { 'make.mjs': JPEGS },
    pictures: [],
    command: ['node', 'make.mjs'],
  },
  'cli-json-attribute': {
    files: {
      'dist/index.html': `<!doctype html><img src="hero.png?upscale=2">
<div data-settings='{"image":"hero.png?upscale=2","gap":8}'></div>
`,
    },
    pictures: ['dist/hero.png'],
    command: ['npx', 'upscale', 'html', 'dist', '--engine', 'resize'],
    built: { 'hero.png': SMALL, 'hero-2x.png': LARGE },
    holds: tree => {
      const html = textIn(tree, '.html')
      expect(html).toMatch(/<img src="hero-2x[\w-]*\.png">/)
      expect(html).toMatch(/data-settings='\{"image":"hero-2x[\w-]*\.png","gap":8\}'/)
    },
  },
  'wrong-line': {
    files: {
      'vite.config.js': viteConfig(FILES),
      'index.html': PAGE,
      'main.js': "import './style.css'\n",
      'style.css': `/* line 1 */
.a { background: url(./superhero.png?upscale=2) }
.b { color: red }
.c { color: blue }
.d { background: url(hero.png?upscale=2) } /* line 5: the one that is missing */
`,
    },
    pictures: ['superhero.png'],
    command: VITE,
    failure: [/SOURCE_NOT_FOUND/, /style\.css:5\b/],
  },
}

let tools: string
let packed: Packed[]
let outside: Outside

beforeAll(async () => {
  tools = await mkdtemp(join(tmpdir(), 'upscale-field-'))
  packed = await packAll(tools)
  const others = await Promise.all(['vite', 'webpack', 'sharp'].map(asInTest))
  outside = await installOutside(
    { 'package.json': '{ "private": true, "type": "module" }' },
    ['unplugin-upscale', 'upscale-cli', 'upscale-core'],
    [...others, '@vitejs/plugin-react', '@tailwindcss/vite', 'tailwindcss', 'react', 'styled-components'],
    packed,
  )
})
afterAll(async () => {
  await outside?.remove()
  await rm(tools, { recursive: true, force: true })
})

const asInTest = (name: string): Promise<string> => asIn('test', name)

/** Writes a project of its own. */
async function write(root: string, { files, pictures }: Pick<Case, 'files' | 'pictures'>): Promise<void> {
  const all = { 'package.json': '{ "private": true, "type": "module" }', ...files }
  for (const [name, text] of Object.entries(all)) {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), text)
  }
  for (const picture of pictures) await paint(root, picture)
}

/** Runs a command in a folder. @returns what it said, and whether it ended well */
async function run([program = '', ...args]: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}) {
  return promisify(execFile)(program, args, { cwd, env: { ...process.env, NO_COLOR: '1', ...env } }).then(
    ({ stdout, stderr }) => ({ isWell: true, said: stdout + stderr }),
    ({ stdout, stderr }: { stdout: string; stderr: string }) => ({ isWell: false, said: stdout + stderr }),
  )
}

function textIn(tree: Tree, extension: string): string {
  return [...tree]
    .filter(([name]) => name.endsWith(extension))
    .map(([, bytes]) => String(bytes))
    .join('\n')
}

async function widthsIn(tree: Tree): Promise<Record<string, number>> {
  const widths = [...tree]
    .filter(([name]) => name.endsWith('.png'))
    .map(async ([name, bytes]) => {
      const plain = name.replace(/(\.\w+)?-[\w-]{8}\.png$/, '$1.png').replace(/-[0-9a-f]{8,}\.png$/, '.png')
      return [plain, (await sharp(bytes).metadata()).width] as const
    })
  return Object.fromEntries(await Promise.all(widths))
}

/** Widths of the pictures that stand in code as `data:` addresses, where the bundler inlines small ones. */
async function inlinedIn(tree: Tree): Promise<number[]> {
  const found = [...textIn(tree, '.js').matchAll(/data:image\/png;base64,([\w+/=]+)/g)]
  return Promise.all(
    found.map(async ([, data = '']) => (await sharp(Buffer.from(data, 'base64')).metadata()).width),
  )
}

describe.each(Object.entries(CASES))('%s', (name, one) => {
  test('is upscaled, or named with its place', async () => {
    const root = join(outside.root, 'cases', name.replaceAll(/\W+/g, '-'))
    await write(root, one)
    const { isWell, said } = await run(one.command, root)
    if (one.failure !== undefined) {
      expect(isWell, said).toBe(false)
      for (const part of one.failure) expect(said).toMatch(part)
      return
    }
    expect(isWell, said).toBe(true)
    const tree = existsSync(join(root, 'dist')) ? await readTree(join(root, 'dist')) : new Map()
    if (one.built !== undefined) {
      const files = await widthsIn(tree)
      expect(files).toEqual(one.built)
      // A worker's picture is small enough to be inlined.
      if (name.includes('worker')) expect(await inlinedIn(tree)).toContain(LARGE)
    }
    await one.holds?.(tree, root)
  })
})

test('yarn-pnp: a project of Yarn 4, whose packages are in no folder, is upscaled', async () => {
  const root = join(tools, 'yarn-pnp')
  const wanted = await withNeeded(['unplugin-upscale'], packed)
  const own = Object.fromEntries(
    packed.filter(({ name }) => wanted.has(name)).map(({ name, file }) => [name, `file:${file}`]),
  )
  const [, vite = ''] = (await asInTest('vite')).split('@')
  await write(root, {
    files: {
      'package.json': JSON.stringify({
        private: true,
        type: 'module',
        // The registry has none of ours, so those of ours that ours need come from here too.
        devDependencies: { ...own, vite },
        resolutions: own,
      }),
      'yarn.lock': '',
      'vite.config.js': viteConfig(FILES),
      'index.html': PAGE,
      'main.js': "import h from './hero.png?upscale=2'\nwindow.x = h\n",
    },
    pictures: ['hero.png'],
  })
  const npx = ['npx', '-y', '--package', '@yarnpkg/cli-dist', 'yarn']
  const env = {
    YARN_NPM_REGISTRY_SERVER: (await run(['npm', 'config', 'get', 'registry'], root)).said.trim(),
    YARN_NODE_LINKER: 'pnp',
    YARN_ENABLE_IMMUTABLE_INSTALLS: 'false',
    YARN_ENABLE_TELEMETRY: 'false',
    YARN_GLOBAL_FOLDER: join(tools, 'yarn'),
  }
  for (const words of [['install'], VITE.slice(1)]) {
    const { isWell, said } = await run([...npx, ...words], root, env)
    expect(isWell, said).toBe(true)
  }
  expect(existsSync(join(root, '.pnp.cjs'))).toBe(true)
  expect(await widthsIn(await readTree(join(root, 'dist')))).toEqual({ 'assets/hero-2x.png': LARGE })
})

test('sveltekit-enhanced: the sizes of <enhanced:img> are made of the upscaled picture', async () => {
  const names = ['kit', 'vite-plugin-svelte', 'adapter-static', 'enhanced-img'].map(
    name => `@sveltejs/${name}`,
  )
  // It wants a newer Node than the oldest that the packages run on.
  const others = [...names, 'svelte', 'node@24', ...(await Promise.all(['vite', 'sharp'].map(asInTest)))]
  const project = await installOutside(
    {
      'package.json': '{ "private": true, "type": "module" }',
      'vite.config.js': `import adapter from '@sveltejs/adapter-static'
import { enhancedImages } from '@sveltejs/enhanced-img'
import { sveltekit } from '@sveltejs/kit/vite'
import upscale from 'unplugin-upscale/vite'

export default {
  plugins: [upscale({ engine: 'resize' }), enhancedImages(), sveltekit({ adapter: adapter() })],
  build: { assetsInlineLimit: 0 },
}
`,
      'src/app.html':
        '<!doctype html><html><head>%sveltekit.head%</head><body>%sveltekit.body%</body></html>',
      'src/routes/+layout.js': 'export const prerender = true\n',
      'src/routes/+page.svelte': `<script>
  import imported from '../lib/imported.png?upscale=2&enhanced'
  import plain from '../lib/plain.png?upscale=2'
</script>

<enhanced:img src="./written.png?upscale=2" alt="written" />
<enhanced:img src={imported} alt="imported" />
<img src={plain} alt="plain" />
`,
    },
    ['unplugin-upscale'],
    others,
    packed,
  )
  try {
    const pictures = ['src/routes/written.png', 'src/lib/imported.png', 'src/lib/plain.png']
    for (const picture of pictures) await paint(project.root, picture)
    await project.run('vite', ['build', '--logLevel', 'error'])
    const tree = await readTree(join(project.root, 'build'))
    const webp = [...tree].filter(([name]) => name.endsWith('.webp'))
    const widths = await Promise.all(
      webp.map(async ([name, bytes]) => [/(\w+)-2x/.exec(name)?.[1], (await sharp(bytes).metadata()).width]),
    )
    const both = ['imported', 'written'].flatMap(name => [SMALL, LARGE].map(width => [name, width]))
    expect(widths.sort()).toEqual(both)
    expect(Object.values(await widthsIn(tree))).toContain(LARGE)
  } finally {
    await project.remove()
  }
})
