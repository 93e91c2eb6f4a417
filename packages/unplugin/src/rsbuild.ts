import type { RsbuildPlugin } from '@rsbuild/core'
import { type Entry, entryOf } from './entry.ts'
import { rsbuildPlugin } from './hosts/rsbuild.ts'
import type { UpscaleOptions } from './options.ts'

/** The plugin for Rsbuild 2. @example plugins: [upscale()] */
function upscale(options: UpscaleOptions = {}): RsbuildPlugin {
  return rsbuildPlugin(options)
}

const entry: Entry<typeof upscale> = entryOf(upscale)

export { entry as default, entry as 'module.exports' }
