import { defineConfig } from '@rsbuild/core'
import upscale from 'unplugin-upscale/rsbuild'

export default defineConfig({
  html: { title: 'Rsbuild: small pictures, twice the size' },
  plugins: [upscale()],
})
