import type { RsbuildPlugin } from '@rsbuild/core'
import type { Compiler } from '@rspack/core'
import type { HostLogger } from '../host-logger.ts'
import type { UpscaleOptions } from '../options.ts'
import { installInRspack } from '../webpack/rspack.ts'

/** The plugin of Rsbuild 2: Rspack's, which tells what it has to tell by Rsbuild's logger, since Rspack's is turned down. */
export function rsbuildPlugin(options: UpscaleOptions): RsbuildPlugin {
  return {
    name: 'upscale',
    setup({ logger, modifyRspackConfig }) {
      const said: HostLogger = {
        info: text => logger.info(`[upscale] ${text}`),
        warn: text => logger.warn(`[upscale] ${text}`),
        get isTalkative() {
          return !['silent', 'error', 'warn'].includes(logger.level)
        },
      }
      modifyRspackConfig(({ plugins }) => {
        plugins.push({ apply: (compiler: Compiler) => installInRspack(compiler, options, said) })
      })
    },
  }
}
