import { type BunPlugin, bunPlugin } from './hosts/bun.ts'
import type { UpscaleOptions } from './options.ts'

/** The plugin for `Bun.build`. @example plugins: [upscale()] */
export default function upscale(options: UpscaleOptions = {}): BunPlugin {
  return bunPlugin(options)
}
