import { copyFile } from 'node:fs/promises'
import { build } from 'esbuild'
import upscale from 'unplugin-upscale/esbuild'

await build({
  entryPoints: ['src/main.js'],
  outdir: 'dist',
  bundle: true,
  format: 'esm',
  minify: true,
  logLevel: 'info',
  plugins: [upscale()],
})
await copyFile('src/index.html', 'dist/index.html')
