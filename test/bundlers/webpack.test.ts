import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import HtmlWebpackPlugin from 'html-webpack-plugin'
import MiniCssExtractPlugin from 'mini-css-extract-plugin'
import sharp from 'sharp'
import type { Report, UpscaleOptions } from 'unplugin-upscale'
import upscale from 'unplugin-upscale/webpack'
import { afterEach, describe, expect, test } from 'vitest'
import type { Configuration, Stats } from 'webpack'
import { picturesOf, WEBPACK_FORMS } from '../support/forms.ts'
import { buildWebpack, UPSCALE, webpackConfig } from '../support/hosts.ts'
import { paint, SIZE } from '../support/pictures.ts'
import { makeSite, readTree, type Site, stripTags, writeSite } from '../support/site.ts'

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

const IMAGES = { rules: [{ test: /\.png$/, type: 'asset/resource' as const }] }

/** A config of one entry, `main.js`, without style sheets and pages. */
function config(site: Site, options: UpscaleOptions | undefined, more: Configuration = {}): Configuration {
  return {
    mode: 'production',
    context: site.root,
    entry: './main.js',
    infrastructureLogging: { level: 'none' },
    module: IMAGES,
    ...more,
    output: {
      path: join(site.root, 'dist'),
      clean: true,
      assetModuleFilename: '[name][ext][query]',
      ...more.output,
    },
    plugins: [...(more.plugins ?? []), ...(options === undefined ? [] : [upscale(options)])],
  }
}

async function run(
  site: Site,
  more: Configuration = {},
  options: UpscaleOptions = {},
): Promise<Report | undefined> {
  let report: Report | undefined
  const onReport = (one: Report): void => {
    report = one
  }
  await buildWebpack(config(site, { ...UPSCALE, onReport, ...options }, more))
  return report
}

async function failureOf(
  site: Site,
  more: Configuration = {},
  options: UpscaleOptions = {},
): Promise<string> {
  return run(site, more, options).then(
    () => 'the build did not fail',
    (error: unknown) => String(error),
  )
}

async function outputOf(site: Site, name: string): Promise<Buffer> {
  return readFile(join(site.root, 'dist', name))
}

describe('what ships', () => {
  test('a project without tags is built byte for byte as without the plugin', async () => {
    const site = await makeSite('webpack', picturesOf(WEBPACK_FORMS))
    sites.push(site)
    await stripTags(site.root)
    const plain = join(site.root, 'dist-plain')
    const withPlugin = join(site.root, 'dist-plugin')
    await buildWebpack(webpackConfig(site, plain, undefined))
    await buildWebpack(webpackConfig(site, withPlugin, UPSCALE))
    expect((await readTree(plain)).size).toBeGreaterThan(3)
    expect(await readTree(withPlugin)).toEqual(await readTree(plain))
  })

  test('loaders with options keep their names, which modules are numbered by', async () => {
    const site = await project({
      'main.js': "import './a.css'\nimport './b.css'",
      'a.css': 'a { color: red }',
      'b.css': 'b { color: red }',
    })
    const use = ['style-loader', 'css-loader'].map(name => ({
      loader: fileURLToPath(import.meta.resolve(name)),
      options: { esModule: true },
    }))
    const built = async (options: UpscaleOptions | undefined): Promise<Map<string, Buffer>> => {
      await buildWebpack(config(site, options, { module: { rules: [{ test: /\.css$/, use }] } }))
      return readTree(join(site.root, 'dist'))
    }
    expect(await built(UPSCALE)).toEqual(await built(undefined))
  })

  test('the picture is named after its source, and a second build calls no engine', async () => {
    const site = await project(
      { 'main.js': "import a from './hero.png?upscale=2'; console.log(a)" },
      'hero.png',
    )
    const first = await run(site)
    const { width, height } = await sharp(await outputOf(site, 'hero-2x.png')).metadata()
    expect([width, height]).toEqual([SIZE.width * 2, SIZE.height * 2])
    expect(first?.images.map(image => image.origin)).toEqual(['engine'])
    expect((await run(site))?.images.map(image => image.origin)).toEqual(['cache'])
  })

  test('original and pictures of several factors do not collide without hashes in their names', async () => {
    const code =
      "import a from './a.png'; import b from './a.png?upscale=2'; import c from './a.png?upscale=3'; console.log(a, b, c)"
    const site = await project({ 'main.js': code }, 'a.png')
    await run(site)
    expect([...(await readTree(join(site.root, 'dist'))).keys()]).toEqual([
      'a-2x.png',
      'a-3x.png',
      'a.png',
      'main.js',
    ])
  })

  test('addresses start with the public path of another server', async () => {
    const site = await project({ 'main.js': "import a from './a.png?upscale=2'; console.log(a)" }, 'a.png')
    await run(site, { output: { publicPath: 'https://cdn.example/x/' } })
    expect((await outputOf(site, 'main.js')).toString()).toMatch(
      /https:\/\/cdn\.example\/x\/"|"https:\/\/cdn\.example\/x\/a-2x\.png"/,
    )
    expect(await outputOf(site, 'a-2x.png')).toBeInstanceOf(Buffer)
  })

  test('an old rule with file-loader gets the picture', async () => {
    const loader = fileURLToPath(import.meta.resolve('file-loader'))
    const rule = {
      test: /\.png$/,
      type: 'javascript/auto' as const,
      use: [{ loader, options: { name: '[name].[ext]' } }],
    }
    const site = await project({ 'main.js': "import a from './a.png?upscale=2'; console.log(a)" }, 'a.png')
    await run(site, { module: { rules: [rule] } })
    const { width } = await sharp(await outputOf(site, 'a.png')).metadata()
    expect(width).toBe(SIZE.width * 2)
  })

  test('a loader that names files by their path names another format after what it is', async () => {
    const loader = fileURLToPath(import.meta.resolve('file-loader'))
    const use = [{ loader, options: { name: '[name].[ext]' } }]
    const code =
      "import a from './a.png?upscale=2&format=webp'; import b from './b.png?upscale=2&format=jpeg'; console.log(a, b)"
    const site = await project({ 'main.js': code }, 'a.png', 'b.png')
    await run(site, { module: { rules: [{ test: /\.png$/, type: 'javascript/auto', use }] } })
    const names = [...(await readTree(join(site.root, 'dist'))).keys()]
    expect(names).toEqual([
      expect.stringMatching(/^a-2x.*\.webp$/),
      expect.stringMatching(/^b-2x.*\.jpg$/),
      'main.js',
    ])
  })
})

