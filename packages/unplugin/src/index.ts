import { createUnplugin, type UnpluginInstance } from 'unplugin'
import { vitePlugins } from './hosts/vite.ts'
import { installInWebpack } from './hosts/webpack.ts'
import type { UpscaleOptions } from './options.ts'

export {
  type Engine,
  type FalOptions,
  fal,
  isUpscaleError,
  type LumenfallOptions,
  lumenfall,
  type OpenaiCompatibleOptions,
  openaiCompatible,
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
 * The plugin as unplugin hands it to a bundler, for tools that are built on unplugin. `unplugin-upscale/vite` and its
 * siblings are the same without loading unplugin: its own hooks can't serve a binary file under a query in the same
 * way everywhere, so each host has the mechanism that was measured to reach all its references.
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
