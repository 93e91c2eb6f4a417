import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { HOST_RULES, scratchFolder } from './host-cache-folder.ts'

const CF = { CI: 'true', CF_PAGES: '1' }
const WORKERS = { CI: 'true', WORKERS_CI: '1' }
const NETLIFY = { CI: 'true', NETLIFY: 'true', NETLIFY_BUILD_BASE: '/opt/build' }

// What each host keeps, as its documentation says; see the rules themselves for where.
test.each<[string, Record<string, string>, string | undefined, string]>([
  ['a machine of no host', {}, undefined, 'node_modules/.cache/upscale'],
  ['Cloudflare Pages with Astro', CF, 'astro', 'node_modules/.astro/upscale'],
  ['Cloudflare Pages with Docusaurus', CF, '@docusaurus/core', 'node_modules/.cache/upscale'],
  ['Cloudflare Pages with Eleventy', CF, '@11ty/eleventy', '.cache/upscale'],
  ['Cloudflare Pages with Gatsby', CF, 'gatsby', '.cache/upscale'],
  ['Cloudflare Pages with Next.js', CF, 'next', '.next/cache/upscale'],
  ['Cloudflare Pages with Nuxt', CF, 'nuxt', 'node_modules/.cache/nuxt/upscale'],
  ['Cloudflare Workers Builds with Astro', WORKERS, 'astro', 'node_modules/.astro/upscale'],
  ['Vercel', { CI: '1', VERCEL: '1' }, 'next', 'node_modules/.cache/upscale'],
  ['Netlify', NETLIFY, 'astro', '/opt/build/cache/upscale'],
  ['a variable of its own', { ...CF, UPSCALE_SCRATCH_DIR: 'kept/here' }, 'astro', 'kept/here'],
  ['an absolute one', { UPSCALE_SCRATCH_DIR: '/kept' }, undefined, '/kept'],
  ['a cache home that is relative', { XDG_CACHE_HOME: 'cache' }, undefined, 'node_modules/.cache/upscale'],
])('%s', (_, env, framework, expected) => {
  const root = project(framework)
  const { folder, advice } = scratchFolder(root, env)
  expect(folder).toBe(resolve(root, expected))
  expect(advice).toBeUndefined()
})

test.each<[string, Record<string, string>, string, RegExp]>([
  ['Cloudflare without a framework it knows', CF, 'node_modules/.cache/upscale', /UPSCALE_REMOTE_CACHE/],
  [
    'Netlify without its own variable',
    { NETLIFY: 'true' },
    'node_modules/.cache/upscale',
    /UPSCALE_SCRATCH_DIR/,
  ],
  [
    'GitHub Actions',
    { GITHUB_ACTIONS: 'true' },
    'node_modules/.cache/upscale',
    /^- \{ uses: actions\/cache@v5, with: \{ path: node_modules\/\.cache\/upscale, key: "upscale-\$\{\{ github\.sha \}\}", restore-keys: upscale- \} \}$/m,
  ],
  [
    'GitLab',
    { GITLAB_CI: 'true' },
    '.cache/upscale',
    /^cache: \{ key: upscale, paths: \[\.cache\/upscale\] \}$/m,
  ],
])('%s keeps nothing by itself, and a line says what to do', (_, env, folder, advice) => {
  const root = project('vite')
  expect(scratchFolder(root, env)).toEqual({
    folder: join(root, folder),
    advice: expect.stringMatching(advice),
  })
})

test.each([
  ['GITHUB_ACTIONS', 'GITHUB_WORKSPACE', 'path: sites/one/node_modules/.cache/upscale,'],
  ['GITLAB_CI', 'CI_PROJECT_DIR', 'paths: [sites/one/.cache/upscale]'],
])('with %s, a project below the checkout is named from there', (host, checkout, expected) => {
  const folder = mkdtempSync(join(tmpdir(), 'upscale-checkout-'))
  const root = join(folder, 'sites/one')
  expect(scratchFolder(root, { [host]: 'true', [checkout]: folder }).advice).toContain(expected)
  const elsewhere = { [host]: 'true', [checkout]: project(undefined) }
  expect(scratchFolder(root, elsewhere).advice).toContain(expected.replace('sites/one/', ''))
})

test('below a cache home every project has a folder of its own, the same in every build', () => {
  const env = { XDG_CACHE_HOME: '/cache', GITHUB_ACTIONS: 'true' }
  const [one, other] = [project(undefined), project(undefined)]
  expect(scratchFolder(one, env)).toEqual(scratchFolder(one, env))
  expect(scratchFolder(one, env).folder).toMatch(/^[\\/]cache[\\/]upscale[\\/][^\\/]+-[0-9a-f]{8}$/)
  expect(scratchFolder(one, env).folder).not.toBe(scratchFolder(other, env).folder)
  expect(scratchFolder(one, env).advice).toBeUndefined()
})

test('a package.json that is none names no framework', () => {
  const root = project(undefined)
  for (const text of ['', '[]', '{"dependencies":5}', '{"dependencies":null']) {
    writeFileSync(join(root, 'package.json'), text)
    expect(scratchFolder(root, CF).folder).toBe(join(root, 'node_modules/.cache/upscale'))
  }
})

test('every host is recognised by variables of its own', () => {
  const names = HOST_RULES.flatMap(({ variables }) => variables)
  expect(new Set(names).size).toBe(names.length)
})

function project(framework: string | undefined): string {
  const root = mkdtempSync(join(tmpdir(), 'upscale-kept-'))
  const devDependencies = framework === undefined ? {} : { [framework]: '1.0.0' }
  writeFileSync(join(root, 'package.json'), JSON.stringify({ devDependencies }))
  return root
}
