import { defineConfig } from 'tsdown'

export default defineConfig({
  entry: [
    'src/index.ts',
    ...['vite', 'webpack', 'rspack', 'rsbuild', 'rollup', 'rolldown', 'esbuild', 'farm', 'next'].map(
      host => `src/${host}.ts`,
    ),
    'src/webpack-loader.ts',
    'src/turbopack-loader.ts',
  ],
  dts: true,
  platform: 'node',
  target: 'node20.19',
  publint: 'ci-only',
  attw: { enabled: 'ci-only', profile: 'esm-only' },
})
