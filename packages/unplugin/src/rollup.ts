import type { Plugin } from 'rollup'
import { type Entry, entryOf } from './entry.ts'
import { rollupPlugin } from './hosts/rollup.ts'
import type { UpscaleOptions } from './options.ts'

/** The plugin for Rollup 4. @example plugins: [upscale()] */
function upscale(options: UpscaleOptions = {}): Plugin {
  return rollupPlugin(options)
}

const entry: Entry<typeof upscale> = entryOf(upscale)

export { entry as default, entry as 'module.exports' }
