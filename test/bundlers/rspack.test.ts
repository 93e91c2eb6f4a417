import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Configuration } from '@rspack/core'
import sharp from 'sharp'
import type { Report, UpscaleOptions } from 'unplugin-upscale'
import upscaleWebpack from 'unplugin-upscale/webpack'
import { afterEach, describe, expect, test } from 'vitest'
import { UPSCALE } from '../support/hosts.ts'
import { buildRspack, rspackConfig } from '../support/more-hosts.ts'
import { paint, SIZE } from '../support/pictures.ts'
import { readTree, type Site, writeSite } from '../support/site.ts'

const sites: Site[] = []
afterEach(async () => {
  await Promise.all(sites.splice(0).map(site => site.remove()))
})

async function project(code: string, ...pictures: string[]): Promise<Site> {
  const site = await writeSite({
    'src/main.js': code,
    'src/style.css': 'i { background: url(./a.png?upscale=2) }',
  })
  sites.push(site)
  await Promise.all(pictures.map(picture => paint(join(site.root, 'src'), picture)))
  return site
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
  const output = { assetModuleFilename: '[name][ext]', clean: true, ...more.output }
  await buildRspack(
    rspackConfig(site, join(site.root, 'dist'), { ...UPSCALE, onReport, ...options }, { ...more, output }),
  )
  return report
}

const outputOf = (site: Site, name: string): Promise<Buffer> => readFile(join(site.root, 'dist', name))

async function widthOf(site: Site, name: string): Promise<number> {
  return (await sharp(await outputOf(site, name)).metadata()).width
}

describe('what ships', () => {
  test('the picture is named after its source, and a second build calls no engine', async () => {
    const site = await project("import a from './a.png?upscale=2'; console.log(a)", 'a.png')
    const first = await run(site)
    expect(await widthOf(site, 'a-2x.png')).toBe(SIZE.width * 2)
    expect(first?.images.map(image => image.origin)).toEqual(['engine'])
    expect((await run(site))?.images.map(image => image.origin)).toEqual(['cache'])
  })

  test.each(['#top', '&v=1#top'])('a picture whose address ends in a fragment: %s', async rest => {
    const site = await project(`import a from './a.png?upscale=2${rest}'; globalThis.a = a`, 'a.png')
    await run(site, { output: { assetModuleFilename: '[name][ext][query]' } })
    expect(await widthOf(site, 'a-2x.png')).toBe(SIZE.width * 2)
    const address = rest.includes('v=1') ? 'a-2x.png?v=1' : 'a-2x.png'
    expect(String(await outputOf(site, 'main.js'))).toContain(`${address}"`)
  })

  test('loaders with options keep their names, which modules are numbered by', async () => {
    const site = await project("import './a.css'\nimport './b.css'")
    for (const name of ['a', 'b'])
      await writeFile(join(site.root, `src/${name}.css`), `${name} { color: red }`)
    const use = ['style-loader', 'css-loader'].map(name => ({
      loader: fileURLToPath(import.meta.resolve(name)),
      options: { esModule: true },
    }))
    const built = async (isPlain: boolean): Promise<Map<string, Buffer>> => {
      const outDir = join(site.root, isPlain ? 'plain' : 'plugin')
      const config = rspackConfig(site, outDir, UPSCALE)
      const rules = [{ test: /\.css$/, use }]
      await buildRspack({ ...config, module: { rules }, plugins: isPlain ? [] : (config.plugins ?? []) })
      return readTree(outDir)
    }
    expect(await built(false)).toEqual(await built(true))
  })

  test('with the default names, no address has the tag, other keys stay, and untagged pictures keep their names', async () => {
    const code =
      "import a from './a.png?upscale=2&v=1'; import b from './b.png?v=2'; import c from './c.png'; console.log(a, b, c)"
    const site = await project(code, 'a.png', 'b.png', 'c.png')
    const output = { clean: true }
    const rules = [{ test: /\.png$/, type: 'asset/resource' as const }]
    const build = async (plugin: boolean): Promise<string[]> => {
      const config = rspackConfig(site, join(site.root, 'dist'), UPSCALE, { output, module: { rules } })
      await buildRspack(plugin ? config : { ...config, plugins: [] })
      return String(await outputOf(site, 'main.js')).match(/\w+\.png[?\w=&]*/g) ?? []
    }
    const untagged = (names: readonly string[]): string[] =>
      names.filter(name => !name.includes('v=1')).sort()
    const [plain, ours] = [await build(false), await build(true)]
    expect(ours).toContainEqual(expect.stringMatching(/\.png\?v=1$/))
    expect(ours.join(' ')).not.toContain('upscale')
    expect(untagged(ours)).toEqual(untagged(plain))
    expect(untagged(ours)).toHaveLength(2)
  })

  test('a project without a rule for images works, with the default names of files', async () => {
    const code =
      "import a from './a.png?upscale=2'; import b from './b.png?upscale=2&as=srcset'; console.log(a, b)"
    const site = await project(`${code}; import './style.css'`, 'a.png', 'b.png')
    await run(site, { module: { rules: [] }, output: { assetModuleFilename: '[hash][ext][query]' } })
    const pictures = [...(await readTree(join(site.root, 'dist')))].filter(([name]) => name.endsWith('.png'))
    const widths = await Promise.all(pictures.map(async ([, bytes]) => (await sharp(bytes).metadata()).width))
    expect(widths.sort()).toEqual([SIZE.width, SIZE.width * 2, SIZE.width * 2])
  })

  test('a format that no rule of the project is for', async () => {
    const site = await project("import a from './a.png?upscale=2&format=webp'; console.log(a)", 'a.png')
    await run(site, { module: { rules: [{ test: /\.png$/, type: 'asset/resource' }] } })
    const [name = ''] = [...(await readTree(join(site.root, 'dist'))).keys()].filter(one =>
      /^a-2x-[0-9a-f]{6}\.webp$/.test(one),
    )
    expect(await widthOf(site, name)).toBe(SIZE.width * 2)
  })

  test('an old rule with file-loader gets the picture', async () => {
    const loader = import.meta.resolve('file-loader').replace('file://', '')
    const use = [{ loader, options: { name: '[name].[ext]' } }]
    const site = await project("import a from './a.png?upscale=2'; console.log(a)", 'a.png')
    await run(site, { module: { rules: [{ test: /\.png$/, type: 'javascript/auto', use }] } })
    expect(await widthOf(site, 'a.png')).toBe(SIZE.width * 2)
  })

  test('a loader that names files by their path names another format after what it is', async () => {
    const loader = import.meta.resolve('file-loader').replace('file://', '')
    const use = [{ loader, options: { name: '[name].[ext]' } }]
    const site = await project("import a from './a.png?upscale=2&format=webp'; console.log(a)", 'a.png')
    await run(site, { module: { rules: [{ test: /\.png$/, type: 'javascript/auto', use }] } })
    const names = [...(await readTree(join(site.root, 'dist'))).keys()]
    expect(names).toEqual([expect.stringMatching(/^a-2x.*\.webp$/), 'main.js'])
  })

  test('a wrong option stops it before anything is built', async () => {
    const site = await project('')
    await expect(() => run(site, {}, { engine: 'resise' })).rejects.toThrow(/UNKNOWN_ENGINE/)
  })
})

