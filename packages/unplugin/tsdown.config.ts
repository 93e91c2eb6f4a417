import { defineConfig } from 'tsdown'

export default defineConfig({
  entry: {
    ...Object.fromEntries(
      ['index', 'vite', 'webpack', 'rspack', 'rsbuild', 'rollup', 'rolldown', 'esbuild', 'farm', 'next'].map(
        name => [name, `src/${name}.ts`],
      ),
    ),
    'webpack-loader': 'src/webpack/loader.ts',
    'turbopack-loader': 'src/webpack/turbopack-loader.ts',
  },
  dts: true,
  platform: 'node',
  target: 'node20.19',
  publint: 'ci-only',
  attw: { enabled: 'ci-only', profile: 'esm-only' },
})
