import { writeFile } from 'node:fs/promises'
import { defineConfig } from 'tsdown'
import { base } from '../../tsdown.base.ts'
import { clientTypes } from './client-types.ts'

export default defineConfig({
  ...base,
  entry: {
    ...Object.fromEntries(
      [
        'index',
        'vite',
        'webpack',
        'rspack',
        'rsbuild',
        'rollup',
        'rolldown',
        'esbuild',
        'farm',
        'next',
        'jest',
        'bun',
      ].map(name => [name, `src/${name}.ts`]),
    ),
    'webpack-loader': 'src/webpack/loader.ts',
    'turbopack-loader': 'src/webpack/turbopack-loader.ts',
  },
  dts: true,
  // What most entries share is one file, since each file takes half a millisecond to load; what webpack and Rspack share with
  // their loaders is another, which no other host reads. Declarations have files of their own.
  outputOptions: {
    ...base.outputOptions,
    codeSplitting: {
      groups: [
        { name: 'shared', test: /\/src\/(?!webpack\/).*(?<!\.d)\.[cm]?ts$/, minShareCount: 3, priority: 1 },
        { name: 'webpack', test: /\/src\/webpack\/.*(?<!\.d)\.[cm]?ts$/, minShareCount: 2 },
      ],
    },
  },
  // Every Node that runs this loads ES modules with require(), so only that much of it is no problem.
  attw: { enabled: 'ci-only', profile: 'strict', level: 'error', ignoreRules: ['cjs-resolves-to-esm'] },
  hooks: {
    async 'build:before'() {
      await Promise.all(
        [...clientTypes()].map(([name, text]) => writeFile(new URL(name, import.meta.url), text)),
      )
    },
  },
})
