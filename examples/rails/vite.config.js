import upscale from 'unplugin-upscale/vite'
import { defineConfig } from 'vite'
import rubyPlugin from 'vite-plugin-ruby'

export default defineConfig({ plugins: [rubyPlugin(), upscale()] })