describe('what is left over', () => {
  test('it fails the build, also where the original is in the output under that name', async () => {
    const code = "import a from './a.png'; console.log(a, './a.png?upscale=2')"
    const site = await project(code, 'a.png')
    await expect(run(site)).rejects.toThrow(/LEFTOVER_REFERENCE[\s\S]*main\.js:1\b/)
  })
})

describe('Markdown that a host keeps as data beside its page', () => {
  const build = async (content: string): Promise<unknown> => {
    const site = await project(
      "import './post.md'; import blog from './blog.json'; console.log(blog)",
      'a.png',
    )
    const files = {
      'src/post.md': '# Hi\n\n![An a](./a.png?upscale=2)\n',
      'src/blog.json': JSON.stringify({ posts: [{ content }] }),
      'pages.cjs': `module.exports = page => "require('" + /\\((.+?)\\)/.exec(page)[1] + "')"`,
    }
    for (const [name, text] of Object.entries(files)) await writeFile(join(site.root, name), text)
    const rules = [
      { test: /\.md$/, use: join(site.root, 'pages.cjs') },
      { test: /\.png$/, type: 'asset/resource' as const },
    ]
    return run(site, { module: { rules } })
  }

  test('is a copy where the page has its picture', async () => {
    await expect(build('# Hi\n\n![An a](./a.png?upscale=2)')).resolves.toBeDefined()
  })

  test('is left over where no page has', async () => {
    await expect(build('# Ho\n\n![A b](./b.png?upscale=2)')).rejects.toThrow('LEFTOVER_REFERENCE')
  })
})

test('the plugin of webpack names the right one', async () => {
  const site = await project('', 'a.png')
  const config = rspackConfig(site, join(site.root, 'dist'), UPSCALE)
  const wrong: Configuration = { ...config, plugins: [upscaleWebpack()] }
  await expect(async () => buildRspack(wrong)).rejects.toThrow('unplugin-upscale/rspack')
})

describe('the persistent cache', () => {
  const withCache = (site: Site): Configuration => ({
    cache: {
      type: 'persistent',
      storage: { type: 'filesystem', directory: join(site.root, 'rspack-cache') },
    },
  })
  const code =
    "import a from './a.png?upscale=2'; import facts from './a.png?upscale=2&as=metadata'; import './style.css'; console.log(a, facts)"

  async function firstPixel(site: Site): Promise<number[]> {
    const picture = sharp(await outputOf(site, 'a-2x.png'))
    return [...(await picture.removeAlpha().raw().toBuffer()).subarray(0, 3)]
  }

  test('an edited image is shown, cold and warm', async () => {
    const site = await project(code, 'a.png')
    await run(site, withCache(site))
    expect(await firstPixel(site)).not.toEqual([0, 0, 0])
    await paint(join(site.root, 'src'), 'a.png', { left: [0, 0, 0], right: [0, 0, 0] })
    await run(site, withCache(site))
    expect(await firstPixel(site)).toEqual([0, 0, 0])
    await run(site, withCache(site))
    expect(await firstPixel(site)).toEqual([0, 0, 0])
  })

  test('it outlives the cache of the upscaler', async () => {
    const site = await project(code, 'a.png')
    await run(site, withCache(site))
    const before = await readTree(join(site.root, 'dist'))
    await rm(join(site.root, 'node_modules/.cache/upscale'), { recursive: true })
    await rm(join(site.root, 'dist'), { recursive: true })
    await run(site, withCache(site))
    expect(await readTree(join(site.root, 'dist'))).toEqual(before)
  })

  test('a changed option is not served from it', async () => {
    const site = await project("import a from './a.png?upscale'; console.log(a)", 'a.png')
    await run(site, withCache(site), { factor: 2 })
    await run(site, withCache(site), { factor: 3 })
    expect(await widthOf(site, 'a-3x.png')).toBe(SIZE.width * 3)
  })
})
