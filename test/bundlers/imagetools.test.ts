import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import type { UpscaleOptions } from 'unplugin-upscale'
import upscale from 'unplugin-upscale/vite'
import { build, createServer, type Plugin, type PluginOption } from 'vite'
import { imagetools } from 'vite-imagetools'
import { afterEach, describe, expect, test } from 'vitest'
import { oppositeOf } from '../support/five-forms.ts'
import { gatedEngine } from '../support/gated-engine.ts'
import { UPSCALE } from '../support/hosts.ts'
import { type Colour, paint, SIZE, swatchOf } from '../support/pictures.ts'
import { type Site, writeSite } from '../support/site.ts'

/*
 * vite-imagetools reads a picture and its keys from the same reference. It must get the upscaled one, whichever of the
 * two plugins comes first: a width that the original doesn't have shows which it was.
 */

const sites: Site[] = []
afterEach(async () => {
  await Promise.all(sites.splice(0).map(site => site.remove()))
})

const WIDTH = SIZE.width * 2 - 4
const CODE = `import data from './a.png?upscale=2&w=${WIDTH}&format=webp&as=metadata'
import address from './a.png?w=${WIDTH}&upscale=2'
import plain from './a.png?w=10&format=webp'
import own from './a.png?upscale=2&as=metadata'
import bare from './a.png?upscale=2'
export { address, bare, data, own, plain }
`

const orders: readonly (readonly [string, (options?: UpscaleOptions) => PluginOption[]])[] = [
  ['before', options => [upscale({ ...UPSCALE, ...options }), imagetools()]],
  ['behind', options => [imagetools(), upscale({ ...UPSCALE, ...options })]],
]

async function project(): Promise<Site> {
  const site = await writeSite({ 'main.js': CODE, 'index.html': '' })
  sites.push(site)
  await paint(site.root, 'a.png')
  return site
}

describe.each(orders)('%s vite-imagetools', (_, plugins) => {
  test('a build hands it the upscaled picture', async () => {
    const site = await project()
    await build({
      root: site.root,
      configFile: false,
      logLevel: 'silent',
      plugins: plugins(),
      build: {
        assetsInlineLimit: 0,
        ssrEmitAssets: true,
        ssr: './main.js',
        outDir: 'dist',
      },
    })
    const { address, bare, data, own, plain } = await import(join(site.root, 'dist/main.js'))
    const sizeOf = async (url: string): Promise<(string | number)[]> => {
      const { width, height, format } = await sharp(await readFile(join(site.root, 'dist', url))).metadata()
      return [width, height, format]
    }
    const height = Math.round((SIZE.height * WIDTH) / SIZE.width)
    expect(data).toMatchObject({ width: WIDTH, format: 'webp' })
    expect(await sizeOf(data.src)).toEqual([WIDTH, height, 'webp'])
    expect(await sizeOf(address)).toEqual([WIDTH, height, 'png'])
    expect(await sizeOf(plain)).toEqual([10, SIZE.height / 2, 'webp'])
    expect(await sizeOf(bare)).toEqual([SIZE.width * 2, SIZE.height * 2, 'png'])
    expect(own).toMatchObject({ width: SIZE.width * 2, height: SIZE.height * 2, factor: 2 })
    expect(await sizeOf(own.src)).toEqual([SIZE.width * 2, SIZE.height * 2, 'png'])
  })

  test('the dev server hands it the upscaled picture', async () => {
    const site = await project()
    const server = await createServer({
      root: site.root,
      configFile: false,
      logLevel: 'silent',
      optimizeDeps: { noDiscovery: true },
      plugins: plugins(),
      server: { host: '127.0.0.1', port: 0 },
    })
    try {
      await server.listen()
      const origin = server.resolvedUrls?.local[0] ?? ''
      const sizeOf = async (url: string): Promise<(string | number)[]> => {
        const answer = await fetch(new URL(url, origin))
        const { width, height, format } = await sharp(await answer.arrayBuffer()).metadata()
        return [width, height, format]
      }
      const height = Math.round((SIZE.height * WIDTH) / SIZE.width)
      // A picture that takes longer than a moment is shown by a placeholder first.
      const shown = async (): Promise<unknown> => sizeOf((await server.ssrLoadModule('/main.js')).address)
      await expect.poll(shown, { timeout: 20_000 }).toEqual([WIDTH, height, 'png'])
      const { bare, data, own, plain } = await server.ssrLoadModule('/main.js')
      expect(data).toMatchObject({ width: WIDTH, format: 'webp' })
      expect(await sizeOf(data.src)).toEqual([WIDTH, height, 'webp'])
      expect(await sizeOf(plain)).toEqual([10, SIZE.height / 2, 'webp'])
      expect(await sizeOf(bare)).toEqual([SIZE.width * 2, SIZE.height * 2, 'png'])
      expect(own).toMatchObject({ width: SIZE.width * 2, height: SIZE.height * 2, factor: 2 })
    } finally {
      await server.close()
    }
  })

  test('the dev server hands it a placeholder while the engine works', async () => {
    const site = await project()
    const gated = gatedEngine()
    const server = await createServer({
      root: site.root,
      configFile: false,
      logLevel: 'silent',
      optimizeDeps: { noDiscovery: true },
      plugins: plugins({ engine: gated.engine }),
      server: { host: '127.0.0.1', port: 0 },
    })
    try {
      await server.listen()
      const origin = server.resolvedUrls?.local[0] ?? ''
      /** The colour on the left of what a page that is loaded now shows, and its width. */
      const shown = async (): Promise<number[]> => {
        const { address } = await server.ssrLoadModule('/main.js')
        const bytes = await (await fetch(new URL(address, origin))).arrayBuffer()
        const { data, info } = await sharp(bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true })
        return [info.width, ...data.subarray(0, 3)]
      }
      const near = ([red, green, blue]: Colour): unknown[] => [
        WIDTH,
        ...[red, green, blue].map(value => expect.closeTo(value, -1.3)),
      ]
      expect(await shown()).toEqual(near(swatchOf('a.png').left))
      expect(gated.calls).toBe(1)
      gated.open()
      await expect.poll(shown, { timeout: 20_000 }).toEqual(near(oppositeOf('a.png').left))
    } finally {
      gated.open()
      await server.close()
    }
  })
})

