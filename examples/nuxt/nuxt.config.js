import upscale from 'unplugin-upscale/vite'

export default defineNuxtConfig({
  compatibilityDate: '2026-01-01',
  css: ['example-page/page.css'],
  telemetry: false,
  // Nuxt gives Vite the folder app/; the project, where cache and keys belong, is the one above.
  vite: { plugins: [upscale({ root: '..' })] },
})
