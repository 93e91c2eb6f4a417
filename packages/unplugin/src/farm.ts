import type { JsPlugin } from '@farmfe/core'
import { farmPlugin } from './hosts/farm.ts'
import type { UpscaleOptions } from './options.ts'

/** The plugin for Farm 1. @example plugins: [upscale()] */
export default function upscale(options: UpscaleOptions = {}): JsPlugin {
  return farmPlugin(options)
}
