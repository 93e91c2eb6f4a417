import type { RsbuildPlugin } from '@rsbuild/core'
import { rsbuildPlugin } from './hosts/rsbuild.ts'
import type { UpscaleOptions } from './options.ts'

/** The plugin for Rsbuild 2. @example plugins: [upscale()] */
export default function upscale(options: UpscaleOptions = {}): RsbuildPlugin {
  return rsbuildPlugin(options)
}
