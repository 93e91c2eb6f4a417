import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import type { Report, UpscaleOptions } from 'unplugin-upscale'
import upscale from 'unplugin-upscale/vite'
import { build, createBuilder, createLogger, type InlineConfig, type Plugin, type Rollup } from 'vite'
import { afterEach, describe, expect, test } from 'vitest'
import { picturesOf, VITE_FORMS } from '../support/forms.ts'
import { buildVite, UPSCALE, VITES } from '../support/hosts.ts'
import { paint, SIZE } from '../support/pictures.ts'
import { makeSite, readTree, type Site, stripTags, writeSite } from '../support/site.ts'

const sites: Site[] = []
afterEach(async () => {
  await Promise.all(sites.splice(0).map(site => site.remove()))
})

/** A project of these files and of painted pictures. */
async function project(files: Readonly<Record<string, string>>, ...pictures: string[]): Promise<Site> {
  const site = await writeSite(files)
  sites.push(site)
  await Promise.all(pictures.map(picture => paint(site.root, picture)))
  return site
}

/** Builds, and gives what the plugin reported. */
async function run(
  site: Site,
  options: UpscaleOptions = {},
  more: InlineConfig = {},
): Promise<Report | undefined> {
  let report: Report | undefined
  const onReport = (one: Report): void => {
    report = one
  }
  await buildVite(site, join(site.root, 'dist'), { ...UPSCALE, onReport, ...options }, more)
  return report
}

async function failureOf(site: Site, options: UpscaleOptions = {}, more: InlineConfig = {}): Promise<string> {
  return run(site, options, more).then(
    () => 'the build did not fail',
    (error: unknown) => String(error),
  )
}

const page = (body: string): string => `<!doctype html>\n<html><body>\n${body}\n</body></html>\n`
const MAIN = page('<script type="module" src="./main.js"></script>')

