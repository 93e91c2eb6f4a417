import type { WebpackPluginInstance } from 'webpack'
import { installInWebpack } from './hosts/webpack.ts'
import type { UpscaleOptions } from './options.ts'

/** The plugin for webpack 5. @example plugins: [upscale()] */
export default function upscale(options: UpscaleOptions = {}): WebpackPluginInstance {
  return { apply: compiler => installInWebpack(compiler, options) }
}
