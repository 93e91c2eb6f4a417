import type { Configuration as RspackConfiguration, RspackPluginInstance } from '@rspack/core'
import upscaleInRspack from 'unplugin-upscale/rspack'
import upscaleInWebpack from 'unplugin-upscale/webpack'
import type { Configuration, WebpackPluginInstance } from 'webpack'

// Checked with the other types, and never run: what each host's types, and Docusaurus, which mixes them, must take.
export const ofWebpack: WebpackPluginInstance = upscaleInWebpack()
export const ofRspack: RspackPluginInstance = upscaleInRspack()
export const inWebpack: Configuration = { plugins: [upscaleInWebpack(), upscaleInRspack()] }
export const inRspack: RspackConfiguration = { plugins: [upscaleInRspack()] }
