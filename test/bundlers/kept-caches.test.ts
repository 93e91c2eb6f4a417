import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Report } from 'unplugin-upscale'
import { afterEach, expect, test, vi } from 'vitest'
import { buildVite, UPSCALE } from '../support/hosts.ts'
import { paint } from '../support/pictures.ts'
import { type Site, writeSite } from '../support/site.ts'

/*
 * A host builds in an empty machine, with the repository and with what it kept of the build before. Only what its own
 * rules keep is carried over here, and the second build makes nothing.
 */

interface Host {
  readonly env: Readonly<Record<string, string>>
  readonly framework?: string
  /** Kept by the host itself, relative to the project. */
  readonly kept?: string
  /** What a line of the first build asks for, where the host keeps nothing; it is kept after that. */
  readonly asked?: string
  /** True where packages are installed by `npm ci` after that was brought back, which empties `node_modules`. */
  readonly cleansAfter?: boolean
}

const CI = { CI: 'true' }

const HOSTS: Readonly<Record<string, Host>> = {
  'Cloudflare Pages, Astro': {
    env: { ...CI, CF_PAGES: '1' },
    framework: 'astro',
    kept: 'node_modules/.astro',
  },
  'Cloudflare Pages, Nuxt': {
    env: { ...CI, CF_PAGES: '1' },
    framework: 'nuxt',
    kept: 'node_modules/.cache/nuxt',
  },
  'Cloudflare Pages, Next.js': { env: { ...CI, CF_PAGES: '1' }, framework: 'next', kept: '.next/cache' },
  'Cloudflare Pages, Eleventy': {
    env: { ...CI, CF_PAGES: '1' },
    framework: '@11ty/eleventy',
    kept: '.cache',
  },
  Vercel: { env: { ...CI, VERCEL: '1' }, kept: 'node_modules' },
  Netlify: { env: { ...CI, NETLIFY: 'true', NETLIFY_BUILD_BASE: 'BESIDE' } },
  'GitHub Actions': { env: { ...CI, GITHUB_ACTIONS: 'true' }, asked: 'node_modules/.cache/upscale' },
  GitLab: { env: { ...CI, GITLAB_CI: 'true' }, asked: '.cache/upscale', cleansAfter: true },
  'Docker, with a cache mount': { env: { XDG_CACHE_HOME: 'BESIDE' } },
  'a folder that the user names': { env: { UPSCALE_SCRATCH_DIR: 'kept' }, kept: 'kept' },
}

let site: Site | undefined

afterEach(async () => {
  vi.unstubAllEnvs()
  await site?.remove()
})

test.each(Object.entries(HOSTS))('%s: the second build makes no picture', async (_, host) => {
  // Outside of the repository, and there in every build: a mounted folder, or one of the host's own.
  const beside = await mkdtemp(join(tmpdir(), 'upscale-beside-'))
  for (const name of ['CI', ...Object.keys(host.env)])
    vi.stubEnv(name, host.env[name]?.replace('BESIDE', beside))
  const machine = await mkdtemp(join(tmpdir(), 'upscale-host-'))
  const root = join(machine, 'repo')

  const first = await buildOn(root, host)
  expect(originsOf(first)).toEqual(['engine', 'engine'])
  const advised = first.lines.filter(line => host.asked !== undefined && line.includes(host.asked))
  expect(advised).toHaveLength(host.asked === undefined ? 0 : 1)

  const carried = join(machine, 'carried')
  const kept = host.kept ?? host.asked
  if (kept !== undefined) await move(join(root, kept), carried)
  await rm(root, { recursive: true })
  if (kept !== undefined) await move(carried, join(root, kept))
  if (host.cleansAfter) await rm(join(root, 'node_modules'), { recursive: true, force: true })

  const second = await buildOn(root, host)
  expect(originsOf(second)).toEqual(['cache', 'cache'])
  expect(second.lines.join('\n')).not.toContain('to keep them')
  await Promise.all([beside, machine].map(folder => rm(folder, { recursive: true })))
})

interface Build {
  readonly report: Report
  readonly lines: readonly string[]
}

/** Checks out the repository and builds it. */
async function buildOn(root: string, { framework }: Host): Promise<Build> {
  const devDependencies = framework === undefined ? {} : { [framework]: '1.0.0' }
  site = await writeSite({
    'package.json': JSON.stringify({ type: 'module', devDependencies }),
    'index.html': '<img src="./src/a.png?upscale=2"><img src="./src/a.png?upscale=1.5">',
    'src/empty.js': '',
  })
  await paint(site.root, 'src/a.png')
  await mkdir(root, { recursive: true })
  await cp(site.root, root, { recursive: true })
  await site.remove()
  const lines: string[] = []
  let report: Report | undefined
  const note = (text: string): void => void lines.push(...text.split('\n'))
  const customLogger = {
    info: note,
    warn: note,
    warnOnce: note,
    error: note,
    clearScreen() {},
    hasErrorLogged: () => false,
    hasWarned: false,
  }
  const onReport = (told: Report): void => {
    report = told
  }
  await buildVite(
    { root, remove: async () => {} },
    join(root, 'dist'),
    { ...UPSCALE, onReport },
    { customLogger },
  )
  return { report: report ?? expect.fail('no report'), lines }
}

function originsOf({ report }: Build): string[] {
  return report.images.map(({ origin }) => origin)
}

async function move(from: string, to: string): Promise<void> {
  if (!existsSync(from)) throw new Error(`${from} is what the host keeps, and is not there`)
  await mkdir(dirname(to), { recursive: true })
  await cp(from, to, { recursive: true })
}
