import { defineConfig } from 'tsdown'
import { base } from '../../tsdown.base.ts'

export default defineConfig({
  ...base,
  entry: ['src/main.ts', 'src/index.ts'],
  dts: { entry: ['src/index.ts'] },
})
