import vue from '@vitejs/plugin-vue'
import upscale from 'unplugin-upscale/vite'
import { defineConfig } from 'vite'

export default defineConfig({
  plugins: [vue(), upscale()],
})
