import { execFile } from 'node:child_process'
import { readdir, readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import sharp from 'sharp'
import { afterEach, expect, test } from 'vitest'
import { paint, SIZE } from '../support/pictures.ts'
import { type Site, writeSite } from '../support/site.ts'

/*
 * Next.js by webpack names pictures with a loader of its own, and a server component is compiled for the server alone: a
 * picture's type, by which a browser is told what it gets, and its place are not left to webpack there.
 */

const MODULES = fileURLToPath(new URL('../node_modules', import.meta.url))

const FILES = {
  'package.json': '{ "private": true, "type": "module" }',
  'next.config.js':
    "import upscale from 'unplugin-upscale/next'\nexport default upscale({ engine: 'resize' })({ typescript: { ignoreBuildErrors: true } })\n",
  'app/layout.jsx': 'export default ({ children }) => <html lang="en"><body>{children}</body></html>\n',
  'app/page.module.css': ".back { background: url('./back.png?upscale=2&format=webp') }\n",
  'app/page.jsx': `import styles from './page.module.css'
import same from './same.png?upscale=2'
import webp from './webp.png?upscale=2&format=webp'
import jpeg from './jpeg.png?upscale=2&format=jpeg'
const address = new URL('./address.png?upscale=2', import.meta.url).href
const other = new URL('./other.png?upscale=2&format=webp', import.meta.url).href
export default () => (
  <main className={styles.back}>
    {[same.src, webp.src, jpeg.src, address, other].map(src => <img key={src} src={src} alt="" />)}
  </main>
)
`,
}

const FORMATS = { same: 'png', webp: 'webp', jpeg: 'jpeg', address: 'png', other: 'webp', back: 'webp' }

let site: Site | undefined
afterEach(() => site?.remove())

test('each address of a page leads to a file of the type that its name says', async () => {
  site = await writeSite(FILES)
  const { root } = site
  await symlink(MODULES, join(root, 'node_modules'))
  for (const name of Object.keys(FORMATS)) await paint(root, `app/${name}.png`)
  const next = join(MODULES, 'next/dist/bin/next')
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [next, 'build', '--webpack'], {
    cwd: root,
    env: { ...process.env, NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' },
  })
  // What webpack can't follow in the modules of a config, it warns of.
  expect(stdout + stderr).not.toContain('upscale-core')

  const media = join(root, '.next/static/media')
  const facts = await Promise.all(
    (await readdir(media)).map(async file => {
      const { format, width } = await sharp(join(media, file)).metadata()
      expect(file).toMatch(new RegExp(`\\.${format === 'jpeg' ? 'jpe?g' : format}$`))
      return { file, name: file.split(/[-.]/)[0] ?? '', format, width }
    }),
  )
  expect(Object.fromEntries(facts.map(({ name, format }) => [name, format]))).toEqual(FORMATS)
  expect(new Set(facts.map(({ width }) => width))).toEqual(new Set([2 * SIZE.width]))

  const page = await readFile(join(root, '.next/server/app/index.html'), 'utf8')
  const shown = [...page.matchAll(/src="\/_next\/static\/media\/([^"]+)"/g)].map(([, file]) => file)
  expect(shown).toHaveLength(5)
  expect(facts.map(({ file }) => file)).toEqual(expect.arrayContaining(shown))
})
