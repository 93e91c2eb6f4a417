import type { Plugin } from 'esbuild'
import { type Entry, entryOf } from './entry.ts'
import { esbuildPlugin } from './hosts/esbuild.ts'
import type { UpscaleOptions } from './options.ts'

/** The plugin for esbuild. @example plugins: [upscale()] */
function upscale(options: UpscaleOptions = {}): Plugin {
  return esbuildPlugin(options)
}

const entry: Entry<typeof upscale> = entryOf(upscale)

export { entry as default, entry as 'module.exports' }
