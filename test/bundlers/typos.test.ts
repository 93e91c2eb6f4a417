import { join } from 'node:path'
import upscale from 'unplugin-upscale/vite'
import { build, createLogger } from 'vite'
import { afterEach, expect, test } from 'vitest'
import { createDevServer } from '../support/dev-server.ts'
import { UPSCALE } from '../support/hosts.ts'
import { paint } from '../support/pictures.ts'
import { type Site, writeSite } from '../support/site.ts'

// Slips of the keyboard, which are told once and with what was meant.

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
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
