import upscale from 'unplugin-upscale/vite'
import { defineConfig } from 'vitepress'

export default defineConfig({
  title: 'Small pictures',
  description: 'Small pictures in VitePress, twice the size.',
  // VitePress gives Vite the folder docs/; the project, where cache and keys belong, is the one above.
  vite: { plugins: [upscale({ root: '..' })] },
})