describe('in configs of many kinds', () => {
  const importing = "import a from './a.png?upscale=2'; globalThis.shown = a"
  const widthOf = async (site: Site, name: string): Promise<number> =>
    (await sharp(await outputOf(site, name)).metadata()).width

  test('a build for the server that emits no files has the address of the browser build', async () => {
    const site = await project({ 'main.js': importing }, 'a.png')
    const rule = { test: /\.png$/, type: 'asset/resource' as const }
    const output = { publicPath: '/site/', assetModuleFilename: '[name]-[hash:8][ext][query]' }
    await run(site, { module: { rules: [rule] }, output })
    const [picture = ''] = [...(await readTree(join(site.root, 'dist'))).keys()]
    expect(picture).toMatch(/^a-2x-[\da-f]{8}\.png$/)
    await run(site, {
      target: 'node',
      module: { rules: [{ ...rule, generator: { emit: false } }] },
      output: { ...output, path: join(site.root, 'server') },
    })
    expect([...(await readTree(join(site.root, 'server'))).keys()]).toEqual(['main.js'])
    expect(await readFile(join(site.root, 'server/main.js'), 'utf8')).toContain(picture)
  })

  test('a loader that makes an object of an image, as those of frameworks do, gets the picture', async () => {
    const loader = `module.exports = function (bytes) {
  this.emitFile('media/a.png', bytes)
  return 'export default ' + JSON.stringify({ src: 'media/a.png', width: bytes.readUInt32BE(16) })
}
module.exports.raw = true
`
    const site = await project({ 'main.js': importing, 'image-loader.cjs': loader }, 'a.png')
    const use = [join(site.root, 'image-loader.cjs')]
    await run(site, { module: { rules: [{ test: /\.png$/, type: 'javascript/auto', use }] } })
    expect(await widthOf(site, 'media/a.png')).toBe(SIZE.width * 2)
    expect((await outputOf(site, 'main.js')).toString()).toContain(`width:${SIZE.width * 2}`)
  })

  test('a list of rules of which the first that matches counts', async () => {
    const oneOf = [
      { test: /\.webp$/, type: 'asset' as const },
      {
        test: /\.png$/,
        type: 'asset' as const,
        parser: { dataUrlCondition: { maxSize: 10_000 } },
      },
      { exclude: /\.(?:js|html|json)$/, type: 'asset/resource' as const },
    ]
    const code = `${importing}; import b from './b.webp?upscale=2&format=png'; globalThis.other = b`
    const site = await project({ 'main.js': code }, 'a.png', 'b.webp')
    await run(site, { module: { rules: [{ oneOf }] } })
    const inlined = /data:image\/png;base64,([\w+/=]+)/g
    const script = (await outputOf(site, 'main.js')).toString()
    const pictures = [...script.matchAll(inlined)].map(([, data = '']) => Buffer.from(data, 'base64'))
    const files = [...(await readTree(join(site.root, 'dist')))].filter(([name]) => !name.endsWith('.js'))
    const widths = await Promise.all(
      [...pictures, ...files.map(([, bytes]) => bytes)].map(async one => (await sharp(one).metadata()).width),
    )
    expect(widths).toEqual([SIZE.width * 2, SIZE.width * 2])
  })

  test('a page whose template requires the picture', async () => {
    const template = '<img src="<%= require(\'./a.png?upscale=2\') %>">'
    const site = await project({ 'main.js': '', 'index.ejs': template }, 'a.png')
    await run(site, { plugins: [new HtmlWebpackPlugin({ template: 'index.ejs' })] })
    expect((await outputOf(site, 'index.html')).toString()).toMatch(/<img src="?[^"]*a-2x\.png"?>/)
    expect(await widthOf(site, 'a-2x.png')).toBe(SIZE.width * 2)
  })

  test('style sheets and pages without loaders', async () => {
    const site = await project(
      {
        'main.js': "import './style.css'",
        'style.css': 'p { background: url(./css.png?upscale=2) }',
        'index.html':
          '<img srcset="./set.png?upscale=2 2x"><p style="background: url(./inline.png?upscale=2)"></p>',
      },
      'css.png',
      'set.png',
      'inline.png',
    )
    await run(site, {
      entry: { main: './main.js', page: './index.html' },
      module: {},
      experiments: { css: true, html: true },
    })
    for (const name of ['css-2x.png', 'set-2x.png', 'inline-2x.png']) {
      expect(await widthOf(site, name)).toBe(SIZE.width * 2)
    }
  })
})

