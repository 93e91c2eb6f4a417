/**
 * Builds this example through Vite's API, prints what happened to every picture, and says which file to open.
 * `vite build` does the same without the table.
 */
import { fileURLToPath } from 'node:url'
import { printReport } from 'example-page/terminal.mjs'
import upscale from 'unplugin-upscale/vite'
import { build } from 'vite'
import { openFromDisk } from './open-from-disk.mjs'

const root = fileURLToPath(new URL('.', import.meta.url))
const started = performance.now()
let report

await build({
  root,
  configFile: false,
  logLevel: 'warn',
  // The first build spends its time on the pictures, as it should; no need to warn of it.
  build: { rolldownOptions: { checks: { pluginTimings: false } } },
  plugins: [upscale({ onReport: facts => (report = facts) }), openFromDisk()],
})

printReport(report)
console.log(`Built in ${((performance.now() - started) / 1000).toFixed(1)} s. Open this file in a browser:\n`)
console.log(`  ${new URL('dist/index.html', import.meta.url).href}\n`)
