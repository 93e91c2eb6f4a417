import type { Plugin } from 'rollup'
import { rollupPlugin } from './hosts/rollup.ts'
import type { UpscaleOptions } from './options.ts'

/** The plugin for Rollup 4. @example plugins: [upscale()] */
export default function upscale(options: UpscaleOptions = {}): Plugin {
  return rollupPlugin(options)
}
