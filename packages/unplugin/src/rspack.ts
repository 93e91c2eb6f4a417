import type { RspackPluginInstance } from '@rspack/core'
import type { UpscaleOptions } from './options.ts'
import { installInRspack } from './webpack/rspack.ts'

/** The plugin for Rspack 2. @example plugins: [upscale()] */
export default function upscale(options: UpscaleOptions = {}): RspackPluginInstance {
  return { apply: compiler => installInRspack(compiler, options) }
}
