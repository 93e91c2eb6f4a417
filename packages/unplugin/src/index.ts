import { createUnplugin, type UnpluginInstance } from 'unplugin'
import { bunPlugin } from './hosts/bun.ts'
import { esbuildPlugin } from './hosts/esbuild.ts'
import { farmPlugin } from './hosts/farm.ts'
import { rollupPlugin } from './hosts/rollup.ts'
import type { UpscaleOptions } from './options.ts'
import rolldownPlugin from './rolldown.ts'
import rsbuildPlugin from './rsbuild.ts'
import { vitePlugins } from './vite/plugins.ts'
import { installInRspack } from './webpack/rspack.ts'
import { installInWebpack } from './webpack/webpack.ts'

export {
  type Engine,
  type FalOptions,
  fal,
  type IdeogramOptions,
  ideogram,
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
export type { UpscaleRule } from 'upscale-toolkit/rules'
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
  const name = 'upscale'
  switch (framework) {
    case 'vite':
      return vitePlugins(options).map(vite => ({ name: vite.name, enforce: vite.enforce, vite }))
    case 'webpack':
      return [{ name, webpack: compiler => installInWebpack(compiler, options) }]
    case 'rspack':
      return [{ name, rspack: compiler => installInRspack(compiler, options) }]
    case 'esbuild':
      return [{ name, esbuild: esbuildPlugin(options) }]
    case 'rsbuild':
      return [{ name, rsbuild: rsbuildPlugin(options) }]
    case 'farm':
      return [{ name, farm: farmPlugin(options) }]
    case 'rollup':
    case 'rolldown':
    case 'unloader':
      return [{ name, rollup: rollupPlugin(options), rolldown: rolldownPlugin(options) }]
    case 'bun':
      return [{ name, bun: { setup: builder => bunPlugin(options).setup(builder) } }]
  }
})
