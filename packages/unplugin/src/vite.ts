import type { Plugin } from 'vite'
import type { UpscaleOptions } from './options.ts'
import { vitePlugins } from './vite/plugins.ts'

/** The plugin for Vite. @example plugins: [upscale()] */
export default function upscale(options: UpscaleOptions = {}): Plugin[] {
  return vitePlugins(options)
}
