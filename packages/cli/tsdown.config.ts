import { defineConfig } from 'tsdown'

export default defineConfig({
  entry: ['src/main.ts', 'src/index.ts'],
  dts: { entry: ['src/index.ts'] },
  // What types say is in the declarations; here it would be read at each start.
  outputOptions: { comments: { jsdoc: false } },
  platform: 'node',
  target: 'node20.19',
  publint: 'ci-only',
  attw: { enabled: 'ci-only', profile: 'esm-only' },
})
