import { execFile } from 'node:child_process'
import { mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import { startDevServer } from '../support/dev-server.ts'
import { buildVite, UPSCALE } from '../support/hosts.ts'
import { paint } from '../support/pictures.ts'
import { type Site, writeSite } from '../support/site.ts'

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

const TSCONFIG = {
  compilerOptions: {
    target: 'ES2022',
    module: 'ESNext',
    moduleResolution: 'bundler',
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    types: [],
    paths: { '@/*': ['./src/*'] },
  },
  include: ['src', '*.d.ts'],
}

/** Imports that the patterns of `unplugin-upscale/client` can't express. */
const USES = `
import odd from './img/hero.png?upscale=3.33'
import middle from './img/hero.png?inline&upscale=2&engine=resize&tag'
import above from '../top.png?upscale=2.52'
import aliased from '@/img/hero.png?upscale=2.77'
import facts from './img/hero.png?as=metadata&upscale=2.33'
import later from '@/img/hero.png?as=metadata&upscale=2.77'
import srcset from './img/hero.png?upscale=2;3&as=srcset'

export const texts: string[] = [odd, middle, above, aliased, srcset]
export const width: number = facts.width + later.width
// @ts-expect-error metadata is an object, not an address
export const address: string = facts
// @ts-expect-error a picture that isn't there has no type
import('./img/heroo.png?upscale=3.33')
`

async function project(): Promise<Site> {
  const site = await writeSite({
    'tsconfig.json': JSON.stringify(TSCONFIG),
    'index.html': '<html><script type="module" src="./src/main.ts"></script></html>',
    'src/main.ts': USES.split('\n')
      .filter(line => !line.startsWith('import(') && !line.startsWith('// @ts'))
      .join('\n'),
  })
  cleanups.push(() => site.remove())
  await Promise.all(['src/img/hero.png', 'top.png'].map(picture => paint(site.root, picture)))
  await mkdir(join(site.root, 'node_modules'))
  const installed = dirname(dirname(fileURLToPath(import.meta.resolve('unplugin-upscale'))))
  await symlink(installed, join(site.root, 'node_modules/unplugin-upscale'), 'dir')
  return site
}

/** What the compiler says about a project; nothing when all is well. */
async function check(site: Site): Promise<string> {
  const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript')), 'tsc.js')
  const { stdout } = await promisify(execFile)(process.execPath, [tsc, '-p', site.root]).catch(error => error)
  return stdout
}

const build = (site: Site, dts: boolean | string): Promise<void> =>
  buildVite(site, join(site.root, 'dist'), { ...UPSCALE, dts }, { build: { assetsInlineLimit: 0 } })

test('a project whose imports no pattern expresses compiles with the declarations, and not without', async () => {
  const site = await project()
  await build(site, true)
  const file = join(site.root, 'upscale-env.d.ts')
  await writeFile(join(site.root, 'src/main.ts'), USES)
  expect(await check(site)).toBe('')
  await rm(file)
  const without = await check(site)
  for (const query of [
    'upscale=3.33',
    'engine=resize&tag',
    'upscale=2.52',
    'upscale=2.77',
    'as=metadata&upscale=2.33',
  ])
    expect(without).toContain(query)
})

test('the file is written only when it changes, and where it is asked for', async () => {
  const site = await project()
  await build(site, 'types/pictures.d.ts')
  const file = join(site.root, 'types/pictures.d.ts')
  const before = await stat(file)
  await build(site, 'types/pictures.d.ts')
  expect((await stat(file)).mtimeMs).toBe(before.mtimeMs)
  expect((await stat(file)).ino).toBe(before.ino)
  await expect(build(site, 'types/pictures.ts')).rejects.toThrow('dts is')
})

test('a dev server keeps the declarations up to date', async () => {
  const site = await project()
  const server = await startDevServer(site, { dts: true })
  cleanups.push(() => server.close())
  const text = (): Promise<string> => readFile(join(site.root, 'upscale-env.d.ts'), 'utf8').catch(() => '')
  await expect.poll(text, { timeout: 10_000 }).toContain('upscale=3.33')
  expect(await text()).not.toContain('upscale=7')
  await writeFile(join(site.root, 'src/more.ts'), "import more from './img/hero.png?upscale=7'\n")
  await expect.poll(text, { timeout: 10_000 }).toContain('".*/img/hero.png?upscale=7"')
  await rm(join(site.root, 'src/more.ts'))
  await expect.poll(text, { timeout: 10_000 }).not.toContain('upscale=7')
})
