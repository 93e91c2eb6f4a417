import type { Compiler } from '@rspack/core'
import { type Entry, entryOf } from './entry.ts'
import type { UpscaleOptions } from './options.ts'
import type { CompilerPlugin } from './webpack/compiler-plugin.ts'
import { installInRspack } from './webpack/rspack.ts'

/** The plugin for Rspack 2 and 1.7. @example plugins: [upscale()] */
function upscale(options: UpscaleOptions = {}): CompilerPlugin {
  return {
    apply(compiler) {
      if (!('rspack' in compiler))
        throw new Error(
          'this is webpack, and the plugin is that of Rspack: import it from "unplugin-upscale/webpack"',
        )
      installInRspack(compiler as Compiler, options)
    },
  }
}

const entry: Entry<typeof upscale> = entryOf(upscale)

export { entry as default, entry as 'module.exports' }
