import type { Plugin } from 'vite'
import { type UpscaleOptions, unplugin } from './index.ts'

/** The plugin for Vite. @example plugins: [upscale()] */
const upscale: (options?: UpscaleOptions) => Plugin[] = unplugin.vite

export default upscale
