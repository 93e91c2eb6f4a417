import upscale from 'unplugin-upscale/vite'
import { defineConfig } from 'vitepress'

export default defineConfig({
  title: 'Small pictures',
  description: 'Small pictures in VitePress, twice the size.',
  vite: { plugins: [upscale()] },
})
