import type { Plugin } from 'esbuild'
import { esbuildPlugin } from './hosts/esbuild.ts'
import type { UpscaleOptions } from './options.ts'

/** The plugin for esbuild. @example plugins: [upscale()] */
export default function upscale(options: UpscaleOptions = {}): Plugin {
  return esbuildPlugin(options)
}
