import type { JsPlugin } from '@farmfe/core'
import { type Entry, entryOf } from './entry.ts'
import { farmPlugin } from './hosts/farm.ts'
import type { UpscaleOptions } from './options.ts'

/** The plugin for Farm 1. @example plugins: [upscale()] */
function upscale(options: UpscaleOptions = {}): JsPlugin {
  return farmPlugin(options)
}

const entry: Entry<typeof upscale> = entryOf(upscale)

export { entry as default, entry as 'module.exports' }