describe('the persistent cache', () => {
  const withCache = (site: Site): Configuration => ({
    cache: { type: 'filesystem', cacheDirectory: join(site.root, 'webpack-cache') },
  })
  const code =
    "import a from './a.png?upscale=2'; import facts from './a.png?upscale=2&as=metadata'; console.log(a, facts)"
  const black = { left: [0, 0, 0], right: [0, 0, 0] } as const
  const firstPixel = async (site: Site): Promise<number[]> => {
    const bytes = await sharp(await outputOf(site, 'a-2x.png'))
      .removeAlpha()
      .raw()
      .toBuffer()
    return [...bytes.subarray(0, 3)]
  }

  test('an edited image is shown, cold and warm', async () => {
    const site = await project({ 'main.js': code }, 'a.png')
    await run(site, withCache(site))
    expect(await firstPixel(site)).not.toEqual([0, 0, 0])
    await paint(site.root, 'a.png', black)
    await run(site, withCache(site))
    expect(await firstPixel(site)).toEqual([0, 0, 0])
    await run(site, withCache(site))
    expect(await firstPixel(site)).toEqual([0, 0, 0])
  })

  test('it outlives the cache of the upscaler', async () => {
    const site = await project({ 'main.js': code }, 'a.png')
    await run(site, withCache(site))
    const before = await readTree(join(site.root, 'dist'))
    await rm(join(site.root, 'node_modules/.cache/upscale'), { recursive: true })
    await rm(join(site.root, 'dist'), { recursive: true })
    await run(site, withCache(site))
    expect(await readTree(join(site.root, 'dist'))).toEqual(before)
  })

  test('a changed option is not served from it', async () => {
    const bare = "import a from './a.png?upscale'; console.log(a)"
    const site = await project({ 'main.js': bare }, 'a.png')
    await run(site, withCache(site), { factor: 2 })
    await run(site, withCache(site), { factor: 3 })
    const { width } = await sharp(await outputOf(site, 'a-3x.png')).metadata()
    expect(width).toBe(SIZE.width * 3)
  })
})

