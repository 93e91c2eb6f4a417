import type { Plugin } from 'vite'
import { type Entry, entryOf } from './entry.ts'
import type { UpscaleOptions } from './options.ts'
import { vitePlugins } from './vite/plugins.ts'

/** The plugin for Vite. @example plugins: [upscale()] */
function upscale(options: UpscaleOptions = {}): Plugin[] {
  return vitePlugins(options)
}

const entry: Entry<typeof upscale> = entryOf(upscale)

export { entry as default, entry as 'module.exports' }
