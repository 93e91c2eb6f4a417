export type { UpscaleRule } from 'upscale-toolkit/rules'
export { type CommandOptions, defineConfig } from './config.ts'
