import { fileURLToPath } from 'node:url'
import { configDefaults, defineConfig } from 'vitest/config'

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** Tests of the cache that take seconds: they storm, kill and starve processes. */
const slow = ['packages/core/src/cache/**/*-faults.test.ts', 'packages/core/src/cache/*-processes.test.ts']

/** Where the tests run must not decide where caches lie; those of the hosts' rules say which host it is. */
const env = {
  CF_PAGES: '',
  WORKERS_CI: '',
  VERCEL: '',
  NETLIFY: '',
  GITHUB_ACTIONS: '',
  GITLAB_CI: '',
  XDG_CACHE_HOME: '',
  UPSCALE_SCRATCH_DIR: '',
}

/** Unit tests see the sources of all packages. */
const alias = [
  ...['core', 'local'].map(name => ({
    find: new RegExp(`^upscale-${name}$`),
    replacement: source(`packages/${name}/src/index.ts`),
  })),
  { find: /^upscale-core\/internal$/, replacement: source('packages/core/src/internal.ts') },
  { find: 'upscale-core/internal/upkeep', replacement: source('packages/core/src/upkeep.ts') },
  { find: /^upscale-toolkit\/(\w+)$/, replacement: source('packages/toolkit/src/$1/index.ts') },
  {
    find: /^upscale-toolkit\/references\/(\w+)$/,
    replacement: source('packages/toolkit/src/references/$1.ts'),
  },
]

export default defineConfig({
  test: {
    projects: [
      {
        resolve: { alias },
        test: {
          name: 'unit',
          env,
          include: ['packages/*/src/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...slow],
          testTimeout: 60_000,
          // Folders of thousands of files are removed in hooks, which takes Wine more than the usual ten seconds.
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'boundary',
          env,
          // What a user gets is what is tested: the built packages, loaded by Node itself.
          server: { deps: { external: [/\/packages\/[^/]+\/dist\//] } },
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, 'test/faults/**', 'test/scaffolds/**'],
          globalSetup: 'test/support/global-setup.ts',
          testTimeout: 180_000,
          hookTimeout: 180_000,
          // What is waited for ends the wait; this is for machines that do other work as well.
          expect: { poll: { timeout: 15_000 } },
          // Browsers, watchers and dev servers of others take part: what fails once is tried once more, and the log says so.
          retry: 1,
        },
      },
      {
        test: {
          name: 'scaffolds',
          env,
          include: ['test/scaffolds/**/*.test.ts'],
          globalSetup: 'test/support/global-setup.ts',
          testTimeout: 600_000,
          hookTimeout: 300_000,
        },
      },
      {
        resolve: { alias },
        test: {
          name: 'faults',
          env,
          include: ['test/faults/**/*.test.ts', ...slow],
          globalSetup: 'test/faults/setup.ts',
          testTimeout: 300_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
})
