import { defineConfig } from 'tsdown'
import { base } from '../../tsdown.base.ts'

export default defineConfig({
  ...base,
  // The worker is the threads' script: a file of its own beside index.mjs, where pool.ts looks for it.
  entry: ['src/index.ts', 'src/worker.mjs'],
  dts: { entry: 'src/index.ts' },
})
