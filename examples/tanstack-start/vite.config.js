import { tanstackStart } from '@tanstack/react-start/plugin/vite'
import react from '@vitejs/plugin-react'
import upscale from 'unplugin-upscale/vite'
import { defineConfig } from 'vite'

export default defineConfig({ plugins: [tanstackStart(), react(), upscale()] })
