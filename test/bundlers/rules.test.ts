import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import upscaleRollup from 'unplugin-upscale/rollup'
import upscaleVite from 'unplugin-upscale/vite'
import { build, createServer } from 'vite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { paint } from '../support/pictures.ts'
import { readTree } from '../support/site.ts'

// Images of a page that are enlarged because a rule says so: no source has a tag.

let root = ''

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'upscale-rules-'))
  await writeFile(join(root, 'package.json'), '{}')
  await paint(root, 'photos/a.png')
  await paint(root, 'b.png')
  const { width = 0 } = await sharp(join(root, 'b.png')).metadata()
  await writeFile(
    join(root, 'index.html'),
    `<!doctype html><img src="./photos/a.png"><img src="./b.png" width="${width}"><img src="./b.png">` +
      '<img src="./photos/a.png" data-upscale="off">',
  )
})
afterEach(() => rm(root, { recursive: true }))

const RULES = [{ files: 'photos/**', factor: 3 }, { shown: true }]

test('are in the page that Vite builds, and no others', async () => {
  const outDir = join(root, 'dist')
  await build({
    root,
    configFile: false,
    logLevel: 'silent',
    build: { outDir, assetsInlineLimit: 0 },
    plugins: [upscaleVite({ engine: 'resize', rules: RULES })],
  })
  const page = String((await readTree(outDir)).get('index.html'))
  const names = page.match(/<img[^>]*>/g)?.map(image => image.replace(/-[\w-]{8}\.png/g, '.png'))
  const { width: small = 0 } = await sharp(join(root, 'b.png')).metadata()
  expect(names).toEqual([
    '<img src="/assets/a.png" srcset="/assets/a.png 1x, /assets/a-3x.png 3x">',
    `<img src="/assets/b.png" srcset="/assets/b.png 1x, /assets/b-2x.png 2x" width="${small}">`,
    '<img src="/assets/b.png">',
    '<img src="/assets/a.png" data-upscale="off">',
  ])
  const made = (await readdir(join(outDir, 'assets'))).find(name => name.startsWith('b-2x')) ?? ''
  expect((await sharp(join(outDir, 'assets', made)).metadata()).width).toBe(2 * small)
})

test('are in the page that its dev server shows', async () => {
  const server = await createServer({
    root,
    configFile: false,
    logLevel: 'silent',
    server: { middlewareMode: true, ws: false },
    plugins: [upscaleVite({ engine: 'resize', rules: RULES })],
  })
  try {
    const page = await server.transformIndexHtml('/', '<img src="/photos/a.png">')
    expect(page).toContain('srcset="/photos/a.png 1x, /photos/a.png?upscale=3 3x"')
  } finally {
    await server.close()
  }
})

test('are refused where the plugin sees no pages', () => {
  expect(() => upscaleRollup({ rules: RULES })).toThrow('rules are for pages')
})
