import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { basename, isAbsolute, join, relative, resolve } from 'node:path'
import { parseJson } from '../engines/http/json.ts'
import { record } from '../validate.ts'

/** Where what can be made again is kept, and what a build should say about it. */
export interface ScratchFolder {
  /** Absolute. */
  readonly folder: string
  /** For a host that keeps nothing of a project by itself: what to do, in a sentence. */
  readonly advice: string | undefined
}

type Env = Readonly<Record<string, string | undefined>>

/** What one host keeps from one build to the next. */
export interface HostRule {
  readonly name: string
  /** Variables of which the host sets one. */
  readonly variables: readonly string[]
  /** The folder that it keeps, relative to the project's or absolute; undefined where it keeps none. */
  kept(dependencies: ReadonlySet<string>, env: Env): string | undefined
  /** Where it keeps none: the folder, relative to the project's, that a setting can have it keep; the usual one by default. */
  readonly asked?: string
  /** Where it keeps none: what to do. Gets that folder as the host's settings name it. */
  advice(folder: string): string
}

/** The usual place, which package managers leave alone. */
const USUAL = 'node_modules/.cache'

/**
 * What Cloudflare keeps, by the framework in package.json: developers.cloudflare.com, "Build caching" of Pages and of
 * Workers, 27 May 2026. Nothing else of a project is kept there. Its logs show that this is brought back before packages
 * are installed; whether a folder in `node_modules` outlives its `npm clean-install` is not written anywhere.
 */
const CLOUDFLARE: ReadonlyMap<string, string> = new Map([
  ['astro', 'node_modules/.astro'],
  ['@docusaurus/core', USUAL],
  ['@11ty/eleventy', '.cache'],
  ['gatsby', '.cache'],
  ['next', '.next/cache'],
  ['nuxt', 'node_modules/.cache/nuxt'],
])

export const HOST_RULES: readonly HostRule[] = [
  {
    name: 'Cloudflare',
    variables: ['CF_PAGES', 'WORKERS_CI'],
    kept: dependencies => [...CLOUDFLARE].find(([framework]) => dependencies.has(framework))?.[1],
    advice: () =>
      'Cloudflare keeps nothing of this project between builds; a remote cache would (UPSCALE_REMOTE_CACHE, docs: remote-cache)',
  },
  {
    // Every `prepareCache` of github.com/vercel/vercel (August 2026) stores `node_modules`, all of a monorepo's too, and
    // packages come by the `install` of each package manager, which leaves `.cache` there.
    name: 'Vercel',
    variables: ['VERCEL'],
    kept: () => USUAL,
    advice: () => '',
  },
  {
    // A folder beside the repository, stored as a whole after each build: `NETLIFY_CACHE_DIR` of
    // github.com/netlify/build-image, `--cacheDir` of github.com/netlify/build. The variable is one of those that Netlify
    // sets in its own builds (`READONLY_ENV` of @netlify/config).
    name: 'Netlify',
    variables: ['NETLIFY'],
    kept: (_, { NETLIFY_BUILD_BASE: base }) => (base ? join(base, 'cache') : undefined),
    advice: () =>
      'set UPSCALE_SCRATCH_DIR to a folder that Netlify keeps, or a remote cache (docs: remote-cache)',
  },
  {
    // actions/cache asks for a key, and never stores under one that exists: so a new key each time, and the newest of
    // the older ones to begin with.
    name: 'GitHub Actions',
    variables: ['GITHUB_ACTIONS'],
    kept: () => undefined,
    advice: folder =>
      `to keep them for the next run, add this step after the one that installs packages (docs: ci):
- { uses: actions/cache@v5, with: { path: ${folder}, key: "upscale-\${{ github.sha }}", restore-keys: upscale- } }`,
  },
  {
    // A job's cache is brought back before its script, whose `npm ci` empties `node_modules`; and it can hold only what
    // lies in the project's folder (docs.gitlab.com, "Caching in GitLab CI/CD").
    name: 'GitLab',
    variables: ['GITLAB_CI'],
    kept: () => undefined,
    asked: '.cache',
    advice: folder =>
      `to keep them for the next pipeline, add this line to the job (docs: ci):
cache: { key: upscale, paths: [${folder}] }`,
  },
]

/**
 * The folder for what can be made again: the one that `UPSCALE_SCRATCH_DIR` names; the one that a recognised host keeps;
 * one of this project's own below `XDG_CACHE_HOME`; else `node_modules/.cache/upscale`.
 */
export function scratchFolder(root: string, env: Env): ScratchFolder {
  const named = env.UPSCALE_SCRATCH_DIR?.trim()
  if (named) return { folder: resolve(root, named), advice: undefined }
  const host = HOST_RULES.find(({ variables }) => variables.some(name => isSet(env[name])))
  const kept = host?.kept(dependenciesOf(root), env)
  if (kept !== undefined) return { folder: resolve(root, kept, 'upscale'), advice: undefined }
  const shared = env.XDG_CACHE_HOME?.trim()
  // The specification says that a relative path there is to be ignored.
  if (shared !== undefined && isAbsolute(shared))
    return { folder: join(shared, 'upscale', nameFor(root)), advice: undefined }
  const folder = join(root, host?.asked ?? USUAL, 'upscale')
  return { folder, advice: host?.advice(fromCheckout(root, folder, env)) }
}

/** A folder of a project as the settings of a host name it: from the folder that it checked out, with slashes. */
function fromCheckout(root: string, folder: string, { GITHUB_WORKSPACE, CI_PROJECT_DIR }: Env): string {
  const checkout = [GITHUB_WORKSPACE, CI_PROJECT_DIR].find(
    path => path !== undefined && isAbsolute(path) && !relative(path, root).startsWith('..'),
  )
  return relative(checkout ?? root, folder).replaceAll('\\', '/')
}

/** Hosts set their variables to `1` or `true`. */
function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== '0' && value !== 'false'
}

/** Projects in one shared folder don't see each other: what one prunes, another may need. */
function nameFor(root: string): string {
  return `${basename(root)}-${hash('sha256', root, 'hex').slice(0, 8)}`
}

/** The packages that a folder's package.json names; none where there is no such file, or it is broken. */
export function dependenciesOf(folder: string): ReadonlySet<string> {
  const text = readText(join(folder, 'package.json'))
  const manifest = text === undefined ? undefined : parseJson(text)
  if (!record.accepts(manifest)) return new Set()
  const lists = [manifest.dependencies, manifest.devDependencies]
  return new Set(lists.flatMap(list => (record.accepts(list) ? Object.keys(list) : [])))
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    // A project without one, or one that can't be read, is no project of a framework we know.
    if (error instanceof Error && 'code' in error) return undefined
    throw error
  }
}