describe('what ships', () => {
  test('a project without tags is built byte for byte as without the plugin', async () => {
    const site = await makeSite('vite', picturesOf(VITE_FORMS))
    sites.push(site)
    await stripTags(site.root)
    const plain = join(site.root, 'dist-plain')
    const withPlugin = join(site.root, 'dist-plugin')
    await buildVite(site, plain, undefined, { build: { sourcemap: true, manifest: true } })
    await buildVite(site, withPlugin, UPSCALE, { build: { sourcemap: true, manifest: true } })
    const tree = await readTree(plain)
    expect(tree.size).toBeGreaterThan(3)
    expect(await readTree(withPlugin)).toEqual(tree)
  })

  test('a second build calls no engine and ships the same files', async () => {
    const site = await project(
      { 'index.html': MAIN, 'main.js': "import a from './a.png?upscale=2'; document.title = a" },
      'a.png',
    )
    const first = await run(site)
    const files = await readTree(join(site.root, 'dist'))
    const second = await run(site)
    expect(first?.images.map(image => image.origin)).toEqual(['engine'])
    expect(second?.images.map(image => image.origin)).toEqual(['cache'])
    expect(await readTree(join(site.root, 'dist'))).toEqual(files)
  })

  test('output names keep the stem, and the manifest speaks of sources', async () => {
    const code = "import a from './img/hero (1).png?upscale=2'; document.title = a"
    const site = await project({ 'index.html': MAIN, 'main.js': code }, 'img/hero (1).png')
    await run(site, {}, { build: { manifest: true, assetsInlineLimit: 0 } })
    const names = [...(await readTree(join(site.root, 'dist'))).keys()]
    expect(names).toContainEqual(expect.stringMatching(/^assets\/hero-1-2x-[\w-]{8}\.png$/))
    const manifest = JSON.parse(await readFile(join(site.root, 'dist/.vite/manifest.json'), 'utf8'))
    expect(manifest['img/hero (1).png?upscale=2']).toMatchObject({
      file: expect.stringMatching(/^assets\/hero-1-2x-/),
      src: 'img/hero (1).png?upscale=2',
    })
    expect(JSON.stringify(manifest)).not.toContain('slots')
  })

  test.each([
    ['files', 0],
    ['texts', 1e6],
  ] as const)(
    'a picture in a script, a style sheet, a page and a worker becomes %s, each once',
    async (form, limit) => {
      const site = await project(
        {
          'index.html': MAIN.replace('</body>', '<img src="./a.png?upscale=2"></body>'),
          'main.js': `import a from './a.png?upscale=2'
          import './a.css'
          import Work from './work.js?worker'
          document.title = a
          new Work()`,
          'a.css': 'html { background: url(./a.png?upscale=2) }',
          'work.js': "import a from './a.png?upscale=2'; postMessage(a)",
        },
        'a.png',
      )
      for (const round of ['first', 'cached']) {
        await run(site, {}, { base: './', build: { assetsInlineLimit: limit, emptyOutDir: true } })
        const tree = await readTree(join(site.root, 'dist'))
        const pictures = [...tree.keys()].filter(name => name.endsWith('.png'))
        expect([round, pictures.length]).toEqual([round, form === 'files' ? 1 : 0])
        const texts = [...tree].filter(([name]) => /\.(?:js|css|html)$/.test(name))
        expect(texts.length).toBe(4)
        for (const [name, bytes] of texts) {
          const shown = form === 'files' ? pictures[0]?.replace('assets/', '') : 'data:image/png;base64,'
          expect([name, bytes.toString().split(shown ?? '-').length]).toEqual([name, 2])
        }
      }
    },
  )

  test('a fragment after the tag stays behind the address, as Vite keeps one after any query', async () => {
    const site = await project(
      {
        'index.html': MAIN,
        'main.js':
          "import a from './hero.png?upscale=2#top'\nimport b from './hero.png?v=1#top'\nconsole.log(a, b)\n",
      },
      'hero.png',
    )
    await run(site, {}, { build: { assetsInlineLimit: 0 } })
    const tree = await readTree(join(site.root, 'dist'))
    const code = [...tree].find(([name]) => name.endsWith('.js'))?.[1].toString() ?? ''
    expect(code).toMatch(/hero-2x-[\w-]+\.png\?#top/)
  })

  test('a plugin before ours that resolves what stands before a query, as those of tsconfig paths do, is no hindrance', async () => {
    const site = await project(
      {
        'index.html': MAIN,
        'main.js':
          "import a from 'pictures/hero.png?upscale=2'\nimport b from 'pictures/hero.png'\nconsole.log(a, b)\n",
      },
      'pictures/hero.png',
    )
    const paths: Plugin = {
      name: 'paths',
      enforce: 'pre',
      async resolveId(id, importer) {
        const [path = '', query] = id.split('?')
        if (!path.startsWith('pictures/')) return null
        const found = await this.resolve(join(site.root, path), importer, { skipSelf: true })
        return found && (query === undefined ? found.id : `${found.id}?${query}`)
      },
    }
    await build({
      root: site.root,
      configFile: false,
      logLevel: 'silent',
      plugins: [paths, upscale(UPSCALE)],
      build: { assetsInlineLimit: 0 },
    })
    const bundle = await readTree(join(site.root, 'dist'))
    const names = [...bundle.keys()]
      .filter(name => name.endsWith('.png'))
      .map(name => name.replace(/-[\w-]{8}\./, '.'))
    expect(names.sort()).toEqual(['assets/hero-2x.png', 'assets/hero.png'])
  })

  test('an edited image gives new pixels under the same slot', async () => {
    const site = await project({ 'index.html': page('<img src="./a.png?upscale=2">') }, 'a.png')
    await run(site, {}, { build: { assetsInlineLimit: 0 } })
    const before = await onlyPicture(site)
    await paint(site.root, 'a.png', { left: [1, 2, 3], right: [200, 100, 50] })
    await run(site, {}, { build: { assetsInlineLimit: 0 } })
    const after = await onlyPicture(site)
    expect(after.name).not.toBe(before.name)
    expect([...(await sharp(after.bytes).removeAlpha().raw().toBuffer()).subarray(0, 3)]).toEqual([1, 2, 3])
  })

  test('metadata has the facts of the picture that ships', async () => {
    const code = "import a from './a.png?upscale=1.5&as=metadata'\nexport default a"
    const site = await project({ 'entry.js': code }, 'a.png')
    await run(
      site,
      {},
      { build: { lib: { entry: join(site.root, 'entry.js'), formats: ['es'], fileName: 'out' } } },
    )
    const { default: metadata } = await import(join(site.root, 'dist/out.js'))
    expect(metadata).toMatchObject({
      width: SIZE.width * 1.5,
      height: SIZE.height * 1.5,
      format: 'png',
      factor: 1.5,
    })
    expect(metadata).toMatchObject({ engine: 'resize', src: expect.stringMatching(/^data:image\/png/) })
    expect(metadata.srcset).toBe(`${metadata.srcset.split(' 1x')[0]} 1x, ${metadata.src} 1.5x`)
  })

  test('the server and the browser get the same address, for one call of the engine', async () => {
    const code =
      "import a from './a.png?upscale=2&no-inline'\nexport const address = a\nif (typeof document !== 'undefined') document.title = a"
    const site = await project({ 'index.html': MAIN, 'main.js': code }, 'a.png')
    const origins: string[] = []
    const onReport = (report: Report): void => {
      origins.push(...report.images.map(image => image.origin))
    }
    const builder = await createBuilder({
      root: site.root,
      configFile: false,
      logLevel: 'silent',
      plugins: [upscale({ ...UPSCALE, onReport })],
      environments: {
        client: { build: { outDir: join(site.root, 'dist/client') } },
        ssr: { build: { ssr: join(site.root, 'main.js'), outDir: join(site.root, 'dist/server') } },
      },
      builder: {
        buildApp: async app =>
          void (await Promise.all(Object.values(app.environments).map(one => app.build(one)))),
      },
    })
    await builder.buildApp()
    const { address } = await import(join(site.root, 'dist/server/main.js'))
    const client = [...(await readTree(join(site.root, 'dist/client'))).keys()]
    expect(client).toContain(String(address).slice(1))
    expect(origins.filter(origin => origin === 'engine')).toHaveLength(1)
  })
})

describe('what is refused', () => {
  const inMain = (reference: string): Record<string, string> => ({
    'index.html': MAIN,
    'main.js': `// The second line has it.\nimport a from '${reference}'\ndocument.title = a\n`,
  })

  test('a missing image, with image, file, line and remedy', async () => {
    const failure = await failureOf(await project(inMain('./gone.png?upscale=2')))
    expect(failure).toContain('gone.png: there is no such file [SOURCE_NOT_FOUND]')
    expect(failure).toMatch(/at "\.\/gone\.png\?upscale=2" in \S+main\.js:2\b/)
    expect(failure).toContain('fix: check the path')
  })

  test('a corrupt image', async () => {
    const site = await project(inMain('./bad.png?upscale=2'), 'bad.png')
    const bytes = await readFile(join(site.root, 'bad.png'))
    await writeFile(join(site.root, 'bad.png'), bytes.subarray(0, 60))
    const failure = await failureOf(site)
    expect(failure).toMatch(/bad\.png: .*\[SOURCE_CORRUPT\]/)
    expect(failure).toMatch(/main\.js:2\b/)
  })

  test('an SVG', async () => {
    const site = await project({
      ...inMain('./logo.svg?upscale=2'),
      'logo.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>',
    })
    const failure = await failureOf(site)
    expect(failure).toMatch(/logo\.svg: .*\[SOURCE_UNSUPPORTED\]/)
    expect(failure).toContain('fix: ')
  })

  test('an engine that is not configured', async () => {
    const failure = await failureOf(await project(inMain('./a.png?upscale=2&engine=resise'), 'a.png'))
    expect(failure).toMatch(/"resise".*\[UNKNOWN_ENGINE\]/)
    expect(failure).toMatch(/at "\.\/a\.png\?upscale=2&engine=resise" in \S+main\.js:2\b/)
    expect(failure).toMatch(/fix: use one of .*resize/)
  })

  test('a factor that is none', async () => {
    const failure = await failureOf(await project(inMain('./a.png?upscale=9'), 'a.png'))
    expect(failure).toMatch(/the factor is "9".*\[BAD_DIRECTIVE\][\s\S]*main\.js:2\b/)
  })

  test('a missing image in a style sheet', async () => {
    const css = '.a { color: red }\n.b { background: url(./gone.png?upscale=2) }\n'
    const failure = await failureOf(
      await project({ 'index.html': MAIN, 'main.js': "import './a.css'", 'a.css': css }),
    )
    expect(failure).toMatch(/gone\.png: there is no such file[\s\S]*a\.css:2\b[\s\S]*fix: /)
  })

  test('a missing image in a page', async () => {
    const failure = await failureOf(
      await project({ 'index.html': page('<p>One</p>\n<img src="./gone.png?upscale=2&amp;engine=resize">') }),
    )
    expect(failure).toMatch(/gone\.png: there is no such file[\s\S]*index\.html:4\b[\s\S]*fix: /)
  })

  test('a text where one address is asked for', async () => {
    const css = '.b { background: url(./a.png?upscale=2&as=srcset) }\n'
    const site = await project({ 'index.html': MAIN, 'main.js': "import './a.css'", 'a.css': css }, 'a.png')
    expect(await failureOf(site)).toMatch(
      /as=srcset can't stand in a style sheet[\s\S]*a\.css:1\b[\s\S]*fix: remove as=srcset/,
    )
  })
})

describe('what is left over', () => {
  const leftovers: readonly (readonly [
    form: string,
    files: Record<string, string>,
    reference: string,
    place: RegExp,
  ])[] = [
    [
      'an address put together at run time',
      { 'main.js': "document.images[0].src = '/img/' + document.title + '.png?upscale=2'" },
      '….png?upscale=2',
      /main\.js:1\b/,
    ],
    // biome-ignore-start lint/suspicious/noTemplateCurlyInString: it is code that the test writes
    [
      'a template put together at run time',
      { 'main.js': '\ndocument.images[0].src = `/img/${document.title}.png?upscale=2`' },
      '….png?upscale=2',
      /main\.js:2\b/,
    ],
    // biome-ignore-end lint/suspicious/noTemplateCurlyInString: the end of it
    [
      'a whole address in a string',
      { 'main.js': "document.images[0].src = './a.png?upscale=2'" },
      './a.png?upscale=2',
      /main\.js:1\b/,
    ],
    [
      'new URL() that Vite is told to ignore',
      { 'main.js': "document.title = new URL(/* @vite-ignore */ './a.png?upscale=2', import.meta.url).href" },
      './a.png?upscale=2',
      /main\.js:1\b/,
    ],
    [
      'an attribute that Vite does not read',
      { 'index.html': page('<img data-src="./a.png?upscale=2">') },
      './a.png?upscale=2',
      /index\.html:3\b/,
    ],
    [
      'an element that Vite is told to ignore',
      { 'index.html': page('<img vite-ignore src="./a.png?upscale=2">') },
      './a.png?upscale=2',
      /index\.html:3\b/,
    ],
  ]

  test.each(leftovers)('%s fails the build', async (_, files, reference, place) => {
    const failure = await failureOf(await project({ 'index.html': MAIN, 'main.js': '', ...files }, 'a.png'))
    expect(failure).toContain('a tagged reference is still in the output')
    expect(failure).toContain('[LEFTOVER_REFERENCE]')
    expect(failure).toContain(`at "${reference}" in `)
    expect(failure).toMatch(place)
    expect(failure).toContain('fix: ')
  })

  test('code that a page shows is text, while code that it runs is code', async () => {
    const site = await project(
      {
        'index.html': page(
          `<code>new URL('./gone.png?upscale=2', import.meta.url)</code>
           <script type="module">console.log(new URL('./a.png?upscale=2', import.meta.url).href)</script>`,
        ),
      },
      'a.png',
    )
    const report = await run(site)
    expect(report?.images.map(({ source }) => source)).toEqual(['a.png'])
  })

  test('text about references is no reference', async () => {
    const prose = page(
      '<!-- <img src="./a.png?upscale=2"> --><p title="see ./a.png?upscale=2 for more">Write ./a.png?upscale=2 or "./a.png?upscale=2".</p>',
    )
    const script = [
      '// new URL("./a.png?upscale=2", import.meta.url)',
      'document.title = `<code>import a from "./a.png?upscale=2"</code>`',
      'document.body.append("Write ./a.png?upscale=2", "?upscale=2", "https://cdn.example/a.png?upscale=2")',
    ].join('\n')
    const site = await project(
      { 'index.html': `${prose}<script type="module" src="./main.js"></script>`, 'main.js': script },
      'a.png',
    )
    await run(site, {}, { build: { minify: false } })
  })

  test('it can be a warning', async () => {
    const site = await project(
      { 'index.html': MAIN, 'main.js': "document.images[0].src = './a.png?upscale=2'" },
      'a.png',
    )
    const warnings: string[] = []
    const customLogger = { ...createLogger('silent'), warn: (text: string) => void warnings.push(text) }
    await run(site, { leftovers: 'warn' }, { customLogger })
    expect(warnings.join()).toContain('./a.png?upscale=2')
  })
})

describe('around the build', () => {
  test('a summary line goes through the logger of Vite', async () => {
    const site = await project({ 'index.html': page('<img src="./a.png?upscale=2">') }, 'a.png')
    const lines: string[] = []
    const customLogger = { ...createLogger('silent'), info: (text: string) => void lines.push(text) }
    await run(site, {}, { customLogger })
    expect(lines.join('\n')).toContain('1 upscaled, 0 from the cache, US$0.00 spent')
  })

  test('source maps of rewritten modules lead to the source', async () => {
    const code =
      "const first = 1\nexport const address = new URL('./a.png?upscale=2', import.meta.url).href\nthrow new Error(String(first))\n"
    const site = await project({ 'index.html': MAIN, 'main.js': code }, 'a.png')
    const output = await build({
      root: site.root,
      configFile: false,
      logLevel: 'silent',
      plugins: [upscale(UPSCALE)],
      build: { write: false, sourcemap: true, minify: false },
    })
    const chunk = (output as Rollup.RolldownOutput).output.find(one => one.type === 'chunk')
    expect(chunk?.map?.sourcesContent).toContain(code)
  })

  test.each([
    ['8', 'whole'],
    ['8', 'broken'],
    ['7', 'whole'],
    ['7', 'broken'],
  ] as const)(
    'watch mode of Vite %s that begins with a %s image shows edited ones in JavaScript, CSS and HTML, also one that was broken for a while',
    async (version, first) => {
      const files = {
        'index.html': page('<img src="./html.png?upscale=2"><script type="module" src="./main.js"></script>'),
        'main.js':
          "import './a.css'\nimport a from './js.png?upscale=2'\ndocument.title = a + new URL('./url.png?upscale=2', import.meta.url)",
        'a.css': '.a { background: url(./css.png?upscale=2) }',
      }
      const pictures = ['html.png', 'js.png', 'url.png', 'css.png']
      const site = await project(files, ...pictures)
      const outDir = join(site.root, 'dist')
      const breakAll = (): Promise<unknown> =>
        Promise.all(pictures.map(picture => writeFile(join(site.root, picture), 'half of it')))
      if (first === 'broken') await breakAll()
      const buildWith = await VITES[version]()
      const watcher = (await buildWith({
        root: site.root,
        configFile: false,
        logLevel: 'silent',
        plugins: [upscale(UPSCALE)],
        build: { outDir, assetsInlineLimit: 0, watch: { buildDelay: 50 } },
      })) as Rollup.RolldownWatcher
      try {
        // Different right halves, or one file would serve for all four.
        const swatches = pictures.map((_, index) => ({ left: [9, 8, 7], right: [index, 0, 0] }) as const)
        if (first === 'whole') await built(watcher)
        else await expect(built(watcher)).rejects.toThrow('SOURCE_CORRUPT')
        await Promise.all(pictures.map((picture, index) => paint(site.root, picture, swatches[index])))
        await expect
          .poll(() => leftPixels(outDir), { timeout: 20_000, interval: 200 })
          .toEqual(pictures.map(() => [9, 8, 7]))
        const failed = new Promise<void>(resolve =>
          watcher.on('event', ({ code }) => (code === 'ERROR' ? resolve() : undefined)),
        )
        await breakAll()
        await failed
        const repaired = pictures.map((_, index) => ({ left: [6, 5, 4], right: [index, 0, 0] }) as const)
        await Promise.all(pictures.map((picture, index) => paint(site.root, picture, repaired[index])))
        await expect
          .poll(() => leftPixels(outDir), { timeout: 20_000, interval: 200 })
          .toEqual(pictures.map(() => [6, 5, 4]))
      } finally {
        await watcher.close()
      }
    },
  )
})

async function onlyPicture(site: Site): Promise<{ name: string; bytes: Buffer }> {
  const pictures = [...(await readTree(join(site.root, 'dist')))].filter(([name]) => name.endsWith('.png'))
  expect(pictures).toHaveLength(1)
  const [[name, bytes] = ['', Buffer.alloc(0)]] = pictures
  return { name, bytes }
}

async function leftPixels(outDir: string): Promise<number[][]> {
  const pictures = [...(await readTree(outDir))].filter(([name]) => name.endsWith('.png'))
  return Promise.all(
    pictures.map(async ([, bytes]) => [
      ...(await sharp(bytes).removeAlpha().raw().toBuffer()).subarray(0, 3),
    ]),
  )
}

function built(watcher: Rollup.RolldownWatcher): Promise<void> {
  return new Promise((resolve, reject) => {
    watcher.on('event', event => {
      if (event.code === 'END') resolve()
      if (event.code === 'ERROR') reject(event.error)
    })
  })
}
