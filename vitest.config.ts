import { fileURLToPath } from 'node:url'
import { configDefaults, defineConfig } from 'vitest/config'

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** Tests of the cache that take seconds: they storm, kill and starve processes. */
const slow = ['packages/core/src/cache/*-faults.test.ts', 'packages/core/src/cache/*-processes.test.ts']

export default defineConfig({
  // Unit tests see the sources; the tests in test/ start bundlers, which load the built packages.
  resolve: {
    alias: {
      'upscale-core': source('packages/core/src/index.ts'),
      'upscale-local': source('packages/local/src/index.ts'),
    },
  },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...slow],
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'boundary',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, 'test/faults/**'],
          globalSetup: 'test/support/global-setup.ts',
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'faults',
          include: ['test/faults/**/*.test.ts', ...slow],
          globalSetup: 'test/faults/setup.ts',
          testTimeout: 300_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
})
