import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { basename, isAbsolute, join, resolve } from 'node:path'
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
  /** Said where it keeps none. */
  readonly advice: string
}

/** The usual place, which package managers leave alone. */
const USUAL = 'node_modules/.cache'

/**
 * What Cloudflare keeps, by the framework in package.json: developers.cloudflare.com, "Build caching" of Pages and of
 * Workers, 27 May 2026. Nothing else of a project is kept there.
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
    advice:
      'Cloudflare keeps nothing of this project between builds; a remote cache would (UPSCALE_REMOTE_CACHE, docs: remote-cache)',
  },
  {
    // @vercel/static-build and @vercel/next: `node_modules/**` is part of what is stored after a build.
    name: 'Vercel',
    variables: ['VERCEL'],
    kept: () => USUAL,
    advice: '',
  },
  {
    // A folder beside the repository that every build finds again (@netlify/cache-utils writes there too). Whether
    // `node_modules` is stored before or after the build depends on the package manager.
    name: 'Netlify',
    variables: ['NETLIFY'],
    kept: (_, { NETLIFY_BUILD_BASE: base }) => (base ? join(base, 'cache') : undefined),
    advice: 'set UPSCALE_SCRATCH_DIR to a folder that Netlify keeps, or a remote cache (docs: remote-cache)',
  },
  {
    name: 'GitHub Actions',
    variables: ['GITHUB_ACTIONS'],
    kept: () => undefined,
    advice:
      'to keep them for the next run, add a step actions/cache with path: node_modules/.cache/upscale (docs: ci)',
  },
  {
    name: 'GitLab',
    variables: ['GITLAB_CI'],
    kept: () => undefined,
    advice:
      'to keep them for the next job, add cache: { paths: [node_modules/.cache/upscale] } to it (docs: ci)',
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
  return { folder: join(root, USUAL, 'upscale'), advice: host?.advice }
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
