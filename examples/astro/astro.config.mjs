import { defineConfig } from 'astro/config'
import upscale from 'unplugin-upscale/vite'

export default defineConfig({
  vite: { plugins: [upscale()] },
})
