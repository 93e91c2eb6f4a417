import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findChromium, launchChromium } from '../support/chromium.ts'
import { asIn, installOutside, type Outside, type Packed, packAll, REPOSITORY } from '../support/packages.ts'
import { paint, SIZE, swatchOf } from '../support/pictures.ts'
import { readPage, type Seen } from '../support/read-page.ts'
import { serve } from '../support/serve.ts'
import { readTree } from '../support/site.ts'

// What is published, used by somebody who has nothing else: tarballs, plain npm, a folder outside of the workspace.

let packed: readonly Packed[] = []
let tarballs: string
const outsides: Outside[] = []

beforeAll(async () => {
  tarballs = await mkdtemp(join(tmpdir(), 'upscale-packed-'))
  packed = await packAll(tarballs)
})
afterAll(async () => {
  await Promise.all([rm(tarballs, { recursive: true }), ...outsides.map(one => one.remove())])
})

async function outside(
  files: Readonly<Record<string, string>>,
  packages: readonly string[],
  others: readonly string[] = [],
): Promise<Outside> {
  const made = await installOutside(files, packages, others, packed)
  outsides.push(made)
  return made
}

describe('a tarball', () => {
  test('holds what its manifest names, README and license, and nothing that is not for users', () => {
    expect(packed.length).toBeGreaterThanOrEqual(5)
    for (const { name, files, size } of packed) {
      expect(files, name).toEqual(expect.arrayContaining(['package.json', 'README.md', 'LICENSE']))
      const strange = files.filter(
        file =>
          !/^(?:(?:package\.json|README\.md|LICENSE|client(?:-\w+)?\.d\.ts)$|(?:dist|bin|weights)\/)/.test(
            file,
          ),
      )
      expect(strange, name).toEqual([])
      expect(
        files.filter(file => /\.test\.|\.map$|\.log$|(?<!\.d)\.m?ts$/.test(file)),
        name,
      ).toEqual([])
      expect(size, `bytes of ${name}`).toBeLessThan(1_500_000)
    }
  })

  test('of the local engine has all weights, that of the plugin the types of tagged imports', () => {
    const filesOf = (name: string) => packed.find(one => one.name === name)?.files
    const weights = ['design', 'photo', 'compressed', 'fast'].flatMap(kind =>
      [2, 3, 4].map(factor => `weights/${kind}-x${factor}.bin`),
    )
    expect(filesOf('upscale-local')).toEqual(expect.arrayContaining(weights))
    expect(filesOf('unplugin-upscale')).toContain('client.d.ts')
  })
})

/** A page whose pictures carry `data-form`, so that they can be read one by one. */
const page = (body: string): string =>
  `<!doctype html><html data-ready><head><meta charset="utf-8"></head><body>${body}</body></html>\n`

/** The pictures that the pages show, and how large they must be there. */
async function expectPictures(root: string, forms: Readonly<Record<string, string>>): Promise<void> {
  const server = await serve(root, '/')
  const browser: Browser = await launchChromium()
  try {
    const seen = await readPage(browser, server.url)
    expect(Object.keys(seen).sort()).toEqual(Object.keys(forms).sort())
    for (const [form, source] of Object.entries(forms)) {
      const { width, height, left, right }: Seen = seen[form]?.at(-1) ?? expect.fail(`no picture for ${form}`)
      expect({ form, width, height }).toEqual({ form, width: 2 * SIZE.width, height: 2 * SIZE.height })
      const wanted = swatchOf(source)
      for (const [colour, expected] of [[left, wanted.left] as const, [right, wanted.right] as const])
        colour.forEach((value, at) => {
          expect(Math.abs(value - (expected[at] ?? 0)), `${form} colour`).toBeLessThan(12)
        })
    }
  } finally {
    await browser.close()
    await server.close()
  }
}

