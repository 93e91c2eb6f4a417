import type { RsbuildPlugin } from '@rsbuild/core'
import type { UpscaleOptions } from './options.ts'
import upscaleRspack from './rspack.ts'

/** The plugin for Rsbuild 2. @example plugins: [upscale()] */
export default function upscale(options: UpscaleOptions = {}): RsbuildPlugin {
  return {
    name: 'upscale',
    setup: api => api.modifyRspackConfig(config => void config.plugins.push(upscaleRspack(options))),
  }
}
