import type { Plugin } from 'rolldown'
import { type Entry, entryOf } from './entry.ts'
import { rollupPlugin } from './hosts/rollup.ts'
import type { UpscaleOptions } from './options.ts'

/** The plugin for Rolldown 1. @example plugins: [upscale()] */
function upscale(options: UpscaleOptions = {}): Plugin {
  // The hooks in use are the same; only their types are declared twice.
  return rollupPlugin(options) as unknown as Plugin
}

const entry: Entry<typeof upscale> = entryOf(upscale)

export { entry as default, entry as 'module.exports' }