describe.runIf(findChromium())('installed with npm as the README says', () => {
  test('Vite builds a page whose tagged pictures are twice as large', async () => {
    const project = await outside(
      {
        'package.json': '{ "name": "site", "private": true }\n',
        'vite.config.mjs': `import upscale from 'unplugin-upscale/vite'
import { defineConfig } from 'vite'

export default defineConfig({
  plugins: [upscale()],
})
`,
        'index.html': page(
          '<img data-form="html" src="./html.png" srcset="./html.png?upscale=2 2x" alt="">' +
            '<script type="module" src="./main.js"></script>',
        ).replace('<html data-ready>', '<html>'),
        'main.js': `import './style.css'
import hero from './hero.png?upscale=2'

for (const [form, set] of [['js', image => (image.src = hero)], ['css', image => (image.className = 'css')]]) {
  const image = document.createElement('img')
  image.dataset.form = form
  set(image)
  document.body.append(image)
}
document.documentElement.dataset.ready = 'true'
`,
        'style.css': `.css {
  background-image: image-set(url("./css.png") 1x, url("./css.png?upscale=2") 2x);
}
`,
      },
      ['unplugin-upscale'],
      [await asIn('examples/vite', 'vite')],
    )
    await Promise.all(['html.png', 'hero.png', 'css.png'].map(name => paint(project.root, name)))
    await project.run('vite', ['build'])
    await expectPictures(join(project.root, 'dist'), { html: 'html.png', js: 'hero.png', css: 'css.png' })
  })

  test('webpack builds a page whose tagged pictures are twice as large', async () => {
    const names = ['webpack', 'webpack-cli']
    const project = await outside(
      {
        'package.json': '{ "name": "site", "private": true, "type": "module" }\n',
        'webpack.config.js': `import upscale from 'unplugin-upscale/webpack'

export default {
  plugins: [upscale()],
}
`,
        'src/index.js': `import hero from './hero.png?upscale=2'

const image = document.createElement('img')
image.dataset.form = 'js'
image.src = hero
document.body.append(image)
document.documentElement.dataset.ready = 'true'
`,
        'dist/index.html': page('<script src="main.js"></script>').replace('<html data-ready>', '<html>'),
      },
      ['unplugin-upscale'],
      await Promise.all(names.map(name => asIn('examples/webpack', name))),
    )
    await paint(project.root, 'src/hero.png')
    await project.run('webpack', ['--mode', 'production'])
    await expectPictures(join(project.root, 'dist'), { js: 'hero.png' })
  })

  test('the command makes the pictures of plain HTML twice as large, without the server package', async () => {
    const project = await outside(
      {
        'package.json': '{ "name": "site", "private": true }\n',
        'dist/index.html': page(
          '<img data-form="src" src="hero.png?upscale=2" alt="">' +
            '<img data-form="srcset" srcset="hero.png 1x, hero.png?upscale=2 2x" alt="">',
        ),
      },
      ['upscale-cli'],
    )
    await paint(project.root, 'dist/hero.png')
    await project.run('npx', ['--no', 'upscale', 'html', 'dist/'])
    await expectPictures(join(project.root, 'dist'), { src: 'hero.png', srcset: 'hero.png' })
    await project.run('npx', ['--no', 'upscale', 'dist/hero.png', '--suffix', '@2x'])
    expect([...(await readTree(join(project.root, 'dist'))).keys()]).toContain('hero@2x.png')
    const doctor = JSON.parse(await project.run('npx', ['--no', 'upscale', 'doctor', '--json']))
    expect(doctor.ok).toBe(true)
    const serving = await project.run('npx', ['--no', 'upscale', 'serve']).catch(String)
    expect(serving).toContain('npm install upscale-server')
  })
})

