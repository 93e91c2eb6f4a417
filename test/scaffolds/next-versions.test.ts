import { spawn } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTab } from '../docs/tab.ts'
import { findChromium, launchChromium } from '../support/chromium.ts'
import { installOutside, type Outside, type Packed, packAll } from '../support/packages.ts'
import { paint, SIZE } from '../support/pictures.ts'
import { freePort } from '../support/servers.ts'

/*
 * One small project with both routers under each major of Next.js, by the bundlers that it has, with the config in each of its
 * languages. The newest one is that of the examples. Needs a registry.
 */

interface Row {
  /** What npm is asked for. */
  readonly packages: readonly string[]
  readonly config: readonly [file: string, text: string]
  /** Flags of `next build`. */
  readonly builds: readonly string[]
}

const REACT_18 = ['react@18', 'react-dom@18', '@types/react@18']
const REACT_19 = ['react@19', 'react-dom@19', '@types/react@19']
const MODULE = `import upscale from 'unplugin-upscale/next'
export default upscale({ engine: 'resize' })({ reactStrictMode: true })
`
const COMMONJS = `const upscale = require('unplugin-upscale/next')
module.exports = upscale({ engine: 'resize' })({ reactStrictMode: true })
`

const ROWS: Readonly<Record<string, Row>> = {
  '13.5': { packages: ['next@13.5', ...REACT_18], config: ['next.config.js', COMMONJS], builds: [''] },
  '14.2': { packages: ['next@14.2', ...REACT_18], config: ['next.config.mjs', MODULE], builds: [''] },
  '15.5': {
    packages: ['next@15.5', ...REACT_19],
    config: ['next.config.ts', MODULE],
    builds: ['', '--turbopack'],
  },
  '16.1': {
    packages: ['next@16.1', ...REACT_19],
    config: ['next.config.ts', MODULE],
    builds: ['--webpack', '--turbopack'],
  },
}

const FILES = {
  'package.json': '{ "private": true }',
  'images.d.ts': '/// <reference types="unplugin-upscale/client/image" />\n',
  'app/layout.tsx':
    'export default function Layout({ children }: { children: React.ReactNode }) {\n  return <html lang="en"><body>{children}</body></html>\n}\n',
  'app/page.module.css': ".hero { background: url('./back.png?upscale=2') }\n",
  'app/page.tsx': `import Image from 'next/image'
import hero from './hero.png?upscale=2'
import plain from './plain.png'
import styles from './page.module.css'
export default function Page() {
  return (
    <main className={styles.hero}>
      <p id="facts">{JSON.stringify([hero.width, hero.height, hero.blurDataURL?.slice(0, 11), plain.width])}</p>
      <Image src={hero} alt="" placeholder="blur" unoptimized />
    </main>
  )
}
`,
  'pages/old.tsx': `import Image from 'next/image'
import hero from '../app/hero.png?upscale=2'
export default function Old() { return <Image src={hero} alt="" unoptimized /> }
`,
}

const LARGE = 2 * SIZE.width

let tools: string
let packed: Packed[]
let browser: Browser | undefined
beforeAll(async () => {
  tools = await mkdtemp(join(tmpdir(), 'upscale-packed-'))
  packed = await packAll(tools)
  if (findChromium() !== undefined) browser = await launchChromium()
})
afterAll(async () => {
  await browser?.close()
  await rm(tools, { recursive: true, force: true })
})

describe.each(Object.entries(ROWS))('Next.js %s', (_, { packages, config: [file, text], builds }) => {
  let outside: Outside
  beforeAll(async () => {
    const others = [...packages, 'typescript@5', '@types/node@20']
    outside = await installOutside({ ...FILES, [file]: text }, ['unplugin-upscale'], others, packed)
    for (const picture of ['hero', 'back', 'plain']) await paint(outside.root, `app/${picture}.png`)
  })
  afterAll(() => outside?.remove())

  test.each(builds)('next build %s', async flag => {
    const { root } = outside
    await rm(join(root, '.next'), { recursive: true, force: true })
    const said = await outside.run('npx', ['next', 'build', ...(flag === '' ? [] : [flag])])
    expect(said).not.toMatch(/Invalid next\.config|Unrecognized key/)
    const media = join(root, '.next/static/media')
    const widths = await Promise.all(
      (await readdir(media)).map(async name => [name.split(/[-.]/)[0], await widthOf(join(media, name))]),
    )
    expect(Object.fromEntries(widths)).toEqual({ hero: LARGE, back: LARGE, plain: SIZE.width })
    if (browser !== undefined) await see(root, browser)
  })
})

/** Both routers in a browser: the page's own facts, and the picture as it is drawn. */
async function see(root: string, chromium: Browser): Promise<void> {
  const port = await freePort()
  const options = { cwd: root, stdio: 'ignore' as const, detached: true }
  const server = spawn('npx', ['next', 'start', '-p', String(port)], options)
  try {
    const url = `http://localhost:${port}`
    const textOf = (): Promise<string> =>
      fetch(url)
        .then(answer => answer.text())
        .catch(() => '')
    const facts = JSON.stringify([LARGE, 2 * SIZE.height, 'data:image/', SIZE.width])
    await expect.poll(textOf, { timeout: 30_000, interval: 200 }).toContain(facts.replaceAll('"', '&quot;'))
    for (const path of ['/', '/old']) {
      const { errors, widths } = await openTab(chromium, url + path)
      expect(errors).toEqual([])
      expect(widths).toContain(LARGE)
    }
  } finally {
    if (server.pid !== undefined) process.kill(-server.pid)
  }
}

async function widthOf(file: string): Promise<number> {
  return (await sharp(file).metadata()).width
}
