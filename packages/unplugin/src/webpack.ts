import type { Compiler } from 'webpack'
import { type Entry, entryOf } from './entry.ts'
import type { UpscaleOptions } from './options.ts'
import type { CompilerPlugin } from './webpack/compiler-plugin.ts'
import { installInWebpack } from './webpack/webpack.ts'

/** The plugin for webpack 5. @example plugins: [upscale()] */
function upscale(options: UpscaleOptions = {}): CompilerPlugin {
  return {
    apply(compiler) {
      if ('rspack' in compiler)
        throw new Error(
          'this is Rspack, and the plugin is that of webpack: import it from "unplugin-upscale/rspack"',
        )
      installInWebpack(compiler as Compiler, options)
    },
  }
}

const entry: Entry<typeof upscale> = entryOf(upscale)

export { entry as default, entry as 'module.exports' }
