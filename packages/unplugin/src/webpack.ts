import type { WebpackPluginInstance } from 'webpack'
import { type UpscaleOptions, unplugin } from './index.ts'

/** The plugin for webpack 5. @example plugins: [upscale()] */
const upscale: (options?: UpscaleOptions) => WebpackPluginInstance = unplugin.webpack

export default upscale
