import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Browser } from 'playwright-core'
import { launchChromium } from './chromium.ts'
import { serve } from './serve.ts'

/** A copy of an example, with what is installed for it and a cache of its own. */
export interface Example {
  readonly root: string
  /** `npm run build`, as the README says. @throws with what it printed, when it fails */
  build(env?: Readonly<Record<string, string>>): Promise<string>
  remove(): Promise<void>
}

export async function copyExample(name: string): Promise<Example> {
  const source = fileURLToPath(new URL(`../../examples/${name}`, import.meta.url))
  const root = await mkdtemp(join(tmpdir(), `upscale-example-${name}-`))
  const made = new Set(['node_modules', 'dist', '_site', '.upscale'])
  for (const entry of await readdir(source)) {
    if (!made.has(entry)) await cp(join(source, entry), join(root, entry), { recursive: true })
  }
  await mkdir(join(root, 'node_modules'))
  for (const entry of await readdir(join(source, 'node_modules'))) {
    if (entry !== '.cache')
      await symlink(join(source, 'node_modules', entry), join(root, 'node_modules', entry))
  }
  return {
    root,
    build: (env = {}) => runIn(root, 'npm', ['run', 'build'], env),
    remove: () => rm(root, { recursive: true, force: true }),
  }
}

/** Runs a program without anything of the tests' own environment. Resolves with stdout. */
export async function runIn(
  cwd: string,
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { PATH = '', HOME = '' } = process.env
  try {
    return (await promisify(execFile)(program, args, { cwd, env: { PATH, HOME, ...env } })).stdout
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`${program} ${args.join(' ')} failed\n${stdout}\n${stderr}`, { cause: error })
  }
}

/** What a page on a dense screen shows. */
export interface SeenSite {
  /** By their ids, or their `alt` where they have none: the size of the chosen file in pixels, and its address. */
  readonly images: Readonly<Record<string, string>>
  /** The same for elements whose class is `stone`, and the body: their background. */
  readonly backgrounds: readonly string[]
  /** Addresses that were not there, or were refused. */
  readonly failures: readonly string[]
}

const LOOK = `(async () => {
  const measure = async address => {
    const probe = new Image()
    probe.src = address
    await probe.decode().catch(() => undefined)
    return probe.naturalWidth + 'x' + probe.naturalHeight + ' ' + new URL(address).pathname
  }
  const images = {}
  for (const image of document.images) {
    image.loading = 'eager'
    await image.decode().catch(() => undefined)
    images[image.id || image.alt] = await measure(image.currentSrc)
  }
  const urls = [...document.querySelectorAll('body, .stone')]
    .map(element => /url\\("([^"]*)"\\)/.exec(getComputedStyle(element).backgroundImage)?.[1])
    .filter(url => url !== undefined)
  return { images, backgrounds: await Promise.all(urls.map(measure)) }
})()`

/** Opens pages of a built site. Digests and fingerprints in addresses are shown as #. */
export async function openSite(
  folder: string,
  base: string,
  paths: readonly string[],
): Promise<readonly SeenSite[]> {
  const server = await serve(folder, base)
  const browser: Browser = await launchChromium()
  try {
    const context = await browser.newContext({ deviceScaleFactor: 2 })
    const seen: SeenSite[] = []
    for (const path of paths) {
      const failures: string[] = []
      const page = await context.newPage()
      page.on('response', response => {
        if (response.status() >= 400) failures.push(response.url())
      })
      page.on('console', message => {
        if (message.type() === 'error') failures.push(message.text())
      })
      await page.goto(`${server.url}${path}`)
      const shown = await page.evaluate<Omit<SeenSite, 'failures'>>(LOOK)
      const text = JSON.stringify(shown).replace(/[0-9a-f]{64}|(?<=-)[0-9a-f]{10}(?=\.)/g, '#')
      seen.push({ ...JSON.parse(text), failures })
      await page.close()
    }
    return seen
  } finally {
    await browser.close()
    await server.close()
  }
}
