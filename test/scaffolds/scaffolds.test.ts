import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Page, pageOf, readPage, sectionOf } from '../docs/pages.ts'
import { openTab } from '../docs/tab.ts'
import { findChromium, launchChromium } from '../support/chromium.ts'
import { type Packed, packAll } from '../support/packages.ts'
import { serve } from '../support/serve.ts'
import { freePort } from '../support/servers.ts'
import { filesIn, follow, type Scaffold, widthOf } from './scaffold.ts'

/*
 * What a new user does, with nothing but the documentation: an empty folder, the official generator of today, the packed
 * packages by npm, the lines that the page tells, and the first build of the template. Needs a registry, and GitHub for
 * some generators; TEMPLATES names a folder with projects that they would have written, by the names below. SCREENSHOTS
 * names a folder for pictures of the pages.
 */

interface Row {
  readonly page: string
  /** The section of the page. */
  readonly section?: string
  /** Flags that answer what the generator asks. */
  readonly answers?: string
  /** Replaces a command of the page: the same project, built another way. */
  readonly instead?: readonly [told: string, done: string]
  /** What the build wrote. */
  readonly output: string
  /** The folder of a finished site, or the command that serves it on a port; none for what a browser can't open. */
  readonly site?: string | ((port: number) => string)
}

const ROWS: Readonly<Record<string, Row>> = {
  'vite vanilla-ts': {
    page: 'start/vite.md',
    section: 'In a TypeScript project',
    answers: '--no-interactive',
    output: 'dist',
    site: 'dist',
  },
  'vite vue-ts': {
    page: 'frameworks.md',
    section: 'Vue',
    answers: '--no-interactive',
    output: 'dist',
    site: 'dist',
  },
  'vite react-ts': {
    page: 'frameworks.md',
    section: 'React',
    answers: '--no-interactive',
    output: 'dist',
    site: 'dist',
  },
  'vite svelte-ts': {
    page: 'frameworks.md',
    section: 'Svelte',
    answers: '--no-interactive',
    output: 'dist',
    site: 'dist',
  },
  sveltekit: {
    page: 'frameworks.md',
    section: 'SvelteKit',
    answers: '--no-install',
    output: '.svelte-kit/output',
    site: port => `npx vite preview --port ${port}`,
  },
  nuxt: {
    page: 'frameworks.md',
    section: 'Nuxt',
    answers: '--no-install --packageManager npm --gitInit=false',
    output: '.output',
    site: port => `PORT=${port} node .output/server/index.mjs`,
  },
  astro: {
    page: 'frameworks.md',
    section: 'Astro',
    answers: '--no-install --no-git --yes --skip-houston',
    output: 'dist',
    site: 'dist',
  },
  vitepress: {
    page: 'frameworks.md',
    section: 'VitePress',
    output: 'docs/.vitepress/dist',
    site: 'docs/.vitepress/dist',
  },
  'next by Turbopack': {
    page: 'frameworks.md',
    section: 'Next.js',
    answers: '--skip-install --disable-git',
    output: '.next',
    site: port => `npx next start -p ${port}`,
  },
  'next by webpack': {
    page: 'frameworks.md',
    section: 'Next.js',
    answers: '--skip-install --disable-git --no-tailwind',
    instead: ['npm run build', 'npx next build --webpack'],
    output: '.next',
    site: port => `npx next start -p ${port}`,
  },
  'react-router': {
    page: 'frameworks.md',
    section: 'React Router',
    answers: '--yes --no-install --no-git-init',
    output: 'build',
    site: port => `PORT=${port} npm start`,
  },
  docusaurus: {
    page: 'frameworks.md',
    section: 'Docusaurus',
    answers: '--skip-install',
    output: 'build',
    site: 'build',
  },
  angular: {
    page: 'frameworks.md',
    section: 'Angular',
    answers: '--skip-git --skip-install --ai-config=none',
    output: 'dist',
    site: 'dist/my-site/browser',
  },
  'storybook by webpack': { page: 'more-hosts.md', section: 'Storybook by webpack', output: 'dist' },
  wxt: { page: 'more-hosts.md', section: 'WXT', output: '.output' },
  rsbuild: { page: 'frameworks.md', section: 'Rsbuild', output: 'dist', site: 'dist' },
  'empty folder, vite': { page: 'start/vite.md', output: 'dist', site: 'dist' },
  'empty folder, webpack': { page: 'start/webpack.md', output: 'dist', site: 'dist' },
  'empty folder, rspack': { page: 'start/rspack.md', output: 'dist', site: 'dist' },
  'empty folder, rsbuild': { page: 'start/rsbuild.md', output: 'dist', site: 'dist' },
  'empty folder, rollup': { page: 'start/rollup.md', output: 'dist', site: '.' },
  'empty folder, rolldown': { page: 'start/rolldown.md', output: 'dist', site: '.' },
  'empty folder, esbuild': { page: 'start/esbuild.md', output: 'dist', site: '.' },
  'empty folder, farm': { page: 'start/farm.md', output: 'dist', site: 'dist' },
  'empty folder, bun': { page: 'start/bun.md', output: 'dist', site: 'dist' },
  'empty folder, plain HTML': { page: 'start/plain-html.md', output: 'dist', site: 'dist' },
}

