import { createUnplugin, type UnpluginInstance } from 'unplugin'
import { vitePlugins } from './hosts/vite.ts'
import { installInWebpack } from './hosts/webpack.ts'
import type { UpscaleOptions } from './options.ts'

export {
  type Engine,
  isUpscaleError,
  type LumenfallOptions,
  lumenfall,
  type Preset,
  type Report,
  type ReportImage,
  resize,
  UpscaleError,
  type UpscalerOptions,
} from 'upscale-core'
export { type LocalOptions, local } from 'upscale-local'
export type { UpscaleOptions } from './options.ts'

/**
 * The plugin for every bundler; `unplugin-upscale/vite` and its siblings hand out one each.
 *
 * unplugin's own hooks are not used: a binary file under a query can't be served through them in the same way
 * everywhere, so each host has the mechanism that was measured to reach all its references.
 */
export const unplugin: UnpluginInstance<UpscaleOptions | undefined, true> = createUnplugin<
  UpscaleOptions | undefined,
  true
>((options = {}, { framework }) => {
  if (framework === 'vite') {
    return vitePlugins(options).map(vite => ({ name: vite.name, enforce: vite.enforce, vite }))
  }
  return [{ name: 'upscale', webpack: compiler => installInWebpack(compiler, options) }]
})