describe('what is refused', () => {
  const importing = (reference: string): Record<string, string> => ({
    'main.js': `// The second line has it.\nimport a from '${reference}'\nconsole.log(a)\n`,
  })

  test('a missing image is an error of webpack', async () => {
    const failure = await failureOf(await project(importing('./gone.png?upscale=2')))
    expect(failure).toMatch(/main\.js 2:0[\s\S]*Can't resolve '\.\/gone\.png\?upscale=2'/)
  })

  test('a corrupt image, with image, file, line and remedy', async () => {
    const site = await project(importing('./bad.png?upscale=2'), 'bad.png')
    const bytes = await readFile(join(site.root, 'bad.png'))
    await writeFile(join(site.root, 'bad.png'), bytes.subarray(0, 60))
    const failure = await failureOf(site)
    expect(failure).toMatch(/bad\.png: .*\[SOURCE_CORRUPT\]/)
    expect(failure).toMatch(/at "\.\/bad\.png\?upscale=2" in \S+main\.js:2\b/)
    expect(failure).toContain('fix: ')
    expect(failure).not.toContain('    at ')
  })

  test('an SVG', async () => {
    const svg = { 'logo.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>' }
    const failure = await failureOf(await project({ ...importing('./logo.svg?upscale=2'), ...svg }))
    expect(failure).toMatch(/logo\.svg: .*\[SOURCE_UNSUPPORTED\]/)
  })

  test('an engine that is not configured', async () => {
    const failure = await failureOf(await project(importing('./a.png?upscale=2&engine=resise'), 'a.png'))
    expect(failure).toMatch(/"resise".*\[UNKNOWN_ENGINE\]/)
    expect(failure).toMatch(/main\.js:2\b[\s\S]*fix: use one of .*resize/)
  })

  test('a text where one address is asked for', async () => {
    const code = "console.log(new URL('./a.png?upscale=2&as=srcset', import.meta.url))"
    const failure = await failureOf(await project({ 'main.js': code }, 'a.png'))
    expect(failure).toMatch(/as=srcset can't stand in[\s\S]*main\.js:1\b/)
  })

  test('a wrong option, before anything is built', async () => {
    const site = await project({ 'main.js': '' })
    await expect(() => buildWebpack(config(site, { engine: 'resise' }))).rejects.toThrow(/UNKNOWN_ENGINE/)
    await expect(() => buildWebpack(config(site, { leftovers: 'ignore' as 'warn' }))).rejects.toThrow(
      /leftovers is "ignore"/,
    )
  })
})

describe('a style sheet that is extracted', () => {
  const css = fileURLToPath(import.meta.resolve('css-loader'))
  const more = (): Configuration => ({
    module: { rules: [...IMAGES.rules, { test: /\.css$/, use: [MiniCssExtractPlugin.loader, css] }] },
    plugins: [new MiniCssExtractPlugin()],
  })

  test.each(
    Object.entries({
      'a factor out of range': ['./a.png?upscale=9', 'BAD_DIRECTIVE'],
      'an unknown engine': ['./a.png?upscale=2&engine=resise', 'UNKNOWN_ENGINE'],
      'a file that is no picture': ['./text.png?upscale=2', 'SOURCE_'],
    }),
  )('%s in it is told once, and nothing else', async (_, [reference, code]) => {
    const site = await project(
      {
        'main.js': "import './main.css'",
        'main.css': `.a {}\n.b { background: url('${reference}') }`,
        'text.png': 'no',
      },
      'a.png',
    )
    const failure = await failureOf(site, more())
    expect(failure.match(/ERROR in/g) ?? [failure]).toHaveLength(1)
    expect(failure.match(new RegExp(`\\[${code}`, 'g')) ?? []).toHaveLength(1)
    expect(failure).toMatch(/main\.css:2\b/)
    expect(failure).toContain('fix: ')
  })

  test('a picture that was mended is made by the next build with the same cache', async () => {
    const sheet = (factor: number): string => `.b { background: url('./a.png?upscale=${factor}') }`
    const site = await project({
      'main.js': "import './main.css'",
      'main.css': sheet(2),
      'a.png': 'no picture',
    })
    const cache = { type: 'filesystem' as const, cacheDirectory: join(site.root, 'webpack-cache') }
    expect(await failureOf(site, { ...more(), cache })).toContain('SOURCE_')
    await paint(site.root, 'a.png')
    await run(site, { ...more(), cache })
    expect([...(await readTree(join(site.root, 'dist'))).keys()]).toContain('a-2x.png')
  })
})

describe('what is left over', () => {
  test.each([
    [
      'an address put together at run time',
      "document.title = '/img/' + location.hash + '.png?upscale=2'",
      '….png?upscale=2',
    ],
    [
      'an address under the public path',
      "document.title = 'https://cdn.example/a.png?upscale=2'",
      'https://cdn.example/a.png?upscale=2',
    ],
  ])('%s fails the build', async (_, code, reference) => {
    const site = await project({ 'main.js': code }, 'a.png')
    const failure = await failureOf(site, { output: { publicPath: 'https://cdn.example/' } })
    expect(failure).toContain('[LEFTOVER_REFERENCE]')
    expect(failure).toContain(`at "${reference}" in ${join(site.root, 'main.js')}:1`)
  })

  test('it can be a warning', async () => {
    const site = await project({ 'main.js': "document.title = './a.png?upscale=2'" }, 'a.png')
    const stats: Stats = await buildWebpack(config(site, { ...UPSCALE, leftovers: 'warn' }))
    expect(stats.toJson({ all: false, warnings: true }).warnings?.[0]?.message).toContain('./a.png?upscale=2')
  })
})