let tools: string
let packed: readonly Packed[]
let node: string | undefined
let browser: Browser | undefined

beforeAll(async () => {
  tools = await mkdtemp(join(tmpdir(), 'upscale-packed-'))
  packed = await packAll(tools)
  // Some generators and frameworks want more than the oldest Node that the packages run on.
  if (Number(process.versions.node.split('.')[0]) < 22) {
    execFileSync('npm', ['install', '--prefix', tools, '--no-audit', '--no-fund', 'node@24'])
    node = join(tools, 'node_modules/node/bin')
  }
  if (findChromium() !== undefined) browser = await launchChromium()
})
afterAll(async () => {
  await browser?.close()
  await rm(tools, { recursive: true, force: true })
})

describe.each(Object.entries(ROWS))('%s', (name, row) => {
  let scaffold: Scaffold | undefined

  test('builds at the first try, with all tagged pictures in twice as many pixels', async () => {
    const { templates, screenshots } = {
      templates: process.env.TEMPLATES,
      screenshots: process.env.SCREENSHOTS,
    }
    const whole = await readPage(row.page)
    const page = row.section === undefined ? withoutSections(whole) : sectionOf(whole, row.section)
    const template = templates === undefined ? undefined : join(templates, name)
    try {
      scaffold = await follow(replaced(page, row.instead), {
        answers: row.answers,
        template: template !== undefined && existsSync(template) ? template : undefined,
        node,
        packed,
      })
      const { root, tagged } = scaffold
      expect(tagged.length).toBeGreaterThan(0)

      const files = (await filesIn(root)).filter(file => file.startsWith(`${row.output}/`))
      const pictures = files.filter(file => /\.(?:png|jpe?g|webp|avif)$/.test(file))
      const widths = await Promise.all(pictures.map(file => widthOf(join(root, file))))
      for (const picture of tagged) expect(widths, picture).toContain(2 * (await widthOf(picture)))
      // Manifests, Nuxt's is precomputed.mjs, list what was written in the sources.
      const texts = files.filter(file =>
        /(?<!manifest|precomputed)\.(?:html|js|mjs|css|json|rsc)$/.test(file),
      )
      for (const file of texts) {
        // Rolldown writes the name of a module above its code.
        const text = (await readFile(join(root, file), 'utf8')).replace(/^\/\/ \S+$/gm, '')
        // Bun keeps the query behind the name of the finished file, which is served all the same.
        expect(text, file).not.toMatch(/(?<!-2x-\w{8})\.(?:png|jpe?g)\?(?:amp;)?upscale=/)
      }
      const screenshot = screenshots === undefined ? undefined : join(screenshots, `${name}.png`)
      await see(row, scaffold, screenshot)
    } finally {
      if (process.env.KEEP === undefined) await scaffold?.remove()
      else process.stderr.write(`${name} stays in ${scaffold?.root}\n`)
    }
  })
})

/** A page from an empty folder, without its sections that start from a generator. */
function withoutSections(page: Page): Page {
  const parts = page.text.split(/^(?=## )/m).filter(part => !/^```sh generate$/m.test(part))
  return pageOf(page.name, parts.join(''))
}

function replaced({ name, text }: Page, [told, done]: readonly [string, string] = ['', '']): Page {
  if (!text.includes(told)) throw new Error(`${name} does not tell ${told}`)
  return pageOf(
    name,
    text.replace(told, () => done),
  )
}

/** The finished site in a browser: no error, no dead picture, and all tagged ones in twice as many pixels. */
async function see(
  { site }: Row,
  { root, tagged, start }: Scaffold,
  screenshot: string | undefined,
): Promise<void> {
  if (site === undefined || browser === undefined) return
  const port = await freePort()
  const served = typeof site === 'string' ? await serve(join(root, site), '/') : undefined
  const stop = typeof site === 'string' ? undefined : start(site(port))
  const url = served?.url ?? `http://localhost:${port}/`
  try {
    const isThere = (): Promise<boolean> =>
      fetch(url)
        .then(({ ok }) => ok)
        .catch(() => false)
    await expect.poll(isThere, { timeout: 30_000, interval: 200 }).toBe(true)
    const { errors, widths } = await openTab(browser, url, screenshot)
    // Fonts of templates come from elsewhere.
    expect(errors.filter(error => !/^Failed to load resource.* https:/.test(error))).toEqual([])
    expect(widths).not.toContain(0)
    for (const picture of tagged) expect(widths, picture).toContain(2 * (await widthOf(picture)))
  } finally {
    stop?.()
    await served?.close()
  }
}
