import { defineConfig } from 'tsdown'

export default defineConfig({
  entry: ['index', 'elements', 'scan', 'script', 'site', 'sources'].map(part => `src/${part}.ts`),
  dts: true,
  platform: 'node',
  target: 'node20.19',
  publint: 'ci-only',
  attw: { enabled: 'ci-only', profile: 'esm-only' },
})
