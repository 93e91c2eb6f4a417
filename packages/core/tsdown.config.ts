import { defineConfig } from 'tsdown'

export default defineConfig({
  entry: ['src/index.ts', 'src/internal.ts'],
  dts: true,
  platform: 'node',
  target: 'node20.19',
  publint: 'ci-only',
  attw: { enabled: 'ci-only', profile: 'esm-only' },
})
