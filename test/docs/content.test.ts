import { execFile } from 'node:child_process'
import { readFile, symlink } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import sharp from 'sharp'
import { afterEach, expect, test } from 'vitest'
import { REPOSITORY } from '../support/packages.ts'
import { paint, SIZE } from '../support/pictures.ts'
import { readTree, type Site, writeSite } from '../support/site.ts'

// Astro reads the pictures of content collections itself, outside of any hook for imports.

let site: Site | undefined
afterEach(() => site?.remove())

const ASTRO = join(REPOSITORY, 'examples/astro/node_modules')

const PROJECT = {
  'astro.config.mjs': `import { defineConfig } from 'astro/config'
import upscale from 'unplugin-upscale/vite'
export default defineConfig({
  cacheDir: './.cache',
  vite: { resolve: { alias: { '~': import.meta.dirname + '/src' } }, cacheDir: './.vite', plugins: [upscale({ engine: 'resize', cacheDir: '.upscale-cache' })] },
})
`,
  'src/content.config.ts': `import { defineCollection } from 'astro:content'
import { glob } from 'astro/loaders'
import { z } from 'astro/zod'
export const collections = {
  blog: defineCollection({
    loader: glob({ base: './src/content/blog', pattern: '**/*.md' }),
    schema: ({ image }) => z.object({ cover: image(), seen: z.string().optional() }),
  }),
}
`,
  'src/pages/index.astro': `---
import { getEntry, render } from 'astro:content'
const entry = await getEntry('blog', 'one')
const { Content } = await render(entry)
---
<html><body><Content /><img id="cover" src={entry.data.cover.src} /><i title={entry.data.seen} /></body></html>
`,
}

/** Builds a project with one entry; gives its page, and all files that were written. */
async function buildEntry(entry: string): Promise<{ html: string; tree: Map<string, Buffer> }> {
  site = await writeSite({ ...PROJECT, 'src/content/blog/one.md': entry })
  const { root } = site
  await symlink(ASTRO, join(root, 'node_modules'))
  await Promise.all(['cover', 'body', 'plain'].map(name => paint(root, `src/content/blog/${name}.png`)))
  const bin = join(ASTRO, '.bin')
  await promisify(execFile)(join(bin, 'astro'), ['build'], {
    cwd: root,
    env: { PATH: `${bin}${delimiter}${process.env.PATH}`, ASTRO_TELEMETRY_DISABLED: '1', NO_COLOR: '1' },
  }).catch(({ stdout, stderr }) => Promise.reject(new Error(stdout + stderr)))
  return {
    html: await readFile(join(root, 'dist/index.html'), 'utf8'),
    tree: await readTree(join(root, 'dist')),
  }
}

async function widthOf(html: string, pattern: RegExp, tree: Map<string, Buffer>): Promise<number> {
  const [, address = ''] = pattern.exec(html) ?? []
  return (await sharp(tree.get(address.slice(1))).metadata()).width
}

test('covers and the pictures of Markdown are upscaled, and those without a tag stay', async () => {
  const { html, tree } = await buildEntry(`---
cover: ./cover.png?upscale=2
---
![Body](./body.png?upscale=2&format=webp) ![Plain](./plain.png) ![Both](./plain.png?upscale=3)
![Aliased](~/content/blog/cover.png?upscale=3)
`)
  expect(await widthOf(html, /id="cover" src="([^"]+)"/, tree)).toBe(2 * SIZE.width)
  expect(await widthOf(html, /alt="Body"[^>]*src="([^"]+)"/, tree)).toBe(2 * SIZE.width)
  expect(await widthOf(html, /alt="Plain"[^>]*src="([^"]+)"/, tree)).toBe(SIZE.width)
  expect(await widthOf(html, /alt="Both"[^>]*src="([^"]+)"/, tree)).toBe(3 * SIZE.width)
  expect(await widthOf(html, /alt="Aliased"[^>]*src="([^"]+)"/, tree)).toBe(3 * SIZE.width)
})

test.each([
  ['a picture that is not there', '---\ncover: ./gone.png?upscale=2\n---\n', 'SOURCE_NOT_FOUND', 2],
  ['a wrong factor', '---\ncover: ./cover.png\n---\n\n![a](./body.png?upscale=99)\n', 'BAD_DIRECTIVE', 5],
  [
    'an address in plain data',
    '---\ncover: ./cover.png\nseen: ./body.png?upscale=2\n---\n',
    'LEFTOVER_REFERENCE',
    3,
  ],
])('%s ends the build with the place', async (_, entry, code, line) => {
  const error: Error = await buildEntry(entry).then(
    () => Promise.reject(new Error('the build passed')),
    (reason: Error) => reason,
  )
  expect(error.message).toContain(code)
  expect(error.message).toMatch(new RegExp(`src/content/blog/one\\.md:${line}:`))
})