interface Manifest {
  readonly name: string
  readonly version: string
  readonly exports: Readonly<Record<string, string | { readonly types?: string; readonly default?: string }>>
  readonly bin?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

describe('all packages, installed with npm', () => {
  let project: Outside
  let manifests: readonly Manifest[]

  beforeAll(async () => {
    const others = await Promise.all([
      asIn('.', 'typescript'),
      asIn('.', '@types/node'),
      asIn('examples/vite', 'vite'),
    ])
    const names = packed.map(({ name }) => name)
    project = await outside({ 'package.json': '{ "name": "all", "private": true }\n' }, names, others)
    manifests = await Promise.all(
      names.map(async name =>
        JSON.parse(await readFile(join(project.root, 'node_modules', name, 'package.json'), 'utf8')),
      ),
    )
  })

  test('depend on released versions, and every file that they name is there', async () => {
    for (const { name, version, exports, bin = {}, dependencies = {}, peerDependencies = {} } of manifests) {
      const files = packed.find(one => one.name === name)?.files ?? []
      const targets = Object.values(exports).flatMap(one =>
        typeof one === 'string' ? [one] : Object.values(one),
      )
      for (const target of [...targets, ...Object.values(bin)]) expect(files).toContain(target.slice(2))
      for (const [other, range] of Object.entries({ ...dependencies, ...peerDependencies })) {
        expect(range, `${other} of ${name}`).toMatch(/^[\^~>=\d]/)
        if (packed.some(one => one.name === other)) expect(range).toBe(`^${version}`)
      }
    }
  })

  test('have no text that speaks of the machine they were built on', async () => {
    for (const { name } of manifests) {
      for (const [file, bytes] of await readTree(join(project.root, 'node_modules', name))) {
        const text = bytes.toString('latin1')
        expect(text.includes(REPOSITORY.replace(/\/$/, '')), `${name}/${file}`).toBe(false)
        expect(/^\/[/*][#@] sourceMappingURL=/m.test(text), `${name}/${file}`).toBe(false)
      }
    }
  })

  test('can be loaded by every name they export, with import and with require', async () => {
    const names = entriesOf(manifests)
    expect(names).toEqual(expect.arrayContaining(['unplugin-upscale/farm', 'upscale-core', 'upscale-server']))
    const list = JSON.stringify(names)
    await writeFile(
      join(project.root, 'load.mjs'),
      `const shown = {}
for (const name of ${list}) shown[name] = Object.keys(await import(name)).filter(key => key !== 'module.exports').sort()
console.log(JSON.stringify(shown))
`,
    )
    await writeFile(
      join(project.root, 'load.cjs'),
      `const shown = {}
for (const name of ${list}) shown[name] = Object.keys(require(name)).filter(key => key !== '__esModule').sort()
console.log(JSON.stringify(shown))
`,
    )
    const [imported, required] = await Promise.all(
      ['load.mjs', 'load.cjs'].map(async file =>
        JSON.parse(await project.run('node', ['--no-warnings', file])),
      ),
    )
    expect(required).toEqual(imported)
    for (const name of names) expect(imported[name].length, name).toBeGreaterThan(0)
  })

  test('of bundlers give require() the function itself, with default for compilers', async () => {
    const hosts = ['vite', 'webpack', 'rspack', 'rsbuild', 'rollup', 'rolldown', 'esbuild', 'farm', 'next']
    await writeFile(
      join(project.root, 'require.cjs'),
      `for (const host of ${JSON.stringify(hosts)}) {
  const upscale = require('unplugin-upscale/' + host)
  console.log(host, typeof upscale, upscale.default === upscale, typeof upscale({ engine: 'resize' }))
}
`,
    )
    const told = await project.run('node', ['--no-warnings', 'require.cjs'])
    const right = hosts.map(host => `${host} function true ${host === 'next' ? 'function' : 'object'}`)
    expect(told.trim().split('\n')).toEqual(right)
  })

  test.each([
    ['bundler', 'ESNext', 'uses.ts'],
    ['node16', 'Node16', 'uses.mts'],
    ['node10', 'ESNext', 'uses.ts'],
  ])('have types that TypeScript finds with moduleResolution %s', async (moduleResolution, module, file) => {
    const folder = `types-${moduleResolution}`
    await project.run('mkdir', ['-p', folder])
    await writeFile(join(project.root, folder, file), usesOf(entriesOf(manifests)))
    const types = ['node', 'vite/client', 'unplugin-upscale/client']
    const options = {
      target: 'ES2022',
      lib: ['ES2023', 'DOM'],
      strict: true,
      noEmit: true,
      skipLibCheck: true,
    }
    await writeFile(
      join(project.root, folder, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: { ...options, module, moduleResolution, types }, files: [file] }),
    )
    expect(await project.run('tsc', ['-p', folder])).toBe('')
  })
})

function entriesOf(manifests: readonly Manifest[]): string[] {
  return manifests.flatMap(({ name, exports }) =>
    Object.entries(exports).flatMap(([entry, target]) =>
      typeof target === 'object' && target.default !== undefined ? [`${name}${entry.slice(1)}`] : [],
    ),
  )
}

/** Loads every entry, and shows that what comes out is typed: a mistake in it is an error. */
function usesOf(entries: readonly string[]): string {
  const imports = entries.map((name, index) => `import * as entry${index} from '${name}'`)
  return `${imports.join('\n')}
import upscale from 'unplugin-upscale/vite'
import { createUpscaler, type UpscaledImage } from 'upscale-core'
import { defineConfig } from 'upscale-cli'
import hero from './hero.png?upscale=2'
import facts from './hero.png?upscale=2&as=metadata'

export const plugins = upscale({ factor: 2, budget: 1 })
// @ts-expect-error an option that there is not
export const wrong = upscale({ factr: 2 })
// @ts-expect-error plugins are no number
export const number: number = upscale()
export const address: string = hero
export const width: number = facts.width
export const image: Promise<UpscaledImage> = createUpscaler().upscale('hero.png')
export const config = defineConfig({ factor: 2 })
export const all = [${entries.map((_, index) => `entry${index}`).join(', ')}]
`
}