/** As SvelteKit's `<enhanced:img>` does: asks where a picture is, and hands that to vite-imagetools itself. */
function enhanced(tools: Plugin): Plugin {
  return {
    name: 'enhanced',
    transform: {
      order: 'pre',
      filter: { id: /main\.js$/ },
      async handler(_, id) {
        const resolved = await this.resolve(`./a.png?upscale=2&w=${WIDTH}&as=metadata&enhanced`, id)
        const { load } = tools
        const handler = typeof load === 'object' ? load.handler : load
        const loaded = await handler?.call(this, resolved?.id ?? '')
        return typeof loaded === 'string' ? loaded : (loaded?.code ?? null)
      },
    },
  }
}

test.each(['before', 'behind'])('%s a plugin that reads what a reference leads to by itself', async order => {
  const site = await project()
  const [tools] = [imagetools()].flat() as [Plugin]
  const others = [enhanced(tools), tools]
  const own = upscale(UPSCALE)
  await build({
    root: site.root,
    configFile: false,
    logLevel: 'silent',
    plugins: order === 'before' ? [own, others] : [others, own],
    build: { assetsInlineLimit: 0, ssrEmitAssets: true, ssr: './main.js' },
  })
  const { default: told } = await import(join(site.root, 'dist/main.js'))
  expect(told).toMatchObject({ width: WIDTH, format: 'png' })
})

test('a plugin that takes the reference before all others is an error that names the line to move', async () => {
  const site = await project()
  await writeFile(
    join(site.root, 'vite.config.js'),
    `import upscale from ${JSON.stringify(import.meta.resolve('unplugin-upscale/vite'))}
const greedy = {
  name: 'greedy',
  enforce: 'pre',
  load: { order: 'pre', handler: id => (id.endsWith('=metadata') ? 'export default 1' : null) },
}
export default {
  plugins: [
    greedy,
    upscale({ engine: 'resize' }),
  ],
}
`,
  )
  await writeFile(join(site.root, 'main.js'), "\nexport { default } from './a.png?upscale=2&as=metadata'\n")
  const failure = await build({ root: site.root, logLevel: 'silent', build: { ssr: './main.js' } }).catch(
    String,
  )
  expect(failure).toMatch(/another plugin took this reference first.*\[LEFTOVER_REFERENCE\]/)
  expect(failure).toMatch(/main\.js:2\b[\s\S]*put upscale\(\) first in plugins, in \S+vite\.config\.js:10\b/)
})
