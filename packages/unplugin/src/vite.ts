import type { Plugin } from 'vite'
import { vitePlugins } from './hosts/vite.ts'
import type { UpscaleOptions } from './options.ts'

/** The plugin for Vite. @example plugins: [upscale()] */
export default function upscale(options: UpscaleOptions = {}): Plugin[] {
  return vitePlugins(options)
}
