import upscale from 'unplugin-upscale/vite'
import { defineConfig } from 'vite'

export default defineConfig({ plugins: [upscale()] })
