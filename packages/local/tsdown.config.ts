import { defineConfig } from 'tsdown'

export default defineConfig({
  // The worker is the threads' script: a file of its own beside index.mjs, where pool.ts looks for it.
  entry: ['src/index.ts', 'src/worker.mjs'],
  dts: { entry: 'src/index.ts' },
  // What types say is in the declarations; here it would be read at each start.
  outputOptions: { comments: { jsdoc: false } },
  platform: 'node',
  target: 'node20.19',
  publint: 'ci-only',
  attw: { enabled: 'ci-only', profile: 'esm-only' },
})
