import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
export default defineConfig({ root: '/work/main', resolve: { alias: { 'upscale-core': '/work/main/packages/core/src/index.ts' } }, test: { testTimeout: 180000, include: ['test/**/*.test.ts','packages/core/src/**/*.test.ts'] } })
