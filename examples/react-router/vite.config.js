import { reactRouter } from '@react-router/dev/vite'
import upscale from 'unplugin-upscale/vite'
import { defineConfig } from 'vite'

export default defineConfig({ plugins: [reactRouter(), upscale()] })
