import { defineConfig } from 'electron-vite'
import upscale from 'unplugin-upscale/vite'

export default defineConfig({
  main: {},
  renderer: { plugins: [upscale()] },
})
