import type { RspackPluginInstance } from '@rspack/core'
import { installInRspack } from './hosts/rspack.ts'
import type { UpscaleOptions } from './options.ts'

/** The plugin for Rspack 2. @example plugins: [upscale()] */
export default function upscale(options: UpscaleOptions = {}): RspackPluginInstance {
  return { apply: compiler => installInRspack(compiler, options) }
}
