import upscale from 'unplugin-upscale/vite'
import { defineConfig } from 'vitest/config'

export default defineConfig({ plugins: [upscale()] })
