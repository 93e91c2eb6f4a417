import type { WebpackPluginInstance } from 'webpack'
import type { UpscaleOptions } from './options.ts'
import { installInWebpack } from './webpack/webpack.ts'

/** The plugin for webpack 5. @example plugins: [upscale()] */
export default function upscale(options: UpscaleOptions = {}): WebpackPluginInstance {
  return { apply: compiler => installInWebpack(compiler, options) }
}
